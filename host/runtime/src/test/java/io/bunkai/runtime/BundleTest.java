// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.oci.OciJson;
import io.bunkai.oci.RuntimeSpec;
import io.bunkai.vmm.Disk;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Containers that are made of a bundle and a snapshotter's mounts. */
class BundleTest {
    private static final String ID = "0123456789abcdef";
    private static final Owner OWNER = new Owner("/run/containerd.sock", "default", "web");
    private static final String HOME = "/run/kata-containers/" + ID;

    private final FakeNode node = new FakeNode();
    private Path bundle;
    private Path snapshots;

    @BeforeEach
    void makeFolders() throws IOException {
        bundle = Files.createDirectories(node.folder().resolve("bundle"));
        snapshots = Files.createDirectories(node.folder().resolve("snapshots"));
    }

    @AfterEach
    void end() {
        node.close();
    }

    /** The parts of config.json that differ between the tests, as JSON. */
    private static RuntimeSpec spec(String... members) {
        List<String> all = new ArrayList<>(List.of("\"ociVersion\": \"1.0.2\""));
        all.addAll(List.of(members));
        String text = "{" + String.join(",", all) + "}";
        return OciJson.read(text.getBytes(StandardCharsets.UTF_8), RuntimeSpec.class, "a test's");
    }

    private static final String PROCESS =
            "\"process\": {\"args\": [\"serve\"], \"cwd\": \"/\", \"env\": [\"A=1\"]}";
    private static final String LINUX = "\"linux\": {}";

    private BundleRequest request(RuntimeSpec spec, BundleRequest.RootMount... mounts) {
        return new BundleRequest(
                OWNER, bundle, spec, List.of(mounts), Optional.empty(), false, Map.of());
    }

    private Path folder(String name) throws IOException {
        return Files.createDirectories(snapshots.resolve(name).resolve("fs"));
    }

    private BundleRequest.RootMount overlay(String... options) {
        return new BundleRequest.RootMount("overlay", "overlay", List.of(options));
    }

    private Plan plan(BundleRequest request) {
        return node.planner("").plan(request, ID, "default/web").plan();
    }

    private Fault refusal(BundleRequest request) {
        return catchThrowableOfType(Fault.class, () -> plan(request));
    }

    // ---- root file systems ----

    @Test
    void everyLayerIsADiskAndTheGuestLaysThemOverEachOther() throws IOException {
        Path base = folder("1");
        Path middle = folder("2");
        Path top = folder("3");
        Plan plan =
                plan(
                        request(
                                spec(PROCESS, LINUX),
                                overlay(
                                        "index=off",
                                        "workdir=" + snapshots + "/4/work",
                                        "upperdir=" + folder("4"),
                                        "lowerdir=" + top + ":" + middle + ":" + base)));
        assertThat(plan.image().disks())
                .extracting(node.layers()::contentOf)
                .containsExactly("[" + base + "]", "[" + middle + "]", "[" + top + "]");
        assertThat(plan.machine().disks())
                .extracting(disk -> disk.serial() + " " + disk.slot())
                .containsExactly("bunkai-root 4", "layer0 5", "layer1 6", "layer2 7");
        assertThat(plan.storages())
                .extracting(storage -> storage.source() + " " + storage.mountPoint())
                .containsExactly(
                        "05 " + HOME + "/lower0",
                        "06 " + HOME + "/lower1",
                        "07 " + HOME + "/lower2",
                        "tmpfs " + HOME + "/rw",
                        "overlay " + HOME + "/rootfs");
        assertThat(plan.storages().getLast().options())
                .contains("lowerdir=" + HOME + "/lower2:" + HOME + "/lower1:" + HOME + "/lower0");
        assertThat(plan.host().ownDisks()).isEmpty();
    }

    @Test
    void layersBeyondWhatAMachineHoldsShareTheLowestDisk() throws IOException {
        List<String> folders = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            folders.addFirst(folder(String.valueOf(i)).toString());
        }
        Plan plan =
                plan(
                        request(
                                spec(PROCESS, LINUX),
                                overlay("lowerdir=" + String.join(":", folders))));
        assertThat(plan.image().disks()).hasSize(15);
        assertThat(node.layers().contentOf(plan.image().disks().getFirst()))
                .startsWith("[" + snapshots + "/0/fs, " + snapshots + "/1/fs")
                .endsWith(snapshots + "/25/fs]");
        assertThat(node.layers().contentOf(plan.image().disks().get(1)))
                .isEqualTo("[" + snapshots + "/26/fs]");
    }

    @Test
    void whatTheContainerHasWrittenBeforeIsADiskOfItsOwn() throws IOException {
        Path upper = folder("2");
        Files.writeString(upper.resolve("file"), "kept");
        Plan plan =
                plan(
                        request(
                                spec(PROCESS, LINUX),
                                overlay("upperdir=" + upper, "lowerdir=" + folder("1"))));
        Path own = node.stateRoot().ownDisks().resolve(ID + ".erofs");
        assertThat(plan.host().ownDisks()).containsExactly(new Plan.OwnDisk(List.of(upper), own));
        assertThat(plan.image().disks()).hasSize(2).endsWith(own);
        assertThat(own).doesNotExist(); // a plan touches nothing of a container's own
    }

    @Test
    void aFolderThatMayChangeIsADiskOfItsOwn() throws IOException {
        Path root = Files.createDirectories(bundle.resolve("rootfs"));
        Plan plan = plan(request(spec(PROCESS, LINUX, "\"root\": {\"path\": \"rootfs\"}")));
        assertThat(plan.host().ownDisks().getFirst().folders()).containsExactly(root);

        Path snapshot = folder("1");
        BundleRequest.RootMount writable =
                new BundleRequest.RootMount("bind", snapshot.toString(), List.of("rbind", "rw"));
        assertThat(plan(request(spec(PROCESS, LINUX), writable)).host().ownDisks()).hasSize(1);
        BundleRequest.RootMount view =
                new BundleRequest.RootMount("bind", snapshot.toString(), List.of("rbind", "ro"));
        assertThat(plan(request(spec(PROCESS, LINUX), view)).host().ownDisks()).isEmpty();
    }

    @Test
    void aColonInAFoldersNameIsNoEndOfIt() throws IOException {
        Path odd = folder("a:b");
        String escaped = odd.toString().replace(":", "\\:");
        Plan plan = plan(request(spec(PROCESS, LINUX), overlay("lowerdir=" + escaped)));
        assertThat(node.layers().contentOf(plan.image().disks().getFirst()))
                .isEqualTo("[" + odd + "]");
    }

    @Test
    void mountsThatAreNoFoldersAreRefusedByWhatTheyAre() {
        Fault block =
                refusal(
                        request(
                                spec(PROCESS, LINUX),
                                new BundleRequest.RootMount("ext4", "/dev/dm-1", List.of())));
        assertThat(block.code()).isEqualTo(FaultCode.UNIMPLEMENTED);
        assertThat(block).hasMessageContaining("type 'ext4'");
        assertThat(block.hint().orElse("")).contains("overlayfs");
        assertThat(refusal(request(spec(PROCESS, LINUX), overlay("lowerdir=relative"))).code())
                .isEqualTo(FaultCode.INVALID_ARGUMENT);
        assertThat(refusal(request(spec(PROCESS, LINUX), overlay("upperdir=" + snapshots))).code())
                .isEqualTo(FaultCode.INVALID_ARGUMENT);
        assertThat(refusal(request(spec(PROCESS, LINUX))).code())
                .isEqualTo(FaultCode.INVALID_ARGUMENT);
    }

    // ---- config.json ----

    private Plan planned(RuntimeSpec spec) throws IOException {
        return plan(request(spec, overlay("lowerdir=" + folder("1"))));
    }

    @Test
    void theGuestGetsTheSpecificationWithItsOwnPlaces() throws IOException {
        Plan plan =
                planned(
                        spec(
                                PROCESS,
                                "\"hostname\": \"box\"",
                                "\"root\": {\"path\": \"rootfs\", \"readonly\": true}",
                                "\"linux\": {\"cgroupsPath\": \"/default/web\","
                                        + " \"maskedPaths\": [\"/proc/kcore\"]}"));
        assertThat(plan.process().root()).isEqualTo(new RuntimeSpec.Root(HOME + "/rootfs", true));
        assertThat(plan.process().linux().cgroupsPath()).isEqualTo("/bunkai/" + ID);
        assertThat(plan.process().linux().maskedPaths()).containsExactly("/proc/kcore");
        assertThat(plan.process().process().args()).containsExactly("serve");
        assertThat(plan.process().process().env()).containsExactly("A=1");
        assertThat(plan.guest().hostname()).isEqualTo("box");
    }

    @Test
    void limitsMakeTheMachine() throws IOException {
        Plan plan =
                planned(
                        spec(
                                PROCESS,
                                "\"linux\": {\"resources\": {\"memory\": {\"limit\": 67108864},"
                                        + " \"cpu\": {\"quota\": 150000, \"period\": 100000}}}"));
        assertThat(plan.sizing().memoryMib()).isEqualTo(64 + 160);
        assertThat(plan.sizing().vcpus()).isEqualTo(2);
    }

    @Test
    void moreProcessorsThanAMachineMayHaveAreAsManyAsItMayHave() throws IOException {
        Planner.Planned planned =
                node.planner("")
                        .plan(
                                request(
                                        spec(
                                                PROCESS,
                                                "\"linux\": {\"resources\": {\"cpu\": {\"quota\":"
                                                        + " 6400000, \"period\": 100000}}}"),
                                        overlay("lowerdir=" + folder("1"))),
                                ID,
                                "web");
        assertThat(planned.plan().sizing().vcpus()).isEqualTo(8);
        assertThat(planned.warnings()).anyMatch(text -> text.contains("as many as that"));
    }

    @Test
    void aSmallFileOfTheHostIsCopied() throws IOException {
        Path hosts = Files.writeString(node.folder().resolve("hosts"), "127.0.0.1 localhost\n");
        Plan plan =
                planned(
                        spec(
                                PROCESS,
                                LINUX,
                                """
                                "mounts": [{"destination": "/etc/hosts", "type": "bind",
                                  "source": "%s", "options": ["rbind", "ro"]},
                                  {"destination": "/proc", "type": "proc", "source": "proc"}]
                                """
                                        .formatted(hosts)));
        assertThat(plan.guest().files())
                .containsExactly(new Plan.GuestFile(hosts, HOME + "/files/0"));
        assertThat(plan.process().mounts())
                .extracting(mount -> mount.source() + " " + mount.destination())
                .containsExactly(HOME + "/files/0 /etc/hosts", "proc /proc");
        assertThat(plan.process().mounts().getFirst().options()).containsExactly("rbind", "ro");
    }

    @Test
    void aFolderOfTheHostIsShared() throws IOException {
        String mount =
                "\"mounts\": [{\"destination\": \"/data\", \"type\": \"bind\", \"source\":"
                        + " \"%s\", \"options\": [\"rbind\"]}]";
        Path data = folder("data");
        Plan plan =
                plan(
                        request(
                                spec(PROCESS, LINUX, mount.formatted(data)),
                                overlay("lowerdir=" + folder("1"))));

        assertThat(plan.host().sharing().orElseThrow().shares())
                .containsExactly(new Plan.Share(data, "0", false, true));
        assertThat(plan.machine().memory().shared()).isTrue();
        assertThat(plan.guest().storages()).containsExactly(FileServer.STORAGE);
        assertThat(plan.process().mounts())
                .extracting(RuntimeSpec.Mount::source)
                .containsExactly("/run/kata-containers/shared/containers/0");
        Fault missing =
                refusal(
                        request(
                                spec(PROCESS, LINUX, mount.formatted("/no/such/thing")),
                                overlay("lowerdir=" + folder("1"))));
        assertThat(missing.code()).isEqualTo(FaultCode.NOT_FOUND);
    }

    @Test
    void aBlockDeviceOfTheHostIsADiskAndTheAgentIsTold() throws IOException {
        Path disk = node.blockDevice("sdx", 8, 200);
        Planner.Planned planned =
                node.planner("")
                        .plan(
                                request(
                                        spec(
                                                PROCESS,
                                                """
                                                "linux": {"devices": [
                                                    {"path": "/dev/sdx", "type": "b", "major": 8,
                                                     "minor": 200, "fileMode": 432},
                                                    {"path": "/dev/sdz", "type": "b", "major": 8,
                                                     "minor": 209}],
                                                  "resources": {"devices": [
                                                    {"allow": false, "access": "rwm"},
                                                    {"allow": true, "type": "b", "major": 8,
                                                     "minor": 200, "access": "rwm"}]}}
                                                """),
                                        overlay("lowerdir=" + folder("1"))),
                                ID,
                                "web");
        Plan plan = planned.plan();
        assertThat(plan.machine().disks().getLast())
                .isEqualTo(new Disk("device0", disk, false, "device0", 21, Disk.Kind.DEVICE));
        assertThat(plan.devices()).containsExactly(new Plan.Device("15", "/dev/sdx"));
        assertThat(plan.process().linux().devices())
                .extracting(RuntimeSpec.Device::path)
                .containsExactly("/dev/sdx");
        assertThat(planned.warnings()).singleElement().asString().contains("/dev/sdz");
    }

    @Test
    void theAgentIsTold() throws Exception {
        node.blockDevice("sdx", 8, 200);
        node.hypervisor().program(process -> process.exit(0));
        try (Containers containers = node.open()) {
            Container container = created(containers, spec(PROCESS, withDevice("rwm")));
            container.start(FakeNode.soon());
            container.exit("").get(60, TimeUnit.SECONDS);
            assertThat(node.hypervisor().living()).as("the disk is free").isZero();
            ScriptedAgent agent = node.hypervisor().machine(container.id()).agent();
            assertThat(agent.container().getDevicesList())
                    .containsExactly(
                            io.bunkai.api.agent.Device.newBuilder()
                                    .setType("blk")
                                    .setId("15")
                                    .setContainerPath("/dev/sdx")
                                    .build());
            assertThat(agent.calls()).endsWith("RemoveContainer");
        }
    }

    @Test
    void whatCannotBeWrittenToIsNotWrittenBack() throws Exception {
        node.blockDevice("sdx", 8, 200);
        node.hypervisor().program(process -> process.exit(0));
        try (Containers containers = node.open()) {
            Container container = created(containers, spec(PROCESS, withDevice("r")));
            container.start(FakeNode.soon());
            container.exit("").get(60, TimeUnit.SECONDS);
            container.remove(false); // waits until nothing of it is left
            assertThat(node.hypervisor().machine(container.id()).agent().calls())
                    .doesNotContain("RemoveContainer");
        }
    }

    private static String withDevice(String access) {
        return """
        "linux": {"devices": [
            {"path": "/dev/sdx", "type": "b", "major": 8, "minor": 200}],
          "resources": {"devices": [
            {"allow": true, "type": "b", "major": 8, "minor": 200, "access": "%s"}]}}
        """
                .formatted(access);
    }

    // ---- a root file system on a disk of its own ----

    private BundleRequest.RootMount volume(String type, Path source, String... options) {
        return new BundleRequest.RootMount(type, source.toString(), List.of(options));
    }

    @Test
    void aRootOnABlockDeviceIsThatDisk() throws IOException {
        Path disk = node.blockDevice("dm-3", 252, 3);
        Path mapper = Files.createSymbolicLink(node.folder().resolve("pool-snap-3"), disk);
        Plan plan = plan(request(spec(PROCESS, LINUX), volume("ext4", mapper, "discard")));
        assertThat(plan.machine().disks().getLast())
                .isEqualTo(new Disk("volume", disk, false, "volume", 5, Disk.Kind.DEVICE));
        assertThat(plan.storages())
                .containsExactly(
                        new Plan.Storage(
                                "blk", "05", "ext4", List.of("discard"), HOME + "/rootfs"));
        assertThat(plan.image().disks()).isEmpty();
        assertThat(plan.machine().hasLimitedDisk()).isTrue();
    }

    @Test
    void aRootInAnImageIsThatDiskAndMemoryTakesWhatItDoesNot() throws IOException {
        Path image = Files.createFile(node.folder().resolve("7"));
        Plan plan = plan(request(spec(PROCESS, LINUX), volume("ext4", image, "ro", "loop")));
        assertThat(plan.machine().disks().getLast())
                .isEqualTo(new Disk("volume", image, true, "volume", 5, Disk.Kind.FILE));
        assertThat(plan.storages())
                .extracting(storage -> storage.fileSystem() + " " + storage.mountPoint())
                .containsExactly(
                        "ext4 " + HOME + "/lower",
                        "tmpfs " + HOME + "/rw",
                        "overlay " + HOME + "/rootfs");
        assertThat(plan.storages().getFirst().options()).containsExactly("ro");
        assertThat(plan.machine().hasLimitedDisk()).isTrue();
    }

    @Test
    void aRootThatIsNeitherIsRefused() throws IOException {
        Path file = Files.createFile(node.folder().resolve("7"));
        for (BundleRequest.RootMount mount :
                List.of(
                        volume("ext4", file, "rw"),
                        volume("ext4", node.folder(), "loop"),
                        volume("nfs", Path.of("/no/such"), "loop"))) {
            assertThat(refusal(request(spec(PROCESS, LINUX), mount)).code())
                    .isEqualTo(FaultCode.UNIMPLEMENTED);
        }
    }

    @Test
    void nothingToRunIsRefusedByTheNameOfItsFile() throws IOException {
        for (RuntimeSpec spec :
                List.of(
                        spec(LINUX),
                        spec(LINUX, "\"process\": {\"args\": [], \"cwd\": \"/\"}"),
                        spec(PROCESS))) {
            Fault fault = refusal(request(spec, overlay("lowerdir=" + folder("1"))));
            assertThat(fault.code()).isEqualTo(FaultCode.INVALID_ARGUMENT);
            assertThat(fault).hasMessageContaining("config.json");
        }
    }

    @Test
    void theConfigurationIsTheOneThatWasNamed() throws IOException {
        Path file =
                Files.writeString(
                        node.folder().resolve("other.toml"),
                        "[hypervisor.qemu]\ndefault_memory = 777\n");
        BundleRequest request =
                new BundleRequest(
                        OWNER,
                        bundle,
                        spec(PROCESS, LINUX),
                        List.of(overlay("lowerdir=" + folder("1"))),
                        Optional.of(file),
                        false,
                        Map.of());
        assertThat(plan(request).sizing().memoryMib()).isEqualTo(777);
    }

    // ---- life ----

    private Container created(Containers containers, RuntimeSpec spec) throws IOException {
        return containers.create(request(spec, overlay("lowerdir=" + folder("1")))).container();
    }

    @Test
    void anOwnersIdIsTakenOnceAndAnothersIsAnother() throws Exception {
        try (Containers containers = node.open()) {
            Container container = created(containers, spec(PROCESS, LINUX));
            assertThat(container.name()).isEqualTo("default/web");
            assertThat(containers.find(OWNER)).contains(container);
            assertThat(
                            catchThrowableOfType(
                                            Fault.class,
                                            () -> created(containers, spec(PROCESS, LINUX)))
                                    .code())
                    .isEqualTo(FaultCode.ALREADY_EXISTS);
            BundleRequest other =
                    new BundleRequest(
                            new Owner("/run/other.sock", "default", "web"),
                            bundle,
                            spec(PROCESS, LINUX),
                            List.of(overlay("lowerdir=" + folder("1"))),
                            Optional.empty(),
                            false,
                            Map.of());
            assertThat(containers.create(other).container().name()).isEqualTo("default/web~2");
            container.remove(false);
            assertThat(containers.find(OWNER)).isEmpty();
        }
    }

    @Test
    void itsNumberIsAProcessInANetworkNamespaceOfItsOwn() throws Exception {
        try (Containers containers = node.open()) {
            Container container = created(containers, spec(PROCESS, LINUX));
            container.prepare(FakeNode.soon());
            Path namespace = Path.of("/proc", String.valueOf(container.hostPid()), "ns/net");
            assertThat(Files.readSymbolicLink(namespace))
                    .isNotEqualTo(Files.readSymbolicLink(Path.of("/proc/self/ns/net")));
            container.kill();
            assertThat(namespace).doesNotExist();
        }
    }

    @Test
    void aNamespaceThatIsNotThereIsToldAndNothingIsLeft() throws Exception {
        try (Containers containers = node.open()) {
            Container container =
                    created(
                            containers,
                            spec(
                                    PROCESS,
                                    "\"linux\": {\"namespaces\": [{\"type\": \"network\","
                                            + " \"path\": \"/no/such/namespace\"}]}"));
            Fault fault =
                    catchThrowableOfType(Fault.class, () -> container.prepare(FakeNode.soon()));
            assertThat(fault.code()).isEqualTo(FaultCode.FAILED_PRECONDITION);
            assertThat(fault).hasMessageContaining("/no/such/namespace");
            assertThat(node.hypervisor().living()).isZero();
            container.remove(false);
            assertThat(node.stateRoot().sandboxes()).isEmptyDirectory();
        }
    }

    private Path script(String text) throws IOException {
        Path script = Files.writeString(node.folder().resolve("hook.sh"), "#!/bin/sh\n" + text);
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
        return script;
    }

    private static String hook(String stage, Path script, String argument) {
        return "\"%s\": [{\"path\": \"%s\", \"args\": [\"hook\", \"%s\"], \"env\": [\"X=y\"]}]"
                .formatted(stage, script, argument);
    }

    @Test
    void hooksRunOnTheHostInTheOrderOfTheContainersLife() throws Exception {
        Path told = node.folder().resolve("told");
        Path script = script("echo \"$1 $X $(cat)\" >>" + told + "\n");
        RuntimeSpec spec =
                spec(
                        PROCESS,
                        LINUX,
                        "\"hooks\": {"
                                + String.join(
                                        ",",
                                        hook("prestart", script, "one"),
                                        hook("createRuntime", script, "two"),
                                        hook("poststart", script, "three"),
                                        hook("poststop", script, "four"))
                                + "}");
        try (Containers containers = node.open()) {
            Container container = created(containers, spec);
            container.prepare(FakeNode.soon());
            int pid = container.hostPid();
            assertThat(Files.readAllLines(told))
                    .containsExactly(state("one", "created", pid), state("two", "created", pid));
            container.start(FakeNode.soon());
            container.exit("").get(60, TimeUnit.SECONDS);
            container.remove(false);
            assertThat(Files.readAllLines(told))
                    .endsWith(state("three", "running", pid), state("four", "stopped", 0));
        }
    }

    private String state(String argument, String status, int pid) {
        return argument
                + " y {\"ociVersion\":\"1.2.0\",\"id\":\"web\",\"status\":\""
                + status
                + "\",\"pid\":"
                + pid
                + ",\"bundle\":\""
                + bundle
                + "\"}";
    }

    @ParameterizedTest
    @ValueSource(strings = {"echo no network >&2; exit 3", "exec sleep 60"})
    void aHookThatFailsEndsTheContainerAndIsQuoted(String text) throws Exception {
        Path script = script(text + "\n");
        String hooks =
                "\"hooks\": {\"createRuntime\": [{\"path\": \"%s\", \"timeout\": 1}]}"
                        .formatted(script);
        try (Containers containers = node.open()) {
            Container container = created(containers, spec(PROCESS, LINUX, hooks));
            Fault fault =
                    catchThrowableOfType(Fault.class, () -> container.prepare(FakeNode.soon()));
            assertThat(fault.code()).isEqualTo(FaultCode.FAILED_PRECONDITION);
            assertThat(fault).hasMessageContaining(script.toString());
            assertThat(fault.getMessage()).containsAnyOf("no network", "did not end in time");
            assertThat(node.hypervisor().living()).isZero();
        }
    }

    @Test
    void limitsCanBeChangedWithinWhatTheMachineHas() throws Exception {
        node.hypervisor().program(ScriptedProcess::readStdin);
        try (Containers containers = node.open()) {
            Container container = created(containers, spec(PROCESS, LINUX));
            container.start(FakeNode.soon());
            long machine = container.plan().machine().memory().size().bytes();
            container.update(memory(machine), FakeNode.soon());
            assertThat(
                            node.hypervisor()
                                    .machine(container.id())
                                    .agent()
                                    .update()
                                    .getResources()
                                    .getMemory()
                                    .getLimit())
                    .isEqualTo(machine);
            container.update(
                    memory(machine)
                            .withDevices(
                                    List.of(new RuntimeSpec.DeviceRule(true, "b", 8L, 1L, "r"))),
                    FakeNode.soon());
            assertThat(
                            node.hypervisor()
                                    .machine(container.id())
                                    .agent()
                                    .update()
                                    .getResources()
                                    .getDevicesList())
                    .isEmpty();
            Fault fault =
                    catchThrowableOfType(
                            Fault.class,
                            () -> container.update(memory(machine + 1), FakeNode.soon()));
            assertThat(fault.code()).isEqualTo(FaultCode.OUT_OF_RANGE);
            assertThat(fault.hint()).isPresent();
        }
    }

    private static RuntimeSpec.Resources memory(long bytes) {
        return RuntimeSpec.Resources.of(List.of(), RuntimeSpec.Memory.limit(bytes), null, null);
    }

    @Test
    void aFurtherProcessHasItsOwnersNameUntilItIsForgotten() throws Exception {
        node.hypervisor().program(ScriptedProcess::readStdin);
        try (Containers containers = node.open()) {
            Container container = created(containers, spec(PROCESS, LINUX));
            container.start(FakeNode.soon());
            RuntimeSpec.ContainerProcess process = spec(PROCESS).process();
            container.exec("shell", process, false, Map.of("stdout", ""));
            assertThat(
                            catchThrowableOfType(
                                            Fault.class,
                                            () ->
                                                    container.exec(
                                                            "shell",
                                                            process,
                                                            false,
                                                            Map.of("stdout", "")))
                                    .code())
                    .isEqualTo(FaultCode.ALREADY_EXISTS);
            container.startExec("shell", FakeNode.soon());
            container.exit("shell").get(60, TimeUnit.SECONDS);
            container.forgetExec("shell");
            assertThat(catchThrowableOfType(Fault.class, () -> container.exit("shell")).code())
                    .isEqualTo(FaultCode.NOT_FOUND);
            container.exec("shell", process, false, Map.of("stdout", ""));
        }
    }

    @Test
    void aLaterDaemonFindsAPreparedContainerAndCanStartIt() throws Exception {
        node.hypervisor().program(process -> process.exit(3));
        try (Containers containers = node.open()) {
            created(containers, spec(PROCESS, LINUX)).prepare(FakeNode.soon());
        }
        try (Containers containers = node.open()) {
            Container found = containers.find(OWNER).orElseThrow();
            assertThat(found.stage()).isEqualTo(Container.Stage.PREPARED);
            found.start(FakeNode.soon());
            assertThat(found.exit("").get(60, TimeUnit.SECONDS).code()).isEqualTo(3);
            found.remove(false);
        }
    }

    @Test
    void ownDisksGoWithTheMachine() throws Exception {
        Files.createDirectories(bundle.resolve("rootfs"));
        try (Containers containers = node.open()) {
            Container container =
                    containers
                            .create(
                                    request(
                                            spec(
                                                    PROCESS,
                                                    LINUX,
                                                    "\"root\": {\"path\": \"rootfs\"}")))
                            .container();
            container.prepare(FakeNode.soon());
            Path disk = container.plan().host().ownDisks().getFirst().file();
            assertThat(disk).exists();
            container.kill();
            assertThat(disk).doesNotExist();
        }
    }

    // ---- limits ----

    private static final String LIMIT = "\"annotations\": {\"io.bunkai.limits.bw\": \"1000\"}";
    private static final String MOUNTS =
            "\"mounts\": [{\"destination\": \"/x\", \"type\": \"bind\", \"source\": \"/etc\","
                    + " \"options\": [\"rbind\", \"ro\"]}]";

    @Test
    void aPodsLimitIsRefusedUnlessTheNodeEnablesIt() throws Exception {
        Fault refused =
                refusal(
                        request(
                                spec(PROCESS, LINUX, LIMIT, MOUNTS),
                                new BundleRequest.RootMount(
                                        "bind", folder("1").toString(), List.of("rbind"))));
        assertThat(refused.code()).isEqualTo(FaultCode.PERMISSION_DENIED);
        assertThat(refused).hasMessageContaining("io.bunkai.limits.bw was refused");
        assertThat(refused.hint().orElse("")).contains("add \"limits.bw\" to enable_annotations");
    }

    @Test
    void aPodsLimitReachesTheFileServer() throws Exception {
        Path own = node.folder().resolve("bunkai-virtiofsd");
        Files.copy(node.fileServer(), own, StandardCopyOption.COPY_ATTRIBUTES);
        String toml =
                """
                [hypervisor.qemu]
                enable_annotations = ["limits.bw"]
                virtio_fs_daemon = "%s"
                """
                        .formatted(own);
        BundleRequest request =
                request(
                        spec(PROCESS, LINUX, LIMIT, MOUNTS),
                        new BundleRequest.RootMount(
                                "bind", folder("1").toString(), List.of("rbind")));
        Plan plan = node.planner(toml).plan(request, ID, "default/web").plan();
        assertThat(plan.host().sharing().orElseThrow().server())
                .contains("--fs-bw-size=1000", "--control-fd=4");
    }
}
