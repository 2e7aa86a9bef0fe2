// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A start is refused if its guest could not work; nothing is left then. */
class GuestFitTest {
    private static final String ZEROS = "0".repeat(64);
    private static final boolean ARM = System.getProperty("os.arch", "").equals("aarch64");
    private static final String ARCHITECTURE = ARM ? "aarch64" : "x86_64";
    private static final String OTHER = ARM ? "x86_64" : "aarch64";

    private static final String CONFIG =
            """
            CONFIG_VIRTIO_PCI=y
            CONFIG_VIRTIO_BLK=y
            CONFIG_VIRTIO_CONSOLE=y
            CONFIG_VIRTIO_FS=y
            CONFIG_EROFS_FS=y
            CONFIG_OVERLAY_FS=y
            CONFIG_TMPFS=y
            """;

    private static final String MANIFEST =
            """
            {"format": 1, "architecture": "%s", "agent": {"version": "1", "protocols": ["0.0.1"]},
            "programs": {"crun": {}}, "kernelFeatures": ["virtio-fs"],
            "image": {"bytes": 8192, "uuid": "00000000-0000-0000-0000-000000000000"},
            "digest": "%s"}
            """
                    .formatted(ARCHITECTURE, ZEROS);

    private final FakeNode node = new FakeNode();

    @BeforeEach
    void aGuestThatFits() throws Exception {
        ByteBuffer kernel = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
        kernel.putInt(0, 0x464c457f).putShort(18, (short) (ARM ? 183 : 62));
        Files.write(node.kernel(), kernel.array());
        config(CONFIG);
        ByteBuffer image = ByteBuffer.allocate(8192).order(ByteOrder.LITTLE_ENDIAN);
        image.putInt(1024, 0xE0F5E1E2);
        Files.write(node.guestImage(), image.array());
        manifest(MANIFEST);
    }

    @AfterEach
    void end() {
        node.close();
    }

    private void config(String text) throws Exception {
        Files.writeString(node.kernel().resolveSibling("vmlinuz.config"), text);
    }

    private Path manifestFile() {
        return node.guestImage().resolveSibling("rootfs.erofs.json");
    }

    private void manifest(String zeros) throws Exception {
        byte[] digest =
                MessageDigest.getInstance("SHA-256").digest(zeros.getBytes(StandardCharsets.UTF_8));
        Files.writeString(manifestFile(), zeros.replace(ZEROS, HexFormat.of().formatHex(digest)));
    }

    private void assertRefused(String... reasons) {
        try (Containers containers = node.open()) {
            Fault fault =
                    catchThrowableOfType(
                            Fault.class, () -> containers.create(FakeNode.request("true")));
            assertThat(fault.code()).isEqualTo(FaultCode.FAILED_PRECONDITION);
            assertThat(fault).hasMessageContainingAll(reasons);
            assertThat(fault.hint())
                    .hasValueSatisfying(hint ->
                            assertThat(hint).contains("bunkai guest check " + node.kernel()));
            assertThat(containers.all()).isEmpty();
            assertThat(node.stateRoot().sandboxes()).isEmptyDirectory();
        }
    }

    @Test
    void aGuestThatFitsIsStarted() throws Exception {
        try (Containers containers = node.open()) {
            assertThat(containers.create(FakeNode.request("true")).warnings()).isEmpty();
            Files.delete(manifestFile()); // an image of somebody else
            containers.create(FakeNode.request("true"));
        }
    }

    @Test
    void aKernelWithoutOverlayfsIsRefused() throws Exception {
        config(CONFIG.replace("CONFIG_OVERLAY_FS=y", ""));
        assertRefused("overlayfs: the kernel has no overlayfs", "bunkai guest kernel build");
    }

    @Test
    void aKernelWithoutVirtioFsIsRefusedIfTheImageNeedsIt() throws Exception {
        config(CONFIG.replace("CONFIG_VIRTIO_FS=y", ""));
        assertRefused("virtio-fs: the kernel has no virtio-fs");
    }

    @Test
    void anImageOfAnotherArchitectureIsRefused() throws Exception {
        manifest(MANIFEST.replace(ARCHITECTURE, OTHER));
        assertRefused("architecture: the image is for " + OTHER);
    }

    @Test
    void anAgentOfAnotherProtocolIsRefused() throws Exception {
        manifest(MANIFEST.replace("0.0.1", "0.0.7"));
        assertRefused("agent: ", "protocol 0.0.7", "0.0.1", "bunkai guest image build");
    }

    @Test
    void anImageWithoutCrunIsRefused() throws Exception {
        manifest(MANIFEST.replace("\"crun\": {}", ""));
        assertRefused("crun: the image has no crun");
    }

    @Test
    void aCorruptedManifestIsRefused() throws Exception {
        Files.writeString(manifestFile(), Files.readString(manifestFile()).replace("crun", "runc"));
        assertRefused("manifest: ", "is damaged");
    }

    @Test
    void severalReasonsAreOneList() throws Exception {
        config(CONFIG.replace("CONFIG_OVERLAY_FS=y", ""));
        manifest(MANIFEST.replace("0.0.1", "0.0.7").replace("\"crun\": {}", ""));
        assertRefused("(3 found)", "agent: ", "crun: ", "overlayfs: ");
    }

    @Test
    void aPlanThatWouldBeRefusedCanBeExplained() throws Exception {
        config("");
        try (Containers containers = node.open()) {
            assertThat(containers.plan(FakeNode.request("true")).plan()).isNotNull();
        }
    }
}
