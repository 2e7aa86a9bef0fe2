// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.oci.Digest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BusyboxImageTest {
    private static final Path BUSYBOX = Path.of("/bin/busybox");

    @TempDir Path temporary;

    @Test
    void givesTheSameBytesForTheSameBusybox() throws IOException {
        BusyboxImage.write(temporary.resolve("1"), BUSYBOX);
        BusyboxImage.write(temporary.resolve("2"), BUSYBOX);
        assertThat(contents(temporary.resolve("1"))).isEqualTo(contents(temporary.resolve("2")));
    }

    @Test
    void isAnOciLayoutThatOthersRead() {
        Path layout = temporary.resolve("layout");
        BusyboxImage.write(layout, BUSYBOX);
        assertThat(Command.run("skopeo", "inspect", "oci:" + layout + ":latest"))
                .contains("\"Os\": \"linux\"");
        Path bundle = temporary.resolve("bundle");
        Command.run("umoci", "unpack", "--image", layout + ":latest", bundle);
        Path root = bundle.resolve("rootfs");
        String names = Command.run("stat", "-c", "%h", root.resolve("bin/busybox")).strip();
        assertThat(Integer.parseInt(names)).isGreaterThan(200);
        assertThat(root.resolve("bin/sh")).hasSameBinaryContentAs(BUSYBOX);
        assertThat(root.resolve("etc/passwd"))
                .content()
                .startsWith("root:x:0:0:root:/root:/bin/sh\n");
        for (String mountPoint : new String[] {"proc", "dev", "sys", "run", "tmp"}) {
            assertThat(root.resolve(mountPoint)).isDirectory();
        }
    }

    private static SortedMap<String, Digest> contents(Path directory) throws IOException {
        SortedMap<String, Digest> contents = new TreeMap<>();
        try (var files = Files.walk(directory)) {
            for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
                contents.put(
                        directory.relativize(file).toString(), Digest.of(Files.readAllBytes(file)));
            }
        }
        return contents;
    }
}
