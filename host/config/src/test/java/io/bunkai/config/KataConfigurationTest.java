// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Configurations with the keys and defaults that Kata ships. */
class KataConfigurationTest {
    @TempDir Path folder;

    @Test
    void loadsTheGoRuntimesConfigurationWithoutAWarning() throws IOException {
        LoadedConfiguration loaded = load("kata-go.toml");

        assertThat(loaded.warnings()).isEmpty();
        Configuration configuration = loaded.configuration();
        assertThat(configuration.machine().hypervisor())
                .isEqualTo(Path.of("/opt/kata/bin/qemu-system-x86_64"));
        assertThat(configuration.boot())
                .isEqualTo(
                        new BootConfiguration(
                                Path.of("/opt/kata/share/kata-containers/vmlinux.container"),
                                new BootConfiguration.Root.Image(
                                        Path.of(
                                                "/opt/kata/share/kata-containers/kata-containers.img"),
                                        "ext4"),
                                List.of("cgroup_no_v1=all", "systemd.unified_cgroup_hierarchy=1")));
        assertThat(configuration.sizing().sizedOnce()).isFalse();
        assertThat(configuration.runtime().sandboxCgroupOnly()).isFalse();
        assertThat(configuration.agent().dialTimeout()).isEqualTo(Duration.ofSeconds(45));
        assertThat(configuration.agent().createContainerTimeout())
                .isEqualTo(Duration.ofSeconds(60));
        assertThat(configuration.annotations().enabled())
                .containsExactly("enable_iommu", "kernel_params", "kernel_verity_params");
    }

    @Test
    void loadsTheRustRuntimesConfigurationWithoutAWarning() throws IOException {
        LoadedConfiguration loaded = load("kata-rs.toml");

        assertThat(loaded.warnings()).isEmpty();
        Configuration configuration = loaded.configuration();
        assertThat(configuration.sizing().overheadMemory()).hasToString("32 MiB");
        assertThat(configuration.sizing().overheadProcessors()).isEqualTo(0.2);
        assertThat(configuration.agent().createContainerTimeout())
                .isEqualTo(Duration.ofSeconds(30));
        assertThat(configuration.agent().dialAttemptTimeout()).isEqualTo(Duration.ofMillis(10));
    }

    @Test
    void warnsOfExactlyWhatAnAdministratorChanged() throws IOException {
        ConfigurationFixture node = new ConfigurationFixture(folder);
        node.dropIn(
                "50-user.toml",
                """
                [hypervisor.qemu]
                default_memory = 4096
                enable_virtio_mem = true
                memory_slots = 10
                [runtime]
                enable_pprof = true
                """);
        LoadedConfiguration loaded = node.load(text("kata-go.toml"));

        assertThat(loaded.warnings().stream().map(ConfigurationWarning::key))
                .containsExactly("hypervisor.qemu.enable_virtio_mem", "runtime.enable_pprof");
        assertThat(loaded.configuration().sizing().memory()).hasToString("4 GiB");
    }

    private LoadedConfiguration load(String resource) throws IOException {
        return new ConfigurationFixture(folder).load(text(resource));
    }

    private static String text(String resource) throws IOException {
        try (InputStream in = KataConfigurationTest.class.getResourceAsStream(resource)) {
            return new String(
                    Objects.requireNonNull(in, resource).readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
