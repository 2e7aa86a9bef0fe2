// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Signals;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a daemon does with what one before it has left, wherever that one died. */
@Timeout(120)
class RecoveryTest {
    private final FakeNode node = new FakeNode();

    @AfterEach
    void end() {
        node.close();
    }

    private static FakeNode.Wish wish() {
        return new FakeNode.Wish().name("web");
    }

    private static void wholeLife(Containers containers, FakeNode.Wish wish) throws Exception {
        Container container = containers.create(wish.request()).container();
        container.start(FakeNode.soon());
        container.exit("").get();
        container.remove(false);
    }

    @Test
    void theCrashPointsAreReachedInTheirOrder() throws Exception {
        List<CrashPoint> reached = Collections.synchronizedList(new ArrayList<>());
        node.hypervisor().program(process -> process.exit(0));
        try (Containers containers = node.open(reached::add)) {
            Container container = containers.create(wish().request()).container();
            container.start(FakeNode.soon());
            container.exit("").get(60, TimeUnit.SECONDS);
            container.remove(false);
        }
        // The process may end before its start is over, but never before it is in the journal.
        assertThat(reached).containsExactlyElementsOf(Arrays.asList(CrashPoint.values()));
    }

    @ParameterizedTest
    @EnumSource
    void whereverADaemonDiesTheNextOneGoesOn(CrashPoint fatal) throws Exception {
        node.hypervisor().program(process -> process.exit(7));
        MortalDaemon mortal = new MortalDaemon(node, fatal);
        mortal.live(containers -> wholeLife(containers, wish()));
        mortal.awaitDeath();
        try (Containers containers = node.open()) {
            switch (fatal) {
                case CREATE_JOURNALED -> {
                    Container found = containers.get("web");
                    assertThat(ContainerView.of(found).state()).isEqualTo("created");
                    found.start(FakeNode.soon());
                    assertEnded(found, new ProcessExit(7, false, ""));
                }
                case START_JOURNALED,
                        START_CGROUPS_MADE,
                        START_MACHINE_LAUNCHED,
                        START_MACHINE_JOURNALED,
                        START_AGENT_READY,
                        START_CONTAINER_CREATED,
                        START_PREPARED,
                        START_PROCESS_STARTED ->
                        assertEnded(
                                containers.get("web"),
                                new ProcessExit(125, false, "the daemon ended during the start"));
                case START_FINISHED,
                        STOP_PROCESS_ENDED,
                        STOP_JOURNALED,
                        STOP_MACHINE_GONE,
                        STOP_FINISHED ->
                        assertEnded(containers.get("web"), new ProcessExit(7, false, ""));
                case REMOVE_JOURNALED, REMOVE_OUTPUT_GONE -> assertNothingLeft(containers);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = "CREATE_JOURNALED", mode = EnumSource.Mode.EXCLUDE)
    void whatIsNotToBeKeptGoesWhereverADaemonDies(CrashPoint fatal) throws Exception {
        node.hypervisor().program(process -> process.exit(7));
        MortalDaemon mortal = new MortalDaemon(node, fatal);
        mortal.live(containers -> wholeLife(containers, wish().remove()));
        mortal.awaitDeath();
        List<String> ids;
        try (var homes = Files.list(node.stateRoot().sandboxes())) {
            ids = homes.map(home -> home.getFileName().toString()).toList();
        }
        try (Containers containers = node.open()) {
            for (String id : ids) {
                awaitItsEnd(containers, id);
            }
            assertNothingLeft(containers);
            assertThat(containers.create(wish().request()).container().name()).isEqualTo("web");
        }
    }

    /** With all that follows; it is not listed any more as soon as its exit is known. */
    private static void awaitItsEnd(Containers containers, String id) throws Exception {
        try {
            containers.get(id).kill();
        } catch (Fault e) {
            assertThat(e.code()).isEqualTo(FaultCode.NOT_FOUND); // it has gone already
        }
    }

    private void assertEnded(Container container, ProcessExit exit) throws Exception {
        assertThat(container.exit("").get(60, TimeUnit.SECONDS)).isEqualTo(exit);
        container.kill(); // waits for the teardown
        assertThat(container.record().phase()).isEqualTo(ContainerRecord.Phase.ENDED);
        assertThat(node.hypervisor().living()).isZero();
        Path directory = node.stateRoot().sandboxes().resolve(container.id());
        try (var files = Files.list(directory)) {
            assertThat(files).containsExactly(directory.resolve("journal.json"));
        }
        container.remove(false);
        assertThat(node.stateRoot().sandboxes()).isEmptyDirectory();
        assertThat(node.stateRoot().outputs()).isEmptyDirectory();
    }

    private void assertNothingLeft(Containers containers) {
        assertThat(containers.all()).isEmpty();
        assertThat(node.hypervisor().living()).isZero();
        assertThat(node.stateRoot().sandboxes()).isEmptyDirectory();
        assertThat(node.stateRoot().outputs()).isEmptyDirectory();
    }

    @Test
    void aTeardownGoesOnThroughAnyNumberOfDeaths() throws Exception {
        node.hypervisor().program(process -> process.exit(7));
        MortalDaemon first = new MortalDaemon(node, CrashPoint.STOP_JOURNALED);
        first.live(containers -> wholeLife(containers, wish()));
        first.awaitDeath();
        new MortalDaemon(node, CrashPoint.STOP_MACHINE_GONE).awaitDeath();
        new MortalDaemon(node, CrashPoint.STOP_MACHINE_GONE).awaitDeath();
        new MortalDaemon(node, CrashPoint.STOP_FINISHED).awaitDeath();
        try (Containers containers = node.open()) {
            assertEnded(containers.get("web"), new ProcessExit(7, false, ""));
        }
    }

    @Test
    void aRemovalGoesOnThroughAnyNumberOfDeaths() throws Exception {
        MortalDaemon first = new MortalDaemon(node, CrashPoint.REMOVE_JOURNALED);
        first.live(containers -> wholeLife(containers, wish()));
        first.awaitDeath();
        new MortalDaemon(node, CrashPoint.REMOVE_JOURNALED).awaitDeath();
        new MortalDaemon(node, CrashPoint.REMOVE_OUTPUT_GONE).awaitDeath();
        try (Containers containers = node.open()) {
            assertNothingLeft(containers);
        }
    }

    @Test
    void aFailedStartIsCleanedUpThroughAnotherDeath() throws Exception {
        MortalDaemon first = new MortalDaemon(node, CrashPoint.START_MACHINE_LAUNCHED);
        first.live(containers -> wholeLife(containers, wish()));
        first.awaitDeath();
        assertThat(node.hypervisor().living()).isEqualTo(1);
        new MortalDaemon(node, CrashPoint.STOP_PROCESS_ENDED).awaitDeath();
        try (Containers containers = node.open()) {
            assertEnded(
                    containers.get("web"),
                    new ProcessExit(125, false, "the daemon ended during the start"));
        }
    }

    @Test
    void aRunningContainerIsFoundAgainWithAllThatCanBeDoneToIt() throws Exception {
        node.hypervisor()
                .program(process -> {
                    process.print("before\n");
                    process.ignoreTerm();
                    process.readStdin();
                });
        String id;
        try (Containers containers = node.open()) {
            Container container = containers.create(wish().stdin().request()).container();
            container.start(FakeNode.soon());
            id = container.id();
            container.output().read(0, 1, FakeNode.LONG); // it has been read from the guest
        }
        ScriptedMachine machine = node.hypervisor().machine(id);
        ScriptedProcess process = machine.agent().awaitStart();
        machine.awaitEndOfSessions(1);
        process.print("between\n");
        try (Containers containers = node.open()) {
            Container found = containers.get(id);
            assertThat(ContainerView.of(found).state()).isEqualTo("running");
            assertThat(ContainerView.of(found).vmmPid()).isEqualTo(machine.identity().pid());
            found.signal("", Signals.SIGTERM);
            assertThat(process.awaitSignal()).isEqualTo(Signals.SIGTERM);
            String exec = found.exec(FakeNode.exec("ls"));
            found.startExec(exec, FakeNode.soon());
            assertThat(found.exit(exec).get(60, TimeUnit.SECONDS).code()).isZero();
            process.print("after\n");
            process.exit(9);
            assertThat(found.exit("").get(60, TimeUnit.SECONDS).code()).isEqualTo(9);
            assertThat(text(found)).isEqualTo("before\nbetween\nafter\n");
        }
    }

    private static String text(Container container) throws InterruptedException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        container.output().read(0, 1_000_000, Duration.ZERO).entries().stream()
                .map(OutputLog.Entry::data)
                .forEach(all::writeBytes);
        return all.toString(StandardCharsets.UTF_8);
    }

    @Test
    void furtherProcessesOfAFormerDaemonAreKnownAndDoNotBlock() throws Exception {
        node.hypervisor().program(ScriptedProcess::readStdin);
        node.hypervisor()
                .prepare(agent ->
                        agent.execProgram(process -> {
                            process.awaitSignal();
                            process.print(new byte[3 * ScriptedProcess.PIPE_BYTES]);
                            process.exit(4);
                        }));
        String id;
        String exec;
        try (Containers containers = node.open()) {
            Container container = containers.create(wish().request()).container();
            container.start(FakeNode.soon());
            id = container.id();
            exec = container.exec(FakeNode.exec("ls"));
            container.startExec(exec, FakeNode.soon());
        }
        try (Containers containers = node.open()) {
            // and once more, so that it is still in the journal
            assertThat(containers.get(id).record().execs()).containsExactly(exec);
        }
        try (Containers containers = node.open()) {
            Container found = containers.get(id);
            found.signal(exec, Signals.SIGHUP);
            assertThat(found.exit(exec).get(60, TimeUnit.SECONDS).code()).isEqualTo(4);
            String next = found.exec(FakeNode.exec("ls"));
            assertThat(next).isNotEqualTo(exec);
        }
    }

    @Test
    void aMachineThatDidNotOutliveTheDaemonIsReported() throws Exception {
        node.hypervisor().program(ScriptedProcess::readStdin);
        String id;
        try (Containers containers = node.open()) {
            Container container = containers.create(wish().request()).container();
            container.start(FakeNode.soon());
            id = container.id();
        }
        node.hypervisor().machine(id).kill();
        node.hypervisor().machine(id).exit().get();
        try (Containers containers = node.open()) {
            ProcessExit exit = containers.get(id).exit("").get(60, TimeUnit.SECONDS);
            assertThat(exit.code()).isEqualTo(255);
            assertThat(exit.error()).contains("did not outlive the daemon").contains("has ended");
            assertThat(ContainerView.of(containers.get(id)).state()).isEqualTo("lost");
        }
    }

    @Test
    void outputThatBelongsToNobodyIsDeleted() throws Exception {
        Path orphan = node.stateRoot().outputs().resolve("0123456789abcdef");
        Files.createDirectories(orphan);
        Files.writeString(orphan.resolve("0.output"), "x");
        try (Containers containers = node.open()) {
            assertThat(containers.all()).isEmpty();
            assertThat(orphan).doesNotExist();
        }
    }

    @Test
    void oneRemovalThatFailsDoesNotStopTheDaemon() throws Exception {
        MortalDaemon first = new MortalDaemon(node, CrashPoint.REMOVE_JOURNALED);
        first.live(containers -> wholeLife(containers, wish()));
        first.awaitDeath();
        Path directory;
        try (var homes = Files.list(node.stateRoot().sandboxes())) {
            directory = homes.findFirst().orElseThrow();
        }
        Path inTheWay = Files.createDirectories(directory.resolve("folder/within"));
        try (Containers containers = node.open()) {
            assertThat(containers.all()).hasSize(1);
            Files.delete(inTheWay);
            containers.get("web").remove(false);
            assertNothingLeft(containers);
        }
    }
}
