// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.vmm.Accelerator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GuestKernelTest {
    private static final String MANIFEST =
            """
            {
              "architecture": "%s",
              "release": "6.1.176-bunkai",
              "origin": "linux-source-6.1 6.1.176-1",
              "initrd": false,
              "kernels": {"kvm": "vmlinuz-6.1.176-1", "tcg": "vmlinux-6.1.176-1"},
              "files": {"vmlinux-6.1.176-1": {"bytes": 3}, "vmlinuz-6.1.176-1": {"bytes": 4}}
            }
            """
                    .formatted(
                            System.getProperty("os.arch").equals("amd64")
                                    ? "x86_64"
                                    : System.getProperty("os.arch"));

    @TempDir Path made;

    private Path guest = Path.of("");
    private Path kernels = Path.of("");

    @BeforeEach
    void makeAnImage() throws IOException {
        guest = Files.createDirectories(made.resolve("guest"));
        kernels = Files.createDirectories(made.resolve("kernel"));
        Files.writeString(
                guest.resolve("manifest.json"),
                """
                {"kernels": {"kvm": "vmlinuz", "tcg": "vmlinux"}, "kernelRelease": "6.1.0-50"}
                """);
        Files.writeString(guest.resolve("initrd.img"), "");
    }

    private void install(String manifest) throws IOException {
        Files.writeString(kernels.resolve("vmlinux-6.1.176-1"), "one");
        Files.writeString(kernels.resolve("vmlinuz-6.1.176-1"), "zwei");
        Files.writeString(kernels.resolve("kernel-6.1.176-1.json"), manifest);
        Files.createSymbolicLink(
                kernels.resolve("kernel.container.json"), Path.of("kernel-6.1.176-1.json"));
    }

    private GuestKernel ofTheImage() {
        return new GuestKernel(
                guest.resolve("vmlinux"),
                Optional.of(guest.resolve("initrd.img")),
                "Linux 6.1.0-50, the guest image's");
    }

    @Test
    void theImagesServesUntilOneIsBuilt() {
        assertThat(GuestKernel.choose(guest, Accelerator.TCG)).isEqualTo(ofTheImage());
    }

    @Test
    void oneThatWasBuiltIsBootedInTheFormOfTheAcceleratorWithoutAnInitrd() throws IOException {
        install(MANIFEST);
        assertThat(GuestKernel.choose(guest, Accelerator.TCG))
                .isEqualTo(
                        new GuestKernel(
                                kernels.toRealPath().resolve("vmlinux-6.1.176-1"),
                                Optional.empty(),
                                "Linux 6.1.176-bunkai, built from linux-source-6.1 6.1.176-1"));
        assertThat(GuestKernel.choose(guest, Accelerator.KVM).file())
                .hasFileName("vmlinuz-6.1.176-1");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"initrd\": false | \"initrd\": true",
                "\"bytes\": 3 | \"bytes\": 4",
                "\"architecture\" | \"arch\"",
                "\"release\" | \"x\"",
                "\"tcg\": \"vmlinux-6.1.176-1\" | \"tcg\": \"../guest/rootfs.erofs\"",
                "\"files\" | \"files",
            })
    void oneThatCannotBeBootedLikeThisIsLeftAside(String what, String instead) throws IOException {
        install(MANIFEST.replace(what, instead));
        assertThat(GuestKernel.choose(guest, Accelerator.TCG)).isEqualTo(ofTheImage());
    }
}
