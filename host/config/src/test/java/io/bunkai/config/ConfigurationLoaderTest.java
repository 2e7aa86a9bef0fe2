// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigurationLoaderTest {
    @TempDir Path folder;
    private ConfigurationFixture node;

    @BeforeEach
    void prepare() {
        node = new ConfigurationFixture(folder);
    }

    @Test
    void disksHaveTheLimitsOfFilesUnlessTheyHaveTheirOwn() throws IOException {
        String files = "[bunkai.limits]\nbw = 1000\nburst = 50\nops = 7\nops_burst = 2\n";
        assertThat(diskLimits(files)).isEqualTo(new LimitsConfiguration(1000, 50, 7, 2));
        assertThat(
                        diskLimits(
                                files
                                        + "[hypervisor.qemu]\n"
                                        + "disk_rate_limiter_bw_max_rate = 80_001\n"
                                        + "disk_rate_limiter_bw_one_time_burst = 16\n"))
                .isEqualTo(new LimitsConfiguration(10_001, 2, 7, 2));
        assertThat(diskLimits(files + "[hypervisor.qemu]\ndisk_rate_limiter_ops_max_rate = 90\n"))
                .isEqualTo(new LimitsConfiguration(1000, 50, 90, 0));
        assertThat(diskLimits("[hypervisor.qemu]\ndisk_rate_limiter_bw_max_rate = 1\n"))
                .isEqualTo(new LimitsConfiguration(1, 0, 0, 0));
        assertThat(diskLimits("").isUnlimited()).isTrue();
    }

    private LimitsConfiguration diskLimits(String toml) throws IOException {
        return node.load(toml).configuration().machine().diskLimits();
    }

    @Test
    void aBurstOfDisksWithoutARateIsWarnedOf() throws IOException {
        LoadedConfiguration loaded =
                node.load("[hypervisor.qemu]\ndisk_rate_limiter_ops_one_time_burst = 5\n");

        assertThat(loaded.warnings())
                .singleElement()
                .asString()
                .contains("no limit that it could go beyond", "disk_rate_limiter_ops_max_rate");
    }

    @Test
    void hasDefaultsWithoutAnyFile() {
        Configuration configuration =
                node.loader().load(new ConfigurationSource.BuiltIn()).configuration();

        assertThat(configuration.machine().hypervisor()).isEqualTo(Defaults.SYSTEM_QEMU);
        assertThat(configuration.machine().accelerator())
                .isEqualTo(MachineConfiguration.Accelerator.AUTO);
        assertThat(configuration.machine().seccompSandbox())
                .contains(
                        "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
        assertThat(configuration.machine().cpuFeatures()).containsExactly("pmu=off");
        assertThat(configuration.machine().machineOptions()).isEmpty();
        assertThat(configuration.boot())
                .isEqualTo(
                        new BootConfiguration(
                                ConfigurationFixture.KERNEL,
                                new BootConfiguration.Root.Image(
                                        ConfigurationFixture.IMAGE, "erofs"),
                                List.of()));
        assertThat(configuration.sizing().processors()).isEqualTo(1);
        assertThat(configuration.sizing().maximumProcessors()).isEqualTo(8);
        assertThat(configuration.sizing().maximumMemory()).hasToString("16 GiB");
        assertThat(configuration.sizing().sizedOnce()).isTrue();
        assertThat(configuration.runtime().guestSeccomp()).isFalse();
        assertThat(configuration.runtime().sandboxCgroupOnly()).isTrue();
        assertThat(configuration.runtime().rootfsSharing())
                .isEqualTo(RuntimeConfiguration.RootfsSharing.AUTO);
        assertThat(configuration.agent().logLevel()).isEqualTo(LogLevel.INFO);
    }

    @Test
    void prefersTheAdministratorsFileToThePackagedOne() throws IOException {
        Path etc = Files.createDirectories(folder.resolve("etc"));
        Path packaged = Files.createDirectories(folder.resolve("packaged"));
        var search = new ConfigurationSource.Search(etc, Optional.of(packaged));
        assertThat(node.loader().load(search).files()).isEmpty();

        Path second = Files.writeString(packaged.resolve("configuration.toml"), "");
        assertThat(node.loader().load(search).files()).containsExactly(second);

        Path first = Files.writeString(etc.resolve("configuration.toml"), "");
        assertThat(node.loader().load(search).files()).containsExactly(first);
    }

    @Test
    void mergesTheAdministratorsDropInsIntoThePackagedFile() throws IOException {
        Path etc = folder.resolve("etc");
        Path dropIns = Files.createDirectories(etc.resolve("config.d"));
        Path packaged = Files.createDirectories(folder.resolve("packaged/config.d")).getParent();
        Path file = Files.writeString(packaged.resolve("configuration.toml"), "");
        Path shipped = Files.writeString(packaged.resolve("config.d/90-a.toml"), "");
        Path own = Files.writeString(dropIns.resolve("10-b.toml"), "");

        assertThat(
                        node.loader()
                                .load(new ConfigurationSource.Search(etc, Optional.of(packaged)))
                                .files())
                .containsExactly(file, shipped, own);
    }

    @Test
    void looksWhereKataLooksOnlyIfAsked() throws IOException {
        Path old = folder.resolve("etc/kata-containers/configuration.toml");
        var search = new ConfigurationSource.KataSearch(folder);
        assertThatThrownBy(() -> node.loader().load(search))
                .isInstanceOfSatisfying(
                        Fault.class,
                        fault -> assertThat(fault.code()).isEqualTo(FaultCode.NOT_FOUND))
                .hasMessageContaining(old.toString());

        Files.createDirectories(old.getParent());
        Files.writeString(old, "");
        assertThat(node.loader().load(search).files()).containsExactly(old);

        Path present = folder.resolve("etc/kata-containers/runtime-rs/configuration.toml");
        Files.createDirectories(present.getParent());
        Files.writeString(present, "");
        assertThat(node.loader().load(search).files()).containsExactly(present);
    }

    @Test
    void mergesDropInsTableWiseInTheOrderOfTheirNames() throws IOException {
        node.dropIn(
                "20-second.toml",
                "[hypervisor.qemu]\ndefault_memory = 3072\nenable_annotations = [\"kernel\"]");
        node.dropIn(
                "10-first.toml",
                "[hypervisor.qemu]\ndefault_memory = 1000\nenable_annotations = [\"image\"]\n"
                        + "[runtime]\nenable_debug = true");
        LoadedConfiguration loaded =
                node.load(
                        """
                        [hypervisor.qemu]
                        default_memory = 500
                        default_vcpus = 3
                        enable_annotations = ["initrd", "firmware"]
                        """);

        assertThat(loaded.files())
                .extracting(file -> file.getFileName().toString())
                .containsExactly("configuration.toml", "10-first.toml", "20-second.toml");
        Configuration configuration = loaded.configuration();
        assertThat(configuration.sizing().memory()).hasToString("3 GiB");
        assertThat(configuration.sizing().processors()).isEqualTo(3);
        assertThat(configuration.annotations().enabled()).containsExactly("kernel");
        assertThat(configuration.runtime().debug()).isTrue();
    }

    @Test
    void budgetsOfNamespacesAndTheNodeHaveWeights() throws IOException {
        BudgetConfiguration budgets =
                node.load(
                                """
                                [bunkai.limits]
                                weight = 50
                                node_bw = 1000
                                namespace_ops = 7
                                [bunkai.limits.namespace_weights]
                                "team.payments" = 300
                                """)
                        .configuration()
                        .budgets();
        assertThat(budgets)
                .isEqualTo(
                        new BudgetConfiguration(
                                50,
                                new BudgetConfiguration.Budget(1000, 0),
                                new BudgetConfiguration.Budget(0, 7),
                                Map.of("team.payments", 300)));
        assertThat(budgets.weightOf("team.payments")).isEqualTo(300);
        assertThat(budgets.weightOf("others")).isEqualTo(100);
        assertThat(node.load("").configuration().budgets()).isEqualTo(BudgetConfiguration.NONE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "10001", "1.5", "\"100\""})
    void aWeightIsAWholeNumberFrom1To10000(String weight) {
        assertThatThrownBy(() ->
                        node.load("[bunkai.limits]\nnamespace_weights = { a = " + weight + " }"))
                .isInstanceOf(Fault.class)
                .hasMessageContaining("the weight of a is " + weight);
    }

    @Test
    void skipsWhatIsNoDropIn() throws IOException {
        node.dropIn(".hidden.toml", "not TOML");
        node.dropIn("10-a.toml~", "not TOML");
        node.dropIn("README", "not TOML");
        Files.createDirectory(folder.resolve("config.d/folder.toml"));

        assertThat(node.load("").files()).containsExactly(node.file());
    }

    @Test
    void judgesOnlyTheValueThatHolds() throws IOException {
        node.dropIn("50-user.toml", "[hypervisor.qemu]\nconfidential_guest = false");

        assertThat(node.loadQemu("confidential_guest = true").warnings()).isEmpty();
    }

    @Test
    void tellsWhereEachValueComesFrom() throws IOException {
        Path dropIn = node.dropIn("50-user.toml", "# a remark\n[runtime]\n  enable_debug = true");
        List<EffectiveValue> values =
                node.loadQemu("default_memory = 512\nenable_hugepages = true").effectiveValues();

        assertThat(values)
                .extracting(EffectiveValue::toString)
                .contains(
                        "hypervisor.qemu.default_memory = 512 (" + node.file() + ":2:1)",
                        "hypervisor.qemu.enable_hugepages = true ("
                                + node.file()
                                + ":3:1; no effect)",
                        "runtime.enable_debug = true (" + dropIn + ":3:3)",
                        "hypervisor.qemu.default_vcpus = 1 (built-in)",
                        "hypervisor.qemu.kernel = \"/assets/vmlinuz\" (built-in)",
                        "hypervisor.qemu.rootfs_type = \"erofs\" (built-in)");
        assertThat(values).extracting(EffectiveValue::key).doesNotContain("runtime.enable_pprof");
    }

    @Test
    void listsEffectiveValuesInAStableOrder() throws IOException {
        List<String> order =
                KeyCatalogue.standard().keys().stream().map(ConfigurationKey::path).toList();

        assertThat(
                        node.load("[runtime]\nenable_debug = true\n[bunkai]\nstrict = false")
                                .effectiveValues())
                .extracting(value -> order.indexOf(value.key()))
                .isSorted();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    default_memory = "2G"         | default_memory is the string "2G", but a whole number (MiB) is wanted
                    default_memory = 2048.5       | default_memory is the number 2048.5, but a whole number (MiB) is wanted
                    default_memory = 0            | default_memory is the number 0, but 64 to 16777216 (MiB) is wanted
                    default_memory = -1           | default_memory is the number -1, but 64 to 16777216 (MiB) is wanted
                    default_vcpus = "1"           | default_vcpus is the string "1", but a number (vCPU) is wanted
                    default_vcpus = nan           | default_vcpus is the number NaN, but any number (vCPU) is wanted
                    default_bridges = 6           | default_bridges is the number 6, but 0 to 5 is wanted
                    network_queues = 257          | network_queues is the number 257, but 1 to 256 is wanted
                    pcie_root_port = 17           | pcie_root_port is the number 17, but 0 to 16 is wanted
                    enable_debug = 1              | enable_debug is the number 1, but true or false is wanted
                    enable_debug = "true"         | enable_debug is the string "true", but true or false is wanted
                    path = "qemu"                 | path is not an absolute path: the string "qemu"
                    path = "/qemu\\u0007"         | path holds a control character
                    rootfs_type = "btrfs"         | rootfs_type is the string "btrfs", but one of these is wanted: ext4, xfs, erofs
                    shared_fs = "virtiofs"        | shared_fs is the string "virtiofs", but one of these is wanted
                    pflashes = "/a"               | pflashes is the string "/a", but a list of strings is wanted
                    pflashes = [1]                | pflashes has the number 1 among its members, but a list of strings is wanted
                    enable_annotations = ["("]    | enable_annotations has a regular expression that cannot be read, the string "("
                    valid_ctlpaths = ["/a["]      | valid_ctlpaths has a pattern that cannot be read, the string "/a["
                    kernel = 2026-11-01           | kernel is the date or time 2026-11-01, but a string
                    rootless_user = 3             | rootless_user is the number 3, but a table is wanted
                    guest_extension_images = [1]  | guest_extension_images is the list [1], but a list of tables is wanted
                    block_device_logical_sector_size = 513 | but 0, or a power of two from 512 to 65536 (bytes) is wanted
                    block_device_logical_sector_size = 256 | but 0, or a power of two from 512 to 65536 (bytes) is wanted
                    factory = 3                   | hypervisor.qemu.factory is a single value, but a table is wanted
                    """)
    void refusesAValueThatItsKeyDoesNotAllow(String line, String message) {
        assertThatThrownBy(() -> node.loadQemu(line))
                .isInstanceOfSatisfying(
                        Fault.class, fault -> assertThat(fault.hint().orElseThrow()).isNotBlank())
                .hasMessageContaining("the configuration was not loaded: " + node.file() + ":2:1: ")
                .hasMessageContaining(message);
    }

    @Test
    void suggestsTheNearestWordOfAnEnumeration() {
        assertThatThrownBy(() -> node.loadQemu("shared_fs = \"virtiofs\""))
                .isInstanceOfSatisfying(
                        Fault.class,
                        fault ->
                                assertThat(fault.hint())
                                        .contains(
                                                "write \"virtio-fs\", if that is what was meant"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    image = "/a"; initrd = "/b"                                    | image and initrd are both set
                    image = ""                                                     | image and initrd are both empty
                    hot_plug_vfio = "root-port"; cold_plug_vfio = "root-port"      | exclude each other
                    block_device_logical_sector_size = 4096; block_device_physical_sector_size = 512 | larger than the physical one
                    boot_to_be_template = true; boot_from_template = true; memory_path = "/m"; device_state_path = "/d" | exclude each other
                    boot_to_be_template = true                                     | a template needs memory_path
                    boot_from_template = true; memory_path = "/m"                  | needs device_state_path
                    kernel_params = "a=\\"b"                                       | a quote that is not closed
                    machine_accelerators = "a=b, c"                                | has a space in it
                    machine_accelerators = "accel=kvm"                             | sets 'accel', which is decided elsewhere
                    """)
    void refusesKeysThatDoNotGoTogether(String lines, String message) {
        assertThatThrownBy(() -> node.loadQemu(lines.replace("; ", "\n")))
                .isInstanceOf(Fault.class)
                .hasMessageContaining(message)
                .hasMessageContaining(node.file().toString());
    }

    @Test
    void refusesAMachineWithoutANetworkOfItsOwnThatIsWired() throws IOException {
        assertThatThrownBy(() -> node.load("[runtime]\ndisable_new_netns = true"))
                .hasMessageContaining("disable_new_netns needs internetworking_model = \"none\"");
        assertThat(
                        node.load(
                                        "[runtime]\ndisable_new_netns = true\n"
                                                + "internetworking_model = \"none\"")
                                .warnings())
                .hasSize(2);
    }

    @Test
    void refusesNodesForAMachineThatIsResized() {
        assertThatThrownBy(() ->
                        node.load(
                                "[hypervisor.qemu]\nenable_numa = true\n"
                                        + "[runtime]\nstatic_sandbox_resource_mgmt = false"))
                .hasMessageContaining("enable_numa needs static_sandbox_resource_mgmt");
    }

    @Test
    void refusesACacheOfMachinesThatAreNotQemus() {
        assertThatThrownBy(() ->
                        node.load(
                                "[factory]\nvm_cache_number = 1\n"
                                        + "[runtime]\nhypervisor_name = \"clh\""))
                .hasMessageContaining("works with QEMU only");
    }

    @Test
    void reportsEveryReasonAtOnce() {
        assertThatThrownBy(() ->
                        node.loadQemu(
                                """
                                default_memory = "2G"
                                default_vcpus = "2"
                                sev_snp_guest = true
                                """))
                .hasMessageContaining("for 3 reasons")
                .hasMessageContaining(":2:1: ")
                .hasMessageContaining(":3:1: ")
                .hasMessageContaining(":4:1: ");
    }

    @Test
    void tellsThePlaceOfASyntaxError() {
        assertThatThrownBy(() -> node.loadQemu("default_memory = \ndefault_vcpus = 1"))
                .isInstanceOf(Fault.class)
                .hasMessageContaining(node.file() + ":2:")
                .hasMessageContaining("this is not TOML");
    }

    @Test
    void tellsWhichFileIsMissing() {
        assertThatThrownBy(() ->
                        node.loader()
                                .load(
                                        new ConfigurationSource.Explicit(
                                                folder.resolve("none.toml"))))
                .isInstanceOfSatisfying(
                        Fault.class,
                        fault -> assertThat(fault.code()).isEqualTo(FaultCode.NOT_FOUND))
                .hasMessageContaining("none.toml");
    }

    @Test
    void refusesADropInThatLeadsNowhere() throws IOException {
        Files.createDirectory(folder.resolve("config.d"));
        Files.createSymbolicLink(folder.resolve("config.d/10-a.toml"), Path.of("nowhere"));

        assertThatThrownBy(() -> node.load("")).hasMessageContaining("10-a.toml");
    }

    @Test
    void refusesAFileThatIsNoText() throws IOException {
        Files.write(node.file(), new byte[] {(byte) 0xff, 0, 1});
        var source = new ConfigurationSource.Explicit(node.file());
        assertThatThrownBy(() -> node.loader().load(source)).hasMessageContaining("not UTF-8");

        Files.write(node.file(), new byte[(1 << 20) + 1]);
        assertThatThrownBy(() -> node.loader().load(source)).hasMessageContaining("larger than");
    }

    @Test
    void takesTheInitrdForTheRootFileSystem() throws IOException {
        assertThat(node.loadQemu("initrd = \"/b\"\nimage = \"\"").configuration().boot().root())
                .isEqualTo(new BootConfiguration.Root.InitialRamDisk(Path.of("/b")));
        assertThat(node.loadQemu("initrd = \"/b\"").configuration().boot().root())
                .isEqualTo(new BootConfiguration.Root.InitialRamDisk(Path.of("/b")));
    }

    @Test
    void takesKatasFileSystemForANamedImage() throws IOException {
        assertThat(node.loadQemu("image = \"/b\"").configuration().boot().root())
                .isEqualTo(new BootConfiguration.Root.Image(Path.of("/b"), "ext4"));
        assertThat(
                        node.loadQemu("image = \"/b\"\nrootfs_type = \"xfs\"")
                                .configuration()
                                .boot()
                                .root())
                .isEqualTo(new BootConfiguration.Root.Image(Path.of("/b"), "xfs"));
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0, 1, 8",
        "-1, 0, 8, 8",
        "100, 0, 8, 8",
        "2, 4, 2, 4",
        "0.5, 100, 0.5, 8",
        "4, 2, 4, 4"
    })
    void boundsProcessorsByTheHost(double start, int maximum, double expected, int most)
            throws IOException {
        SizingConfiguration sizing =
                node.loadQemu("default_vcpus = " + start + "\ndefault_maxvcpus = " + maximum)
                        .configuration()
                        .sizing();

        assertThat(sizing.processors()).isEqualTo(expected);
        assertThat(sizing.maximumProcessors()).isEqualTo(most);
    }

    @Test
    void boundsMemoryByTheHost() throws IOException {
        SizingConfiguration sizing =
                node.loadQemu("default_memory = 512\ndefault_maxmemory = 100000")
                        .configuration()
                        .sizing();
        assertThat(sizing.maximumMemory()).hasToString("16 GiB");

        assertThat(
                        node.loadQemu("default_memory = 512\ndefault_maxmemory = 256")
                                .configuration()
                                .sizing()
                                .maximumMemory())
                .hasToString("512 MiB");
    }

    @Test
    void switchesTheSandboxOffOnlyIfToldSo() throws IOException {
        assertThat(
                        node.loadQemu("seccomp_sandbox = \"\"")
                                .configuration()
                                .machine()
                                .seccompSandbox())
                .isPresent();
        assertThat(
                        node.loadQemu("seccomp_sandbox = \"off\"")
                                .configuration()
                                .machine()
                                .seccompSandbox())
                .isEmpty();
    }

    @Test
    void logsAtLeastDebugIfDebuggingIsEnabled() throws IOException {
        Configuration configuration =
                node.load(
                                """
                                [hypervisor.qemu]
                                enable_debug = true
                                [agent.kata]
                                enable_debug = true
                                log_level = "trace"
                                [runtime]
                                log_level = "warn"
                                """)
                        .configuration();

        assertThat(configuration.machine().logLevel()).isEqualTo(LogLevel.DEBUG);
        assertThat(configuration.agent().logLevel()).isEqualTo(LogLevel.TRACE);
        assertThat(configuration.runtime().logLevel()).isEqualTo(LogLevel.WARNING);
    }

    @Test
    void keepsQuotedKernelParametersTogether() throws IOException {
        assertThat(
                        node.loadQemu("kernel_params = '  a=1 b=\"x y\"  c '")
                                .configuration()
                                .boot()
                                .kernelParameters())
                .containsExactly("a=1", "b=\"x y\"", "c");
    }

    @Test
    void warnsOfAPatternThatEnablesNothing() throws IOException {
        assertThat(
                        ConfigurationFixture.messagesOf(
                                node.loadQemu("enable_annotations = [\"kernel_.*\", \"iommu\"]")))
                .containsExactly(
                        "enable_annotations has \"iommu\", which enables nothing: it matches no"
                                + " annotation's whole name");
    }

    @Test
    void readsTheSizeOfThisMachine() {
        HostCapacity host = HostCapacity.ofThisMachine();

        assertThat(host.processors()).isPositive();
        assertThat(host.memory().bytes()).isGreaterThan(1 << 20);
    }
}
