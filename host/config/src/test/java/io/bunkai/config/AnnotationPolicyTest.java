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
import java.util.Map;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AnnotationPolicyTest {
    private static final String CONFIG = "io.katacontainers.config.";
    private static final String LIMITS = "io.bunkai.limits.";

    @TempDir Path folder;
    private ConfigurationFixture node;
    private final AnnotationPolicy policy = new AnnotationPolicy();

    @BeforeEach
    void prepare() {
        node = new ConfigurationFixture(folder);
    }

    @Test
    void appliesAnEnabledAnnotation() throws IOException {
        LoadedConfiguration pod =
                apply(
                        "enable_annotations = [\"default_memory\", \"default_vcpus\"]",
                        Map.of(
                                CONFIG + "hypervisor.default_memory", "512",
                                CONFIG + "hypervisor.default_vcpus", "2.5"));

        assertThat(pod.configuration().sizing().memory()).hasToString("512 MiB");
        assertThat(pod.configuration().sizing().processors()).isEqualTo(2.5);
        assertThat(pod.effectiveValues())
                .extracting(EffectiveValue::toString)
                .contains(
                        "hypervisor.qemu.default_memory = 512 (annotation "
                                + CONFIG
                                + "hypervisor.default_memory)");
    }

    @Test
    void leavesTheNodesConfigurationAsItWas() throws IOException {
        LoadedConfiguration loaded = node.loadQemu("enable_annotations = [\"default_memory\"]");
        policy.apply(loaded, Map.of(CONFIG + "hypervisor.default_memory", "512"));

        assertThat(loaded.configuration().sizing().memory()).hasToString("2 GiB");
        assertThat(policy.apply(loaded, Map.of()).configuration())
                .isEqualTo(loaded.configuration());
    }

    @Test
    void aPodMayLimitItselfWhereThatIsEnabled() throws IOException {
        LoadedConfiguration pod =
                apply(
                        "enable_annotations = [\"limits\\\\..*\"]",
                        Map.of(
                                LIMITS + "bw", "10000000",
                                LIMITS + "burst", "20000000",
                                LIMITS + "ops", "500"));

        assertThat(pod.configuration().sharing().limits())
                .isEqualTo(new LimitsConfiguration(10_000_000, 20_000_000, 500, 0));
    }

    @Test
    void aLimitThatIsNotEnabledIsRefusedWithThePatternThatEnablesIt() {
        assertRefused("", Map.of(LIMITS + "bw", "10"), FaultCode.PERMISSION_DENIED)
                .hasMessageContaining(LIMITS + "bw was refused: the node does not enable it");
    }

    @ParameterizedTest
    @CsvSource({"bw, 1001", "bw, 0", "burst, 1", "burst, 5000"})
    void aPodMayNotExceedTheNodesLimit(String name, String value) {
        assertRefused(
                        "enable_annotations = [\"limits\\\\..*\"]\n[bunkai.limits]\nbw = 1000",
                        Map.of(LIMITS + name, value),
                        FaultCode.OUT_OF_RANGE)
                .hasMessageContaining("the node allows");
    }

    @Test
    void aPodMayStayBelowTheNodesLimit() throws IOException {
        LoadedConfiguration pod =
                apply(
                        "enable_annotations = [\"limits\\\\..*\"]\n[bunkai.limits]\nbw = 1000\n"
                                + "burst = 50\nops = 10",
                        Map.of(LIMITS + "bw", "1000", LIMITS + "burst", "0"));

        assertThat(pod.configuration().sharing().limits())
                .isEqualTo(new LimitsConfiguration(1000, 0, 10, 0));
    }

    @Test
    void aPodMayWeighLessThanTheNodeSaysAndNotMore() throws IOException {
        String enabled = "enable_annotations = [\"limits\\\\..*\"]";
        LoadedConfiguration pod = apply(enabled, Map.of(LIMITS + "weight", "30"));
        assertThat(pod.configuration().budgets().weight()).isEqualTo(30);
        assertRefused(enabled, Map.of(LIMITS + "weight", "101"), FaultCode.OUT_OF_RANGE)
                .hasMessageContaining("asks for 101 of weight, and the node allows 100");
    }

    @Test
    void aBurstWithoutALimitIsRefused() {
        assertRefused(
                        "enable_annotations = [\"limits\\\\..*\"]",
                        Map.of(LIMITS + "burst", "20"),
                        FaultCode.INVALID_ARGUMENT)
                .hasMessageContaining("there is no limit that it could go beyond");
    }

    @Test
    void leavesOtherAnnotationsAlone() throws IOException {
        assertThat(
                        apply(
                                        "",
                                        Map.of(
                                                "io.kubernetes.cri.sandbox-id", "x",
                                                "io.katacontainers.container.resource.swappiness",
                                                        "60",
                                                "io.katacontainers.volume", "y"))
                                .warnings())
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "hypervisor.default_memory, 512, default_memory",
        "agent.enable_tracing, true, agent.enable_tracing",
        "runtime.disable_guest_seccomp, false, runtime.disable_guest_seccomp"
    })
    void refusesAllThreeClassesUnlessEnabled(String name, String value, String pattern)
            throws IOException {
        node.loadQemu("enable_annotations = []");
        refused("enable_annotations = []", name, value)
                .hasMessageContaining(CONFIG + name)
                .hasMessageContaining("the node does not enable it")
                .isInstanceOfSatisfying(
                        Fault.class,
                        fault -> {
                            assertThat(fault.code()).isEqualTo(FaultCode.PERMISSION_DENIED);
                            assertThat(fault.hint())
                                    .contains(
                                            "add \""
                                                    + pattern
                                                    + "\" to enable_annotations in"
                                                    + " [hypervisor.qemu] in "
                                                    + node.file()
                                                    + ", if whoever writes pods may set it");
                        });
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "hypervisor.enable_iommu_platform",
                "hypervisor.kernel",
                "runtime.enable_iommu",
                "agent.enable_iommu"
            })
    void aPatternEnablesNoMoreThanItsWholeName(String name) {
        refused("enable_annotations = [\"enable_iommu\", \"kernel_\"]", name, "true");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "hypervisor.xenable_iommu",
                "hypervisor.enable_iommux",
                "hypervisor.enable_iommu\n",
                "hypervisor. enable_iommu",
                "hypervisor.",
                "hypervisor.kata.enable_iommu",
                "hypervisor.Enable_Iommu",
                "Hypervisor.enable_iommu",
                "hypervisors.enable_iommu",
                "factory.enable_template",
                ""
            })
    void refusesNamesThatOnlyLookLikeAnEnabledOne(String name) {
        refused("enable_annotations = [\".*enable_iommu.*\"]", name, "true");
    }

    @Test
    void aHypervisorsPatternDoesNotOpenTheOtherClasses() throws IOException {
        refused("enable_annotations = [\"enable_.*\"]", "runtime.enable_pprof", "true");
        refused("enable_annotations = [\"enable_.*\"]", "agent.enable_tracing", "true");
        assertThat(
                        apply(
                                        "enable_annotations = [\"runtime\\\\.enable_.*\"]",
                                        Map.of(CONFIG + "runtime.enable_pprof", "true"))
                                .warnings())
                .hasSize(1);
    }

    @Test
    void aPatternForEverythingOpensAllClasses() throws IOException {
        LoadedConfiguration pod =
                apply(
                        "enable_annotations = [\".*\"]",
                        Map.of(
                                CONFIG + "runtime.disable_guest_seccomp", "false",
                                CONFIG + "runtime.create_container_timeout", "7",
                                CONFIG + "hypervisor.default_memory", "100"));

        assertThat(pod.configuration().runtime().guestSeccomp()).isTrue();
        assertThat(pod.configuration().agent().createContainerTimeout().toSeconds()).isEqualTo(7);
        assertThat(pod.configuration().sizing().memory()).hasToString("100 MiB");
    }

    @Test
    void thePodsTimeoutIsPreferredToTheAgentsSection() throws IOException {
        LoadedConfiguration loaded =
                node.load(
                        """
                        [hypervisor.qemu]
                        enable_annotations = ["runtime.create_container_timeout"]
                        [agent.kata]
                        create_container_timeout = 30
                        """);

        assertThat(
                        policy.apply(
                                        loaded,
                                        Map.of(CONFIG + "runtime.create_container_timeout", "90"))
                                .configuration()
                                .agent()
                                .createContainerTimeout()
                                .toSeconds())
                .isEqualTo(90);
    }

    @ParameterizedTest
    @CsvSource({"runtime.sandbox_bind_mounts, /etc", "agent.kernel_modules, evil"})
    void neverTakesWhatCouldRunCodeOnTheHostOrReadIt(String name, String value) {
        refused("enable_annotations = [\".*\"]", name, value)
                .hasMessageContaining("never taken from a pod");
    }

    @Test
    void neverLetsAPodChooseTheConfiguration() {
        assertThatThrownBy(() ->
                        apply(
                                "enable_annotations = [\".*\"]",
                                Map.of("io.katacontainers.config_path", "/tmp/x.toml")))
                .isInstanceOf(Fault.class)
                .hasMessageContaining("never chooses");
    }

    @Test
    void gatesTheNameThatKataHasOutsideItsClasses() throws IOException {
        Map<String, String> annotation = Map.of("io.katacontainers.enable_vcpus_pinning", "true");
        assertThatThrownBy(() -> apply("enable_annotations = [\"enable_.*\"]", annotation))
                .hasMessageContaining("does not enable it");
        assertThat(
                        apply("enable_annotations = [\"runtime.enable_vcpus_pinning\"]", annotation)
                                .warnings())
                .hasSize(1);
    }

    @Test
    void saysWhatAnUnknownAnnotationProbablyMeant() {
        refused("enable_annotations = [\".*\"]", "hypervisor.kernel_param", "quiet")
                .hasMessageContaining("there is no such annotation")
                .isInstanceOfSatisfying(
                        Fault.class,
                        fault ->
                                assertThat(fault.hint())
                                        .contains("write hypervisor.kernel_params, or remove it"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "kernel_hash",
                "image_hash",
                "initrd_hash",
                "hypervisor_hash",
                "path_hash",
                "jailer_hash",
                "firmware_hash",
                "firmware_volume_hash",
                "asset_hash_type"
            })
    void saysThatHashesAreNotComparedYet(String name) {
        refused("enable_annotations = [\".*_hash.*\"]", "hypervisor." + name, "00")
                .hasMessageContaining("does not compare hashes")
                .isInstanceOfSatisfying(
                        Fault.class,
                        fault -> assertThat(fault.code()).isEqualTo(FaultCode.UNIMPLEMENTED));
        refused("enable_annotations = []", "hypervisor." + name, "00")
                .hasMessageContaining("does not enable it");
    }

    @Test
    void treatsAnAnnotationAsItsKeyIsTreated() throws IOException {
        String all = "enable_annotations = [\".*\"]";
        assertThat(
                        ConfigurationFixture.messagesOf(
                                apply(
                                        all,
                                        Map.of(
                                                CONFIG + "hypervisor.enable_hugepages", "true",
                                                CONFIG + "hypervisor.enable_iommu", "false"))))
                .singleElement()
                .asString()
                .startsWith("[hypervisor.qemu] enable_hugepages = true has no effect");
        refused(all, "hypervisor.cc_init_data", "H4sI").hasMessageContaining("about security");
        refused(all, "hypervisor.kernel_verity_params", "root_hash=0")
                .hasMessageContaining("about security");
        refused(all, "agent.policy", "cGFja2FnZQ==").hasMessageContaining("about security");
        refused(all, "hypervisor.rootless", "true").hasMessageContaining("about security");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    hypervisor.default_memory | 2G
                    hypervisor.default_memory | 0
                    hypervisor.default_memory | -1
                    hypervisor.default_memory | 99999999999999999999
                    hypervisor.default_memory | 0x200
                    hypervisor.default_vcpus  | NaN
                    hypervisor.default_vcpus  | Infinity
                    hypervisor.default_vcpus  | 1e9
                    hypervisor.default_vcpus  | 1d
                    hypervisor.enable_iommu   | yes
                    hypervisor.machine_type   | q36
                    hypervisor.numa_mapping   | ["a"]\\nx = [
                    hypervisor.numa_mapping   | ["a"
                    runtime.experimental      | ["a", 1]
                    hypervisor.kernel_params  | a="b
                    hypervisor.kernel_params  | a\\u0000b
                    runtime.shared_mounts     | []
                    """)
    void refusesAValueThatCannotBeRead(String name, String value) {
        String unescaped = value.replace("\\u0000", "\0").replace("\\n", "\n");
        refused("enable_annotations = [\".*\"]", name, unescaped)
                .isInstanceOfSatisfying(
                        Fault.class,
                        fault -> assertThat(fault.code()).isEqualTo(FaultCode.INVALID_ARGUMENT));
    }

    @ParameterizedTest
    @CsvSource({
        "default_memory, 8193",
        "default_vcpus, 9",
        "default_vcpus, 8.5",
        "default_max_vcpus, 9",
    })
    void refusesMoreThanTheNodeHas(String name, String value) {
        refused(
                        "enable_annotations = [\".*\"]\ndefault_maxmemory = 8192",
                        "hypervisor." + name,
                        value)
                .isInstanceOfSatisfying(
                        Fault.class,
                        fault -> assertThat(fault.code()).isEqualTo(FaultCode.OUT_OF_RANGE));
    }

    @Test
    void replacesKernelParametersOfTheSameName() throws IOException {
        LoadedConfiguration pod =
                apply(
                        "kernel_params = \"quiet systemd.log-level=info a=1\"\n"
                                + "enable_annotations = [\"kernel_params\"]",
                        Map.of(CONFIG + "hypervisor.kernel_params", "systemd.log_level=debug b=2"));

        assertThat(pod.configuration().boot().kernelParameters())
                .containsExactly("quiet", "a=1", "systemd.log_level=debug", "b=2");
    }

    @Test
    void takesAPathThatAGlobAllows() throws IOException {
        Path qemu = Files.createFile(folder.toRealPath().resolve("qemu-test"));
        LoadedConfiguration pod =
                apply(
                        "enable_annotations = [\"path\"]\nvalid_hypervisor_paths = [\""
                                + folder.toRealPath()
                                + "/qemu-*\"]",
                        Map.of(CONFIG + "hypervisor.path", qemu.toString()));

        assertThat(pod.configuration().machine().hypervisor()).isEqualTo(qemu);
    }

    @Test
    void anEmptyListOfGlobsAllowsNoPath() {
        refused("enable_annotations = [\".*\"]", "hypervisor.path", "/usr/bin/env")
                .hasMessageContaining("does not allow the path");
        refused("enable_annotations = [\".*\"]", "hypervisor.kernel", "/boot/vmlinuz")
                .isInstanceOfSatisfying(
                        Fault.class,
                        fault ->
                                assertThat(fault.hint().orElseThrow())
                                        .contains("[bunkai] valid_asset_paths"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "allowed/../secret",
                "allowed/./file",
                "allowed//file",
                "allowed/file/",
                "allowed/file/..",
                "allowed/deeper/file",
                "allowed",
                "allowedfile",
                "secret",
                "allowed/link",
                "allowed/link-folder/secret",
                "allowed/missing",
                "allowed/fi\0le"
            })
    void refusesAPathThatLeadsElsewhere(String path) throws IOException {
        Path root = folder.toRealPath();
        Path allowed = Files.createDirectories(root.resolve("allowed/deeper")).getParent();
        Files.createFile(allowed.resolve("file"));
        Files.createFile(allowed.resolve("deeper/file"));
        Files.createFile(root.resolve("secret"));
        Files.createSymbolicLink(allowed.resolve("link"), root.resolve("secret"));
        Files.createSymbolicLink(allowed.resolve("link-folder"), root);

        refused(
                "enable_annotations = [\"path\"]\nvalid_hypervisor_paths = [\""
                        + allowed
                        + "/*\", \""
                        + allowed
                        + "/link-folder/*\"]",
                "hypervisor.path",
                root + "/" + path);
    }

    @Test
    void trustsALinkThatTheNodeNamesItself() throws IOException {
        Path root = folder.toRealPath();
        Path link = Files.createSymbolicLink(root.resolve("qemu"), Path.of("/usr/bin/env"));

        assertThat(
                        apply(
                                        "enable_annotations = [\"path\"]\nvalid_hypervisor_paths ="
                                                + " [\""
                                                + link
                                                + "\"]",
                                        Map.of(CONFIG + "hypervisor.path", link.toString()))
                                .configuration()
                                .machine()
                                .hypervisor())
                .isEqualTo(link);
    }

    @Test
    void anEmptyPathHasToBeListedToo() throws IOException {
        refused("enable_annotations = [\".*\"]", "hypervisor.path", "");
        assertThat(
                        apply(
                                        "enable_annotations = [\".*\"]",
                                        Map.of(CONFIG + "hypervisor.entropy_source", ""))
                                .configuration()
                                .machine()
                                .entropySource())
                .isEqualTo(Path.of("/dev/urandom"));
    }

    @Test
    void aChosenInitrdTakesTheImagesPlaceAndTheOtherWayRound() throws IOException {
        Path root = folder.toRealPath();
        Path chosen = Files.createFile(root.resolve("chosen"));
        String valid =
                "[bunkai]\nvalid_asset_paths = [\""
                        + root
                        + "/*\"]\n"
                        + "[hypervisor.qemu]\n"
                        + "enable_annotations = [\"image\", \"initrd\"]\n";

        assertThat(
                        policy.apply(
                                        node.load(valid + "image = \"/i\""),
                                        Map.of(CONFIG + "hypervisor.initrd", chosen.toString()))
                                .configuration()
                                .boot()
                                .root())
                .isEqualTo(new BootConfiguration.Root.InitialRamDisk(chosen));
        assertThat(
                        policy.apply(
                                        node.load(valid + "initrd = \"/i\""),
                                        Map.of(CONFIG + "hypervisor.image", chosen.toString()))
                                .configuration()
                                .boot()
                                .root())
                .isEqualTo(new BootConfiguration.Root.Image(chosen, "ext4"));
        assertThatThrownBy(() ->
                        policy.apply(
                                node.load(valid),
                                Map.of(
                                        CONFIG + "hypervisor.image", chosen.toString(),
                                        CONFIG + "hypervisor.initrd", chosen.toString())))
                .hasMessageContaining("both set");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[\"--shared-dir=/\"]",
                "[\"--thread-pool-size=1\", \"--sandbox=none\"]",
                "--socket-path=/tmp/x",
                "[\"--thread-pool-size=1 --sandbox=none\"]",
                "[\"--thread-pool-size=1\\n--sandbox=none\"]",
                "[\"-o\", \"source=/\"]"
            })
    void refusesArgumentsThatWouldOpenTheFileServer(String value) {
        refused("enable_annotations = [\".*\"]", "hypervisor.virtio_fs_extra_args", value);
    }

    @Test
    void acceptsHarmlessArgumentsOfTheFileServer() throws IOException {
        assertThat(
                        apply(
                                        "enable_annotations = [\".*\"]",
                                        Map.of(
                                                CONFIG + "hypervisor.virtio_fs_extra_args",
                                                "[\"--thread-pool-size=4\"]"))
                                .configuration()
                                .sharing()
                                .arguments())
                .containsExactly("--thread-pool-size=4");
    }

    @ParameterizedTest
    @CsvSource({
        "machine_accelerators, 'accel=tcg'",
        "machine_accelerators, 'a=b,type=pc'",
        "cpu_features, 'pmu=off -device x'"
    })
    void refusesOptionsThatAreDecidedElsewhere(String name, String value) {
        refused("enable_annotations = [\".*\"]", "hypervisor." + name, value);
    }

    @Test
    void refusesNamesAndValuesWithoutMeasure() {
        refused("enable_annotations = [\".*\"]", "hypervisor." + "a".repeat(1000), "");
        refused(
                "enable_annotations = [\".*\"]",
                "hypervisor.kernel_params",
                "a".repeat(256 * 1024 + 1));
    }

    @Test
    void aNameCannotForgeALineOfALog() {
        refused("enable_annotations = [\".*\"]", "hypervisor.x\nERROR forged", "")
                .hasMessageContaining("x\\nERROR forged")
                .hasMessageNotContaining("\n");
    }

    @Test
    void aListCannotExhaustTheStack() {
        refused("enable_annotations = [\".*\"]", "hypervisor.numa_mapping", "[".repeat(200_000));
    }

    @Test
    void namesThePlaceToEnableAnAnnotationEvenWithoutAFile() {
        LoadedConfiguration builtIn = node.loader().load(new ConfigurationSource.BuiltIn());

        assertThatThrownBy(() -> policy.apply(builtIn, Map.of(CONFIG + "hypervisor.image", "/x")))
                .isInstanceOfSatisfying(
                        Fault.class,
                        fault ->
                                assertThat(fault.hint().orElseThrow())
                                        .contains("of the node's configuration"));
    }

    private LoadedConfiguration apply(String qemuLines, Map<String, String> annotations)
            throws IOException {
        return policy.apply(node.loadQemu(qemuLines), annotations);
    }

    private AbstractThrowableAssert<?, ?> assertRefused(
            String qemuLines, Map<String, String> annotations, FaultCode code) {
        return assertThatThrownBy(() -> apply(qemuLines, annotations))
                .isInstanceOfSatisfying(
                        Fault.class, fault -> assertThat(fault.code()).isEqualTo(code));
    }

    private AbstractThrowableAssert<?, ?> refused(String qemuLines, String name, String value) {
        return assertThatThrownBy(() -> apply(qemuLines, Map.of(CONFIG + name, value)))
                .isInstanceOf(Fault.class);
    }
}
