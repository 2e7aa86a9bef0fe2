// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KeyTreatmentTest {
    @TempDir Path folder;
    private ConfigurationFixture node;

    @BeforeEach
    void prepare() {
        node = new ConfigurationFixture(folder);
    }

    @Test
    void acceptsKatasDefaultsSilently() throws IOException {
        LoadedConfiguration loaded =
                node.loadQemu(
                        """
                        enable_hugepages = false
                        disable_block_device_use = true
                        virtio_fs_daemon = "/opt/kata/libexec/virtiofsd"
                        """);

        assertThat(loaded.warnings()).isEmpty();
    }

    @Test
    void acceptsTheDefaultsOfBothOfKatasRuntimes() throws IOException {
        assertThat(node.loadQemu("disable_block_device_use = false").warnings()).isEmpty();
        assertThat(node.loadQemu("disable_block_device_use = true").warnings()).isEmpty();
    }

    @Test
    void honoursAChangedKey() throws IOException {
        LoadedConfiguration loaded = node.loadQemu("default_memory = 512\ndefault_vcpus = 2.5");

        assertThat(loaded.warnings()).isEmpty();
        assertThat(loaded.configuration().sizing().memory()).hasToString("512 MiB");
        assertThat(loaded.configuration().sizing().processors()).isEqualTo(2.5);
    }

    @Test
    void warnsOnceOfAChangedKeyThatIsNotHonoured() throws IOException {
        LoadedConfiguration loaded = node.loadQemu("enable_hugepages = true");

        assertThat(loaded.warnings())
                .singleElement()
                .hasToString(
                        node.file()
                                + ":2:1: [hypervisor.qemu] enable_hugepages = true has no effect:"
                                + " Bunkai does not honour this key yet (it is: back the machine's"
                                + " memory with huge pages)");
    }

    @Test
    void keepsItsOwnValueWhereOnlySomeAreHonoured() throws IOException {
        LoadedConfiguration loaded = node.loadQemu("machine_type = \"microvm\"");

        assertThat(ConfigurationFixture.messagesOf(loaded))
                .singleElement()
                .asString()
                .contains("machine_type = \"microvm\" has no effect: Bunkai honours only q35 yet");
        assertThat(loaded.configuration().machine().machineType()).isEqualTo("q35");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "confidential_guest = true",
                "sev_snp_guest = true",
                "rootless = true",
                "kernel_verity_params = \"root_hash=00\"",
                "disable_guest_selinux = false",
                "disable_nested_virtualization = true",
                "initdata = \"H4sI\"",
                "rootless_user = { uid = 1000, gid = 1000 }"
            })
    void refusesAChangedKeyAboutSecurity(String line) {
        assertThatThrownBy(() -> node.loadQemu(line))
                .isInstanceOfSatisfying(
                        Fault.class,
                        fault -> {
                            assertThat(fault.code()).isEqualTo(FaultCode.INVALID_ARGUMENT);
                            assertThat(fault)
                                    .hasMessageContaining(node.file() + ":2:1: ")
                                    .hasMessageContaining("about security");
                            assertThat(fault.hint()).isPresent();
                        });
    }

    @Test
    void refusesOnlyTheValuesThatAreAboutSecurity() throws IOException {
        assertThat(node.load("[runtime]\nemptydir_mode = \"block-plain\"").warnings()).hasSize(1);
        assertThatThrownBy(() -> node.load("[runtime]\nemptydir_mode = \"block-encrypted\""))
                .hasMessageContaining("about security");
        assertThat(node.load("[runtime]\nexperimental = [\"newness\"]").warnings()).hasSize(1);
        assertThatThrownBy(() -> node.load("[runtime]\nexperimental = [\"force_guest_pull\"]"))
                .hasMessageContaining("about security");
    }

    @Test
    void warnsOfAnUnknownKeyWithTheNearestName() throws IOException {
        LoadedConfiguration loaded = node.loadQemu("\ndefualt_memory = 512");

        assertThat(loaded.warnings())
                .singleElement()
                .hasToString(
                        node.file()
                                + ":3:1: unknown key 'defualt_memory' in [hypervisor.qemu]; did you"
                                + " mean 'default_memory'?");
    }

    @Test
    void saysInWhichSectionAKeyBelongs() throws IOException {
        assertThat(ConfigurationFixture.messagesOf(node.load("[runtime]\ndefault_memory = 512")))
                .containsExactly(
                        "unknown key 'default_memory' in [runtime]; it belongs into"
                                + " [hypervisor.qemu]");
        assertThat(ConfigurationFixture.messagesOf(node.load("strict = true")))
                .containsExactly(
                        "unknown key 'strict' outside any section; it belongs into [bunkai]");
    }

    @Test
    void guessesNothingWhereNoNameIsNear() throws IOException {
        assertThat(ConfigurationFixture.messagesOf(node.load("[runtime]\nfrobnicate = 1")))
                .containsExactly(
                        "unknown key 'frobnicate' in [runtime]; no key there has a similar name");
    }

    @Test
    void warnsOfAnUnknownSectionOnce() throws IOException {
        LoadedConfiguration loaded =
                node.load("[runtimes]\na = 1\nb = 2\n[hypervisor.qmeu]\nc = 3");

        assertThat(ConfigurationFixture.messagesOf(loaded))
                .containsExactly(
                        "unknown section [runtimes]; did you mean [runtime]?",
                        "unknown section [hypervisor.qmeu]; did you mean [hypervisor.qemu]?");
    }

    @Test
    void saysThatAnotherHypervisorsSectionHasNoEffect() throws IOException {
        assertThat(ConfigurationFixture.messagesOf(node.load("[hypervisor.clh]\npath = \"/x\"")))
                .containsExactly(
                        "[hypervisor.clh] has no effect: it is for another hypervisor than QEMU");
    }

    @Test
    void refusesUnknownKeysAndSectionsIfStrict() {
        assertThatThrownBy(() ->
                        node.load(
                                """
                                [bunkai]
                                strict = true
                                [runtime]
                                enable_debugg = true
                                [factroy]
                                """))
                .isInstanceOf(Fault.class)
                .hasMessageContaining(":4:1: unknown key 'enable_debugg'")
                .hasMessageContaining(":5:1: unknown section [factroy]");
    }

    @Test
    void toleratesWhatIsNotHonouredThoughStrict() throws IOException {
        assertThat(
                        node.load(
                                        """
                                        [bunkai]
                                        strict = true
                                        [hypervisor.qemu]
                                        enable_hugepages = true
                                        """)
                                .warnings())
                .hasSize(1);
    }

    @Test
    void neverPrintsAPassword() throws IOException {
        LoadedConfiguration loaded = node.load("[runtime]\njaeger_password = \"hunter2\"");

        assertThat(loaded.warnings()).hasSize(1);
        assertThat(loaded.warnings().toString() + loaded.effectiveValues())
                .doesNotContain("hunter2")
                .contains("jaeger_password");
    }

    @Test
    void takesBothSpellingsOfAKey() throws IOException {
        assertThat(
                        node.loadQemu("seccompsandbox = \"on\"")
                                .configuration()
                                .machine()
                                .seccompSandbox())
                .contains("on");
        assertThat(
                        node.loadQemu("seccomp_sandbox = \"on\"")
                                .configuration()
                                .machine()
                                .seccompSandbox())
                .contains("on");
        assertThatThrownBy(
                        () -> node.loadQemu("seccompsandbox = \"on\"\nseccomp_sandbox = \"off\""))
                .hasMessageContaining("names of the same key");
    }

    @Test
    void takesBothNamesOfTheFactorySection() throws IOException {
        assertThat(node.load("[hypervisor.qemu.factory]\nvm_cache_number = 1").warnings())
                .singleElement()
                .extracting(ConfigurationWarning::key)
                .isEqualTo("factory.vm_cache_number");
    }
}
