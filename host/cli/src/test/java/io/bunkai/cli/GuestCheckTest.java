// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class GuestCheckTest {
    private static final String CONFIG =
            """
            CONFIG_VIRTIO_PCI=y
            CONFIG_VIRTIO_BLK=y
            CONFIG_VIRTIO_CONSOLE=y
            CONFIG_EROFS_FS=y
            CONFIG_OVERLAY_FS=y
            CONFIG_TMPFS=y
            """;

    private final Shell shell = new Shell();

    @BeforeEach
    void aKernelAndAForeignImage() throws Exception {
        int machine = System.getProperty("os.arch", "").equals("aarch64") ? 183 : 62;
        byte[] kernel =
                ByteBuffer.allocate(4096)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt(0, 0x464c457f)
                        .putShort(18, (short) machine)
                        .array();
        Files.write(shell.root.resolve("vmlinux"), kernel);
        Files.writeString(shell.root.resolve("vmlinux.config"), CONFIG);
        byte[] image =
                ByteBuffer.allocate(8192)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt(1024, 0xE0F5E1E2)
                        .array();
        Files.write(shell.root.resolve("guest.img"), image);
    }

    @AfterEach
    void end() {
        shell.close();
    }

    @Test
    void saysWhatIsNotKnownAndSucceeds() {
        assertThat(shell.run("guest", "check", "vmlinux", "guest.img")).isZero();
        assertThat(shell.out())
                .startsWith("unknown   manifest: there is no manifest ")
                .endsWith("\nfits; 1 not known\n");
        assertThat(shell.err()).isEmpty();
    }

    @Test
    void namesEveryMismatchAndWhatToDo() throws Exception {
        Files.writeString(
                shell.root.resolve("vmlinux.config"),
                CONFIG.replace("CONFIG_OVERLAY_FS=y", "# CONFIG_OVERLAY_FS is not set"));
        assertThat(shell.run("guest", "check", "vmlinux", "guest.img", "--with", "virtio-fs"))
                .isEqualTo(1);
        assertThat(shell.out())
                .contains("mismatch  overlayfs: the kernel has no overlayfs (CONFIG_OVERLAY_FS")
                .contains("mismatch  virtio-fs: the kernel has no virtio-fs (CONFIG_VIRTIO_FS")
                .contains("\n          use a kernel that has it: bunkai guest kernel build")
                .endsWith("\ndoes not fit: 2 reasons; 1 not known\n");
    }

    @Test
    void printsJsonForPrograms() throws Exception {
        Files.delete(shell.root.resolve("guest.img"));
        assertThat(shell.run("guest", "check", "--format", "json", "vmlinux", "guest.img"))
                .isEqualTo(1);
        assertThat(shell.out())
                .isEqualTo(
                        """
                        {
                          "kernel": "%1$s/vmlinux",
                          "image": "%1$s/guest.img",
                          "fits": false,
                          "findings": [
                            {
                              "kind": "mismatch",
                              "subject": "image",
                              "text": "there is no file %1$s/guest.img",
                              "remedy": "correct image's path"
                            }
                          ]
                        }
                        """
                                .formatted(shell.root));
    }

    @Test
    void refusesAFeatureThatThereIsNot() {
        assertThat(shell.run("guest", "check", "--with", "magic", "vmlinux", "guest.img"))
                .isEqualTo(1);
        assertThat(shell.err())
                .startsWith("error: no feature is named 'magic'\nhint:  name one of: binfmt-");
    }

    @Test
    void wantsBothFiles() {
        assertThat(shell.run("guest", "check", "vmlinux")).isEqualTo(125);
        assertThat(shell.err())
                .contains("IMAGE")
                .contains("hint:  run 'bunkai guest check --help'");
    }
}
