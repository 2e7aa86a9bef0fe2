// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CpioWriterTest {
    @Test
    void writesEveryFieldOfTheNewcForm() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (CpioWriter archive = new CpioWriter(out, 0x12345678L)) {
            archive.directory("dev", 0755);
            archive.characterDevice("dev/console", 0600, 5, 1);
            archive.file("a", 0644, "hello".getBytes(US_ASCII));
            archive.link("sh", "a");
        }
        String expected =
                // inode, mode, user, group, links, time, size, device, node's device, name, sum
                header(
                                "00000001",
                                "000041ed",
                                "00000002",
                                "12345678",
                                "00000000",
                                "00000000",
                                "00000000",
                                "00000004")
                        + "dev\0\0\0"
                        + header(
                                "00000002",
                                "00002180",
                                "00000001",
                                "12345678",
                                "00000000",
                                "00000005",
                                "00000001",
                                "0000000c")
                        + "dev/console\0\0\0"
                        + header(
                                "00000003",
                                "000081a4",
                                "00000001",
                                "12345678",
                                "00000005",
                                "00000000",
                                "00000000",
                                "00000002")
                        + "a\0"
                        + "hello\0\0\0"
                        + header(
                                "00000004",
                                "0000a1ff",
                                "00000001",
                                "12345678",
                                "00000001",
                                "00000000",
                                "00000000",
                                "00000003")
                        + "sh\0\0\0\0"
                        + "a\0\0\0"
                        + header(
                                "00000000",
                                "00000000",
                                "00000001",
                                "00000000",
                                "00000000",
                                "00000000",
                                "00000000",
                                "0000000b")
                        + "TRAILER!!!\0\0\0\0";
        assertThat(out.toString(US_ASCII)).isEqualTo(expected);
    }

    @Test
    void isReadBackByCpio(@TempDir Path folder) throws Exception {
        Path archive = folder.resolve("archive");
        try (CpioWriter writer = new CpioWriter(Files.newOutputStream(archive), 0)) {
            writer.directory("bin", 0755);
            writer.file("bin/tool", 0755, new byte[] {1, 2, 3, 4, 5});
            writer.link("bin/other", "tool");
        }
        CommandRunner.Result listing =
                new HostCommands()
                        .run(folder, List.of("busybox", "cpio", "-t", "-F", archive.toString()));
        assertThat(listing.output().lines()).containsExactly("bin", "bin/tool", "bin/other");
    }

    private static String header(
            String inode,
            String mode,
            String links,
            String time,
            String size,
            String major,
            String minor,
            String nameBytes) {
        return String.join(
                "",
                "070701",
                inode,
                mode,
                "00000000",
                "00000000",
                links,
                time,
                size,
                "00000000",
                "00000000",
                major,
                minor,
                nameBytes,
                "00000000");
    }
}
