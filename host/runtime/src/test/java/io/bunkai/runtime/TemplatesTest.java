// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.api.AgentMethods;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.config.RuntimeConfiguration.TemplateScope;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.oci.RuntimeSpec;
import io.bunkai.testkit.CommandRun;
import io.bunkai.testkit.ManualClock;
import io.bunkai.vmm.Beginning;
import io.bunkai.vmm.Disk;
import io.bunkai.vmm.MemorySpec;
import io.bunkai.vmm.VirtualMachineSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class TemplatesTest {
    private final FakeNode node = new FakeNode();
    private final Map<String, VirtualMachineSpec> launched = new ConcurrentHashMap<>();

    @BeforeEach
    void makeDisk() throws IOException {
        Files.writeString(node.image().disk(), "a root file system");
        node.hypervisor().beforeLaunch(spec -> launched.put(spec.id(), spec));
    }

    @AfterEach
    void end() {
        node.close();
    }

    private static Container start(Containers containers) {
        Container container = containers.create(new FakeNode.Wish().request()).container();
        container.start(FakeNode.soon());
        return container;
    }

    private Beginning beginning(Container container) {
        return node.hypervisor().beginnings().get(container.id());
    }

    private List<String> templateMachines() {
        return node.hypervisor().beginnings().entrySet().stream()
                .filter(entry -> entry.getValue() instanceof Beginning.Template)
                .map(Map.Entry::getKey)
                .toList();
    }

    private List<String> left(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> !name.equals(".empty"))
                    .sorted()
                    .toList();
        }
    }

    @Test
    void theFirstStartBootsAndLaterOnesAreClones() throws Exception {
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            Container first = start(containers);
            assertThat(beginning(first)).isEqualTo(Beginning.BOOT);
            templates.awaitIdle(FakeNode.soon());
            Container second = start(containers);
            assertThat(beginning(second)).isInstanceOf(Beginning.Copy.class);
            assertThat(templateMachines()).hasSize(1);
            assertThat(templates.all()).hasSize(1);
        }
    }

    @Test
    void aMachineWithADeviceOfTheHostBootsAndBecomesNoTemplate() throws Exception {
        ContainerRequest.Device device =
                new ContainerRequest.Device(node.blockDevice("sdx", 8, 200), "/dev/xvda", "r");
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            start(containers);
            templates.awaitIdle(FakeNode.soon());
            Container container =
                    containers.create(new FakeNode.Wish().devices(device).request()).container();
            container.start(FakeNode.soon());
            templates.awaitIdle(FakeNode.soon());
            assertThat(beginning(container)).isEqualTo(Beginning.BOOT);
            assertThat(templates.all()).hasSize(1);
            Fault fault =
                    catchThrowableOfType(
                            Fault.class, () -> templates.create(container.plan().machine()));
            assertThat(fault.code()).isEqualTo(FaultCode.FAILED_PRECONDITION);
        }
    }

    /** What an agent does once, at its first container, it has done before it is frozen. */
    @Test
    void aTemplateHasHadAContainerAndIsWhatItWas() throws Exception {
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            start(containers);
            templates.awaitIdle(FakeNode.soon());
            ScriptedAgent agent = node.hypervisor().machine(templateMachines().getFirst()).agent();
            assertThat(agent.calls())
                    .contains("CreateContainer", "StartContainer", "ExecProcess")
                    .endsWith("RemoveContainer", "DestroySandbox");
            assertThat(agent.sandbox()).isNull();
        }
    }

    @Test
    void aMachineWhoseFirstContainerFailsDoesNotBecomeATemplate() throws Exception {
        node.hypervisor()
                .beforeResume(machine -> {
                    if (machine.spec().id().startsWith("template-")) {
                        machine.agent()
                                .answer(
                                        AgentMethods.EXEC_PROCESS,
                                        (_, _) -> {
                                            throw Fault.internal("no");
                                        });
                    }
                });
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            start(containers);
            templates.awaitIdle(FakeNode.soon());
            assertThat(templates.all()).isEmpty();
            assertThat(beginning(start(containers))).isEqualTo(Beginning.BOOT);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "quiet root=/dev/vda rootfstype=erofs ro, lowerdir=/run/kata-containers/warm-up/lower, 3",
        "root=/dev/vda agent.log=info rootfstype=ext4, lowerdir=/run/kata-containers/warm-up/lower,"
                + " 3",
        "quiet root=/dev/vda1 rootfstype=erofs ro, lowerdir=/, 2",
        "quiet, lowerdir=/, 2"
    })
    void theFirstContainersRootIsTheGuestsOwnDiskIfItIsAWholeOne(
            String parameters, String lower, int count) {
        List<Plan.Storage> storages = WarmUp.storages(parameters);
        assertThat(storages).hasSize(count);
        assertThat(storages.getLast().options()).contains(lower);
        if (count == 3) {
            assertThat(storages.getFirst().source()).isEqualTo("04");
            assertThat(parameters).contains("rootfstype=" + storages.getFirst().fileSystem());
        }
    }

    @Test
    void aCloneHasTheShapeOfItsTemplateAndDisksOfItsOwn() throws Exception {
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            start(containers);
            templates.awaitIdle(FakeNode.soon());
            Container clone = start(containers);
            VirtualMachineSpec ofClone = launched.get(clone.id());
            VirtualMachineSpec ofTemplate = launched.get(templateMachines().getFirst());
            assertThat(ofClone.disks()).extracting(Disk::slot).containsExactly(4, 5);
            assertThat(ofTemplate.disks()).extracting(Disk::slot).containsExactly(4, 5);
            assertThat(ofClone.disks().getLast().file()).isEqualTo(node.image().disk());
            assertThat(Files.size(ofClone.disks().getLast().file()))
                    .isEqualTo(Files.size(ofTemplate.disks().getLast().file()))
                    .isEqualTo(TemplateShape.DISK.bytes());
        }
    }

    @Test
    void nobodyCanChangeATemplate() throws Exception {
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            start(containers);
            templates.awaitIdle(FakeNode.soon());
            node.hypervisor().beforeBeginning((_, beginning) -> assertSealed(beginning));
            var copy = (Beginning.Copy) beginning(start(containers));
            assertThat(copy.devices().toString()).startsWith("/proc/self/fd/");
            Path templatesFolder = node.stateRoot().templates();
            Path folder = templatesFolder.resolve(left(templatesFolder).getFirst());
            for (String name : List.of("memory", "devices")) {
                Path file = folder.resolve(name);
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                        .isEqualTo("rw-------");
            }
        }
    }

    /** A file server sees nothing of a private mapping, so such a clone gets a copy. */
    @Test
    void aCloneThatSharesItsMemoryHasACopyOfItsOwnThatItMayWriteTo() throws Exception {
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            VirtualMachineSpec machine =
                    containers.plan(new FakeNode.Wish().request()).plan().machine();
            node.hypervisor()
                    .beforeBeginning((_, beginning) -> {
                        if (beginning instanceof Beginning.Template(Path memory)) {
                            write(memory, "frozen");
                        }
                    });
            templates.create(machine);
            List<String> seen = new ArrayList<>();
            node.hypervisor()
                    .beforeBeginning((_, beginning) -> {
                        Path memory = ((Beginning.Copy) beginning).memory();
                        seen.add(read(memory));
                        write(memory, "thawed");
                    });
            VirtualMachineSpec sharing = sharing(machine);
            for (int i = 0; i < 2; i++) {
                templates.begin(sharing, Optional.empty()).launch(sharing, FakeNode.soon()).close();
            }
            assertThat(seen).containsExactly("frozen", "frozen");
            assertThat(templates.all()).hasSize(1);
            node.hypervisor().beforeBeginning((_, beginning) -> assertSealed(beginning));
            assertThat(isClone(templates.begin(machine, Optional.empty()), machine)).isTrue();
        }
        assertThat(openMemories("bunkai-memory")).isZero();
    }

    private static VirtualMachineSpec sharing(VirtualMachineSpec machine) {
        return new VirtualMachineSpec(
                machine.id(),
                machine.directory(),
                machine.accelerator(),
                machine.machineType(),
                machine.machineOptions(),
                machine.cpu(),
                new MemorySpec(machine.memory().size(), true),
                machine.boot(),
                machine.disks(),
                machine.diskLimits(),
                machine.fileSystem(),
                machine.entropySource(),
                machine.agentPort(),
                machine.security(),
                machine.cgroupProcsFiles(),
                machine.hypervisor());
    }

    private static void write(Path memory, String text) {
        try (FileChannel file = FileChannel.open(memory, StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)), 4096 * 3L);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static String read(Path memory) {
        try (FileChannel file = FileChannel.open(memory, StandardOpenOption.READ)) {
            ByteBuffer text = ByteBuffer.allocate("frozen".length());
            file.read(text, 4096 * 3L);
            return new String(text.array(), StandardCharsets.US_ASCII);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void assertSealed(Beginning beginning) {
        Path file = ((Beginning.Copy) beginning).memory();
        try (FileChannel memory = FileChannel.open(file, StandardOpenOption.WRITE)) {
            assertThatThrownBy(() -> memory.write(ByteBuffer.allocate(1), 0))
                    .isInstanceOf(IOException.class);
            assertThatThrownBy(() -> memory.truncate(0)).isInstanceOf(IOException.class);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** The first server's only machine has gone, and it with it. */
    @Test
    void aMachineWithFilesThatIsNoCloneBootsWithAnotherServer() throws Exception {
        FakeNode.Wish wish =
                new FakeNode.Wish()
                        .mounts(RuntimeSpec.Mount.of("/x", "bind", "/etc", List.of("rbind")));
        node.hypervisor().program(ScriptedProcess::readStdin);
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            start(containers);
            templates.awaitIdle(FakeNode.soon());
            Container clone = containers.create(wish.request()).container();
            clone.start(FakeNode.soon());
            assertThat(beginning(clone)).isInstanceOf(Beginning.Copy.class);
            node.hypervisor()
                    .beforeBeginning((_, beginning) -> {
                        if (beginning instanceof Beginning.Copy) {
                            throw Fault.unavailable("no");
                        }
                    });
            Container booted = containers.create(wish.request()).container();
            booted.start(FakeNode.soon());
            assertThat(beginning(booted)).isEqualTo(Beginning.BOOT);
            Plan.Sharing sharing = booted.plan().host().sharing().orElseThrow();
            assertThat(FileServer.find(sharing))
                    .containsExactly(booted.record().server().orElseThrow());
        }
    }

    @Test
    void aTemplateIsMadeOnceHoweverManyStartsWantIt() throws Exception {
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            List<CompletableFuture<Container>> starts = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                starts.add(CompletableFuture.supplyAsync(() -> start(containers)));
            }
            for (CompletableFuture<Container> start : starts) {
                start.get(60, TimeUnit.SECONDS);
            }
            templates.awaitIdle(FakeNode.soon());
            assertThat(templateMachines()).hasSize(1);
        }
    }

    @Test
    void aStartThatBeganBeforeItsTemplateWasReadyDoesNotMakeItAgain() throws Exception {
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            VirtualMachineSpec machine =
                    containers.plan(new FakeNode.Wish().request()).plan().machine();
            MachineStart early = templates.begin(machine, Optional.empty());
            start(containers);
            templates.awaitIdle(FakeNode.soon());
            long createdAt = templates.all().getFirst().createdAtMillis();
            early.succeeded();
            templates.awaitIdle(FakeNode.soon());
            assertThat(templates.all().getFirst().createdAtMillis()).isEqualTo(createdAt);
        }
    }

    @Test
    void anotherKernelHasAnotherTemplate() throws Exception {
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            start(containers);
            templates.awaitIdle(FakeNode.soon());
            Files.setLastModifiedTime(node.kernel(), FileTime.from(Instant.EPOCH));
            assertThat(beginning(start(containers))).isEqualTo(Beginning.BOOT);
            templates.awaitIdle(FakeNode.soon());
            assertThat(beginning(start(containers))).isInstanceOf(Beginning.Copy.class);
            assertThat(templates.all()).hasSize(2);
        }
    }

    @Test
    void aNamespaceHasItsOwnTemplatesAndANodeSharesThem() throws Exception {
        Optional<Owner> one = Optional.of(new Owner("", "one", "x"));
        Optional<Owner> other = Optional.of(new Owner("", "other", "x"));
        for (TemplateScope scope : List.of(TemplateScope.NAMESPACE, TemplateScope.NODE)) {
            try (Templates templates = node.templates(scope);
                    Containers containers = node.open(templates)) {
                VirtualMachineSpec machine =
                        containers.plan(new FakeNode.Wish().request()).plan().machine();
                templates.begin(machine, one).succeeded();
                templates.awaitIdle(FakeNode.soon());
                assertThat(isClone(templates.begin(machine, one), machine)).isTrue();
                assertThat(isClone(templates.begin(machine, other), machine))
                        .isEqualTo(scope == TemplateScope.NODE);
            }
        }
    }

    private boolean isClone(MachineStart start, VirtualMachineSpec machine) {
        start.launch(machine, FakeNode.soon()).close();
        return node.hypervisor().beginnings().get(machine.id()) instanceof Beginning.Copy;
    }

    @Test
    void wherePodsShareNothingAllMachinesBoot() {
        try (Templates templates = node.templates(TemplateScope.NONE);
                Containers containers = node.open(templates)) {
            start(containers);
            assertThat(beginning(start(containers))).isEqualTo(Beginning.BOOT);
            assertThat(templateMachines()).isEmpty();
        }
    }

    @Test
    void aLaterDaemonFindsATemplateAgain() throws Exception {
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            start(containers);
            templates.awaitIdle(FakeNode.soon());
        }
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            assertThat(beginning(start(containers))).isInstanceOf(Beginning.Copy.class);
        }
        assertThat(templateMachines()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"memory", "devices", "manifest.json"})
    void aDamagedTemplateIsMadeAnewAndNotUsed(String part) throws Exception {
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            start(containers);
            templates.awaitIdle(FakeNode.soon());
        }
        Path templatesFolder = node.stateRoot().templates();
        Path file = templatesFolder.resolve(left(templatesFolder).getFirst()).resolve(part);
        try (FileChannel damaged = FileChannel.open(file, StandardOpenOption.WRITE)) {
            damaged.write(ByteBuffer.wrap(new byte[] {'#'}), 2);
        }
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            assertThat(beginning(start(containers))).isEqualTo(Beginning.BOOT);
            templates.awaitIdle(FakeNode.soon());
            assertThat(beginning(start(containers))).isInstanceOf(Beginning.Copy.class);
        }
    }

    @Test
    void aTemplateWhoseCloneDoesNotComeUpIsMadeAnew() throws Exception {
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            start(containers);
            templates.awaitIdle(FakeNode.soon());
            node.hypervisor()
                    .beforeBeginning((_, beginning) -> {
                        if (beginning instanceof Beginning.Copy) {
                            throw Fault.unavailable("it did not come up");
                        }
                    });
            assertThat(beginning(start(containers))).isEqualTo(Beginning.BOOT);
            node.hypervisor().beforeBeginning((_, _) -> {});
            templates.awaitIdle(FakeNode.soon());
            assertThat(beginning(start(containers))).isInstanceOf(Beginning.Copy.class);
        }
    }

    @Test
    void aStartThatIsCalledOffLeavesItsTemplateAloneAndHoldsNothingOfIt() throws Exception {
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            VirtualMachineSpec machine =
                    containers.plan(new FakeNode.Wish().request()).plan().machine();
            start(containers);
            templates.awaitIdle(FakeNode.soon());
            List<TemplateView> before = templates.all();
            long descriptors = openMemories("bunkai-template");
            templates.begin(machine, Optional.empty()); // and nothing else
            node.hypervisor()
                    .beforeBeginning((_, _) -> {
                        Thread.currentThread().interrupt();
                        throw Fault.unavailable("interrupted");
                    });
            MachineStart start = templates.begin(machine, Optional.empty());
            assertThatThrownBy(() -> start.launch(machine, FakeNode.soon()))
                    .isInstanceOf(Fault.class)
                    .hasMessageContaining("called off");
            assertThat(Thread.interrupted()).isTrue();
            assertThat(templates.all()).isEqualTo(before);
            assertThat(openMemories("bunkai-template")).isEqualTo(descriptors);
        }
    }

    private static long openMemories(String name) throws IOException {
        try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return descriptors
                    .filter(descriptor -> {
                        try {
                            return Files.readSymbolicLink(descriptor).toString().contains(name);
                        } catch (IOException e) {
                            return false; // closed since
                        }
                    })
                    .count();
        }
    }

    @Test
    void aTemplateThatCannotBeMadeLeavesNothingAndHoldsNobodyUp() throws Exception {
        node.hypervisor()
                .beforeBeginning((_, beginning) -> {
                    if (beginning instanceof Beginning.Template) {
                        throw Fault.unavailable("no machine today");
                    }
                });
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            start(containers);
            templates.awaitIdle(FakeNode.soon());
            assertThat(beginning(start(containers))).isEqualTo(Beginning.BOOT);
            assertThat(templates.all()).isEmpty();
        }
        assertThat(left(node.stateRoot().templateMachines())).isEmpty();
        assertThat(left(node.stateRoot().templates())).isEmpty();
    }

    @Test
    void whatCouldNotBeMadeIsTriedAgainAfterAWhile() throws Exception {
        ManualClock clock = new ManualClock();
        node.hypervisor()
                .beforeBeginning((_, beginning) -> {
                    if (beginning instanceof Beginning.Template) {
                        throw Fault.unavailable("not now");
                    }
                });
        try (Templates templates = node.templates(TemplateScope.NAMESPACE, clock);
                Containers containers = node.open(templates)) {
            start(containers);
            templates.awaitIdle(FakeNode.soon());
            node.hypervisor().beforeBeginning((_, _) -> {});
            start(containers);
            templates.awaitIdle(FakeNode.soon());
            assertThat(templates.all()).isEmpty();
            clock.advance(Duration.ofMinutes(11));
            start(containers);
            templates.awaitIdle(FakeNode.soon());
            assertThat(templates.all()).hasSize(1);
        }
    }

    @Test
    void aNewerHypervisorHasTemplatesOfItsOwn() throws Exception {
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            start(containers);
            templates.awaitIdle(FakeNode.soon());
        }
        node.hypervisor().description("Scripted 2.0");
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            assertThat(beginning(start(containers))).isEqualTo(Beginning.BOOT);
            templates.awaitIdle(FakeNode.soon());
            assertThat(beginning(start(containers))).isInstanceOf(Beginning.Copy.class);
            assertThat(templates.all()).hasSize(2);
        }
    }

    @Test
    void aFullDiskLeavesNothingAndStartsGoOn() throws Exception {
        Path folder = Files.createDirectories(node.stateRoot().templates());
        CommandRun.of("mount", "-t", "tmpfs", "-o", "size=4k", "none", folder.toString())
                .run(FakeNode.soon())
                .expectSuccess();
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            start(containers);
            templates.awaitIdle(FakeNode.soon());
            assertThat(templates.all()).isEmpty();
            assertThat(left(folder)).isEmpty();
            assertThat(left(node.stateRoot().templateMachines())).isEmpty();
            assertThat(beginning(start(containers))).isEqualTo(Beginning.BOOT);
        } finally {
            CommandRun.of("umount", "-l", folder.toString()).run(FakeNode.soon()).expectSuccess();
        }
    }

    @Test
    void aTemplateThatCannotBeWrittenLeavesNothing() throws Exception {
        node.hypervisor()
                .beforeResume(machine -> {
                    if (machine.spec().id().startsWith("template-")) {
                        Path place = node.stateRoot().templates().resolve("." + keyOf(machine));
                        try {
                            Files.createDirectory(place.resolve("memory")); // no file can be there
                        } catch (IOException e) {
                            throw new AssertionError(e);
                        }
                    }
                });
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            start(containers);
            templates.awaitIdle(FakeNode.soon());
            assertThat(templates.all()).isEmpty();
        }
        assertThat(left(node.stateRoot().templates())).isEmpty();
    }

    private static String keyOf(ScriptedMachine machine) {
        return machine.spec().id().substring("template-".length());
    }

    @Test
    void whatADeadDaemonWasMakingIsRemoved() throws Exception {
        try (CommandRun.Running machine = CommandRun.of("sleep", "1000").start()) {
            ProcessIdentity process = ProcessIdentity.of((int) machine.pid()).orElseThrow();
            Path home =
                    Files.createDirectories(
                            node.stateRoot().templateMachines().resolve("0123456789abcdef"));
            Files.writeString(home.resolve("process"), process.pid() + " " + process.startTicks());
            Path half =
                    Files.createDirectories(
                            node.stateRoot().templates().resolve(".0123456789abcdef"));
            Files.writeString(half.resolve("memory"), "half of it");
            node.templates(TemplateScope.NAMESPACE).close();
            assertThat(process.isAlive()).isFalse();
            assertThat(home).doesNotExist();
            assertThat(half).doesNotExist();
        }
    }

    @Test
    void aDaemonThatEndsLeavesNoMachineThatWasToBecomeATemplate() throws Exception {
        CompletableFuture<Void> booting = new CompletableFuture<>();
        node.hypervisor()
                .beforeResume(machine -> {
                    if (machine.spec().id().startsWith("template-")) {
                        machine.muteAgent();
                        booting.complete(null);
                    }
                });
        Templates templates = node.templates(TemplateScope.NAMESPACE);
        try (Containers containers = node.open(templates)) {
            start(containers);
            booting.get(60, TimeUnit.SECONDS);
            templates.close();
        }
        assertThat(left(node.stateRoot().templateMachines())).isEmpty();
        assertThat(node.hypervisor().machine(templateMachines().getFirst()).isAlive()).isFalse();
    }

    @Test
    void aTemplateIsRemovedByItsKey() throws Exception {
        try (Templates templates = node.templates(TemplateScope.NAMESPACE);
                Containers containers = node.open(templates)) {
            start(containers);
            templates.awaitIdle(FakeNode.soon());
            templates.remove(templates.all().getFirst().key());
            assertThat(templates.all()).isEmpty();
            assertThatThrownBy(() -> templates.remove("0123"))
                    .isInstanceOf(Fault.class)
                    .hasMessageContaining("there is no template '0123'");
            assertThat(beginning(start(containers))).isEqualTo(Beginning.BOOT);
        }
    }
}
