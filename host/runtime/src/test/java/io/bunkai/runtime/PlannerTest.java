// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.oci.RuntimeSpec;
import io.bunkai.vmm.Disk;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PlannerTest {
    private static final String ID = "0123456789abcdef";
    private static final long MIB = 1L << 20;
    private static final String SIZES =
            """
            [hypervisor.qemu]
            default_vcpus = 2
            default_maxvcpus = 4
            overhead_vcpus = 0.5
            default_memory = 512
            default_maxmemory = 4096
            overhead_memory = 100
            """;

    private final FakeNode node = new FakeNode();

    @AfterEach
    void end() {
        node.close();
    }

    private Plan plan(FakeNode.Wish wish) {
        return plan("", wish);
    }

    private Plan plan(String toml, FakeNode.Wish wish) {
        return node.planner(toml).plan(wish.request(), ID, "web").plan();
    }

    private RuntimeSpec.ContainerProcess process(FakeNode.Wish wish) {
        return plan(wish).process().process();
    }

    private static FaultCode codeOf(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        return catchThrowableOfType(Fault.class, call).code();
    }

    // ---- sizes ----

    /** Limits of 0 are none. One thousandth of a processor is a million billionths. */
    @ParameterizedTest
    @CsvSource({
        // nanoCpus, vcpus
        "0, 2", // default_vcpus
        "1, 1", // 0.5 and a little
        "500000000, 1", // 0.5 + 0.5
        "500000001, 2",
        "1000000000, 2", // 1 + 0.5
        "1500000000, 2",
        "1500000001, 3",
        "3500000000, 4"
    })
    void processorsFollowFromTheLimit(long nanoCpus, int vcpus) {
        assertThat(plan(SIZES, new FakeNode.Wish().nanoCpus(nanoCpus)).sizing().vcpus())
                .isEqualTo(vcpus);
    }

    @ParameterizedTest
    @ValueSource(longs = {3_500_000_001L, 4_000_000_000_000L, Long.MAX_VALUE})
    void moreProcessorsThanAMachineMayHaveAreRefused(long nanoCpus) {
        Fault fault =
                catchThrowableOfType(
                        Fault.class, () -> plan(SIZES, new FakeNode.Wish().nanoCpus(nanoCpus)));
        assertThat(fault.code()).isEqualTo(FaultCode.INVALID_ARGUMENT);
        assertThat(fault).hasMessageContaining("a machine may have 4");
        assertThat(fault.getMessage()).doesNotContain("-").doesNotContain("2147483647");
    }

    @Test
    void aNegativeLimitIsRefused() {
        assertThat(codeOf(() -> plan(new FakeNode.Wish().nanoCpus(-1))))
                .isEqualTo(FaultCode.INVALID_ARGUMENT);
    }

    @ParameterizedTest
    @CsvSource({
        // limit in bytes, MiB of the machine
        "6291456, 106", // 6 MiB + 100
        "6291457, 107", // rounded up
        "209715200, 300", // 200 MiB + 100
        "4190109696, 4096" // 3996 MiB + 100
    })
    void memoryFollowsFromTheLimit(long limit, long mib) {
        Plan plan = plan(SIZES, new FakeNode.Wish().memory(limit));
        assertThat(plan.sizing().memoryMib()).isEqualTo(mib);
        assertThat(plan.machine().memory().size().bytes()).isEqualTo(mib * MIB);
        assertThat(plan.process().linux().resources().memory().limit()).isEqualTo(limit);
        assertThat(plan.process().linux().resources().memory().swap()).isEqualTo(limit);
    }

    @ParameterizedTest
    @ValueSource(longs = {4_190_109_697L, Long.MAX_VALUE - (100 << 20), Long.MAX_VALUE})
    void moreMemoryThanAMachineMayHaveIsRefused(long limit) {
        assertThat(codeOf(() -> plan(SIZES, new FakeNode.Wish().memory(limit))))
                .isEqualTo(FaultCode.INVALID_ARGUMENT);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 6 * MIB - 1})
    void lessMemoryThanAProcessNeedsIsRefused(long limit) {
        assertThat(codeOf(() -> plan(SIZES, new FakeNode.Wish().memory(limit))))
                .isEqualTo(FaultCode.INVALID_ARGUMENT);
    }

    @Test
    void withoutLimitsTheConfigurationHolds() {
        Plan plan = plan(SIZES, new FakeNode.Wish());
        assertThat(plan.sizing())
                .isEqualTo(new Plan.Sizing(2, 512, "vcpus: default_vcpus; memory: default_memory"));
        assertThat(plan.machine().cpu().count()).isEqualTo(2);
        assertThat(plan.process().linux().resources().memory()).isNull();
        assertThat(plan.process().linux().resources().cpu()).isNull();
    }

    @ParameterizedTest
    @CsvSource({"1500000000, 150000", "1000000, 1000", "1, 1000", "10000000, 1000"})
    void theContainerGetsAQuota(long nanoCpus, long quota) {
        RuntimeSpec.Cpu cpu =
                plan(new FakeNode.Wish().nanoCpus(nanoCpus)).process().linux().resources().cpu();
        assertThat(cpu.quota()).isEqualTo(quota);
        assertThat(cpu.period()).isEqualTo(100_000);
    }

    // ---- the machine ----

    @Test
    void theMachineIsFullyNamed() {
        Plan plan = plan(new FakeNode.Wish());
        assertThat(plan.machine().id()).isEqualTo(ID);
        assertThat(plan.machine().directory()).isEqualTo(node.stateRoot().sandboxes().resolve(ID));
        assertThat(plan.machine().agentPort()).isEqualTo("agent.channel.0");
        assertThat(plan.machine().disks())
                .extracting(disk -> disk.serial() + " " + disk.slot() + " " + disk.readOnly())
                .containsExactly("bunkai-root 4 true", "image 5 true");
        assertThat(plan.launch()).isEqualTo(node.hypervisor().command(plan.machine()));
        assertThat(plan.image().disks()).containsExactly(node.image().disk());
    }

    @Test
    void everyHierarchyHasAGroupAndTheProcessBeginsInIt() throws Exception {
        Path memory = Files.createDirectories(node.folder().resolve("cgroup/memory"));
        Files.createFile(memory.resolve("cgroup.procs"));
        Plan plan = plan(new FakeNode.Wish());
        Path group = memory.resolve("bunkai").resolve(ID);
        assertThat(plan.cgroups()).containsExactly(group);
        assertThat(plan.machine().cgroupProcsFiles())
                .containsExactly(group.resolve("cgroup.procs"));
    }

    @Test
    void theGuestMountsTheDiskATmpfsAndTheOverlayOfBoth() {
        String home = "/run/kata-containers/" + ID;
        assertThat(plan(new FakeNode.Wish()).storages())
                .containsExactly(
                        new Plan.Storage("blk", "05", "erofs", List.of("ro"), home + "/lower"),
                        new Plan.Storage("ephemeral", "tmpfs", "tmpfs", List.of(), home + "/rw"),
                        new Plan.Storage(
                                "overlayfs",
                                "overlay",
                                "overlay",
                                List.of(
                                        "lowerdir=" + home + "/lower",
                                        "upperdir=" + home + "/rw/upper",
                                        "workdir=" + home + "/rw/work"),
                                home + "/rootfs"));
        assertThat(plan(new FakeNode.Wish()).process().root().path()).isEqualTo(home + "/rootfs");
        assertThat(plan(new FakeNode.Wish()).process().linux().cgroupsPath())
                .isEqualTo("/bunkai/" + ID);
    }

    /** The kernel names disks in the order of their slots, and takes the last of two parameters. */
    @Test
    void aKernelWithoutAnInitrdIsToldThatItsRootIsTheFirstDisk() {
        String toml =
                """
                [hypervisor.qemu]
                image = "/images/other.img"
                rootfs_type = "ext4"
                kernel_params = "root=/dev/vda1"
                """;
        Plan plan = plan(toml, new FakeNode.Wish());
        assertThat(plan.machine().boot().initrd()).isEmpty();
        assertThat(plan.machine().boot().parameters())
                .containsExactly(
                        "quiet",
                        "root=/dev/vda",
                        "rootfstype=ext4",
                        "ro",
                        "agent.log=info",
                        "root=/dev/vda1");
        assertThat(plan.machine().disks().stream().mapToInt(Disk::slot).min())
                .hasValue(plan.machine().disks().getFirst().slot());
        assertThat(plan.machine().disks().getFirst().serial()).isEqualTo("bunkai-root");
    }

    @Test
    void aKernelWithItsInitrdFindsItsRootByItself() throws Exception {
        Files.writeString(node.folder().resolve("initrd.img"), "");
        Plan plan = plan(new FakeNode.Wish());
        assertThat(plan.machine().boot().initrd()).contains(node.folder().resolve("initrd.img"));
        assertThat(plan.machine().boot().parameters()).containsExactly("quiet", "agent.log=info");
    }

    @Test
    void anInitrdAsRootIsRefused() {
        String toml =
                """
                [hypervisor.qemu]
                initrd = "/boot/initrd"
                image = ""
                """;
        assertThat(codeOf(() -> plan(toml, new FakeNode.Wish())))
                .isEqualTo(FaultCode.UNIMPLEMENTED);
    }

    @Test
    void anAnnotationThatIsNotEnabledIsRefused() {
        FakeNode.Wish wish =
                new FakeNode.Wish()
                        .annotations(
                                Map.of(
                                        "io.katacontainers.config.hypervisor.default_memory",
                                        "1024"));
        String toml =
                """
                [hypervisor.qemu]
                enable_annotations = []
                """;
        assertThat(codeOf(() -> plan(toml, wish))).isEqualTo(FaultCode.PERMISSION_DENIED);
    }

    @Test
    void anAnnotationThatIsEnabledCounts() {
        String toml =
                """
                [hypervisor.qemu]
                enable_annotations = ["default_memory"]
                """;
        FakeNode.Wish wish =
                new FakeNode.Wish()
                        .annotations(
                                Map.of(
                                        "io.katacontainers.config.hypervisor.default_memory",
                                        "1024"));
        assertThat(plan(toml, wish).sizing().memoryMib()).isEqualTo(1024);
    }

    // ---- what runs ----

    /** Words are separated by spaces; "-" is not said, "[]" is said to be nothing. */
    @ParameterizedTest
    @CsvSource({
        // image's entrypoint, image's command, --entrypoint, arguments, result
        "[], sh,       -,    [],    sh",
        "[], sh,       -,    ls /,  ls /",
        "init, run x,  -,    [],    init run x",
        "init, run x,  -,    y,     init y",
        "init, run x,  boot, [],    boot", // the image's command goes with its entrypoint
        "init, run x,  boot, y,     boot y",
        "init, run x,  [],   y z,   y z"
    })
    void whatRunsFollowsDockersRules(
            String entrypoint, String command, String asked, String arguments, String result) {
        node.image(FakeImages.running(node.image(), words(entrypoint), words(command)));
        FakeNode.Wish wish = new FakeNode.Wish().arguments(words(arguments).toArray(String[]::new));
        if (!asked.equals("-")) {
            wish.entrypoint(words(asked).toArray(String[]::new));
        }
        assertThat(process(wish).args()).isEqualTo(words(result));
    }

    private static List<String> words(String text) {
        return text.equals("[]") ? List.of() : Arrays.asList(text.split(" "));
    }

    @Test
    void oneEmptyWordTakesTheEntrypointAway() {
        node.image(FakeImages.running(node.image(), List.of("init"), List.of("run")));
        assertThat(process(new FakeNode.Wish().entrypoint("").arguments("ls")).args())
                .containsExactly("ls");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void nothingToRunIsRefused(boolean cleared) {
        node.image(
                FakeImages.running(node.image(), List.of(), cleared ? List.of("sh") : List.of()));
        FakeNode.Wish wish = new FakeNode.Wish().arguments();
        if (cleared) {
            wish.entrypoint();
        }
        assertThat(codeOf(() -> plan(wish))).isEqualTo(FaultCode.INVALID_ARGUMENT);
    }

    @Test
    void theLaterValueOfAVariableCounts() {
        node.image(
                FakeImages.with(
                        node.image(),
                        List.of("PATH=/image", "LANG=C", "HOSTNAME=image", "GONE=1"),
                        "",
                        ""));
        assertThat(process(new FakeNode.Wish().environment("LANG=de", "NEW=a=b", "GONE")).env())
                .containsExactly("PATH=/image", "HOSTNAME=image", "LANG=de", "NEW=a=b");
    }

    @Test
    void theBasicVariablesAreDockers() {
        assertThat(process(new FakeNode.Wish()).env())
                .containsExactly(
                        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                        "HOSTNAME=0123456789ab");
        assertThat(process(new FakeNode.Wish().terminal(1, 2).hostname("box")).env())
                .contains("HOSTNAME=box", "TERM=xterm");
        assertThat(process(new FakeNode.Wish().terminal(1, 2).environment("TERM=vt100")).env())
                .contains("TERM=vt100")
                .doesNotContain("TERM=xterm");
    }

    @Test
    void theHostHasANameOfItsOwn() {
        assertThat(plan(new FakeNode.Wish()).guest().hostname()).isEqualTo("0123456789ab");
        Plan named = plan(new FakeNode.Wish().hostname("box.example"));
        assertThat(named.guest().hostname()).isEqualTo("box.example");
        assertThat(named.process().hostname()).isEqualTo("box.example");
    }

    @ParameterizedTest
    @CsvSource({
        // image's, asked for, result
        "'', '', /",
        "/srv, '', /srv",
        "srv/app, '', /srv/app",
        "/srv, /tmp, /tmp",
        "'', /tmp, /tmp"
    })
    void theDirectoryIsTheOneAskedForElseTheImages(String image, String asked, String result) {
        node.image(FakeImages.with(node.image(), List.of(), image, ""));
        assertThat(process(new FakeNode.Wish().directory(asked)).cwd()).isEqualTo(result);
    }

    @Test
    void theUserIsTheOneAskedForElseTheImages() {
        node.image(FakeImages.with(node.image(), List.of(), "", "app"));
        assertThat(plan(new FakeNode.Wish()).user()).isEqualTo("app");
        assertThat(plan(new FakeNode.Wish().user("3:4")).user()).isEqualTo("3:4");
    }

    @Test
    void theTerminalIsPartOfTheProcess() {
        RuntimeSpec.ContainerProcess process = process(new FakeNode.Wish().terminal(24, 80));
        assertThat(process.terminal()).isTrue();
        assertThat(process.consoleSize()).isEqualTo(new RuntimeSpec.Box(24, 80));
        assertThat(process(new FakeNode.Wish()).terminal()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"'', 15", "SIGINT, 2", "9, 9", "HUP, 1"})
    void theStopSignalIsTheImages(String image, int signal) {
        node.image(FakeImages.withStopSignal(node.image(), image));
        assertThat(plan(new FakeNode.Wish()).stopSignal()).isEqualTo(signal);
    }
}
