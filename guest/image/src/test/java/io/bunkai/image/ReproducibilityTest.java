// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Everything but the AOT cache is the same, byte by byte, when it is built twice. */
class ReproducibilityTest {
    private static final Path BUSYBOX = Path.of("/bin/busybox");
    private static final long TIME = 1_767_225_600;

    @TempDir private Path folder;

    @Test
    void theInitramfsIsTheSameTwice() throws Exception {
        Path module = Files.write(folder.resolve("a.ko"), ElfBuilder.module("a", ""));
        Path first = folder.resolve("first");
        Path second = folder.resolve("second");
        Initramfs.write(first, BUSYBOX, List.of(module), TIME);
        Initramfs.write(second, BUSYBOX, List.of(module), TIME);
        assertThat(first).hasSameBinaryContentAs(second);
    }

    @Test
    void theRootFileSystemIsTheSameTwice() throws Exception {
        assertThat(rootFileSystem("first")).hasSameBinaryContentAs(rootFileSystem("second"));
    }

    private Path rootFileSystem(String name) throws Exception {
        RootTree tree = RootTree.create(folder.resolve(name));
        tree.addBusybox(BUSYBOX);
        tree.write("usr/lib/modules/1/modules.dep", "a.ko:\n");
        Trees.setTimes(tree.root(), Instant.ofEpochSecond(TIME));
        Path image = folder.resolve(name + ".erofs");
        ErofsImage.write(
                new HostCommands(), tree.root(), image, new UUID(1, 2), TIME, Compression.LARGE);
        return image;
    }
}
