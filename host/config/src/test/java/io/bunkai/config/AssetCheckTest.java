// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AssetCheckTest {
    @TempDir Path folder;
    private Path kernel;
    private Path image;

    @BeforeEach
    void install() throws IOException {
        kernel = Files.writeString(folder.resolve("kernel"), "k");
        image = Files.writeString(folder.resolve("image"), "i");
    }

    @Test
    void findsNothingWrongWithWhatIsThere() throws IOException {
        assertThat(AssetCheck.check(load("path = \"/usr/bin/env\""))).isEmpty();
    }

    @Test
    void namesAMissingFileAndItsKey() throws IOException {
        Files.delete(kernel);
        LoadedConfiguration loaded = load("path = \"/usr/bin/env\"");

        assertThatThrownBy(() -> AssetCheck.check(loaded))
                .isInstanceOfSatisfying(
                        Fault.class,
                        fault -> {
                            assertThat(fault.code()).isEqualTo(FaultCode.NOT_FOUND);
                            assertThat(fault.hint().orElseThrow()).contains("kernel");
                        })
                .hasMessage("the guest's kernel %s is not there", kernel);
    }

    @Test
    void refusesAnEmptyFileAndAFolder() throws IOException {
        Files.writeString(image, "");
        LoadedConfiguration empty = load("path = \"/usr/bin/env\"");
        assertThatThrownBy(() -> AssetCheck.check(empty)).hasMessageContaining("is empty");

        LoadedConfiguration directory = load("path = \"/usr/bin\"");
        assertThatThrownBy(() -> AssetCheck.check(directory)).hasMessageContaining("is no file");
    }

    @Test
    void refusesAHypervisorThatCannotRun() throws IOException {
        LoadedConfiguration loaded = load("path = \"" + kernel + "\"");

        assertThatThrownBy(() -> AssetCheck.check(loaded))
                .hasMessageContaining("is not executable");
    }

    @Test
    void warnsOfAnImageAndRefusesAnInitrdThatMemoryCannotHold() throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(65L << 20);
        }
        String lines = "path = \"/usr/bin/env\"\ndefault_memory = 64\n";

        assertThat(AssetCheck.check(load(lines)))
                .singleElement()
                .hasToString(
                        "built-in: the guest's image (65 MiB) is larger than its memory (64 MiB)"
                                + " and cannot be kept in it");
        LoadedConfiguration initrd = load(lines + "initrd = \"" + image + "\"");
        assertThatThrownBy(() -> AssetCheck.check(initrd))
                .hasMessageContaining("is larger than its memory (64 MiB)");
    }

    private LoadedConfiguration load(String lines) throws IOException {
        Path file = folder.resolve("configuration.toml");
        Files.writeString(file, "[hypervisor.qemu]\n" + lines);
        return new ConfigurationLoader(
                        Defaults.of(kernel, image, Path.of("/opt/bunkai/virtiofsd")),
                        new HostCapacity(2, ByteSize.ofMib(4096)))
                .load(new ConfigurationSource.Explicit(file));
    }
}
