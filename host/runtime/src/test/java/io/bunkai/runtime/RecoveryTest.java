// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Signals;
import io.bunkai.oci.RuntimeSpec;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a daemon does with what one before it has left, wherever that one died. */
@Timeout(120)
class RecoveryTest {
    private static final Set<CrashPoint> OF_OUTPUT =
            EnumSet.range(CrashPoint.OUTPUT_RECEIVED, CrashPoint.OUTPUT_DELIVERED);

    /** Reached by two daemons, and not by one container. */
    private static final Set<CrashPoint> OF_TAKEOVER =
            EnumSet.range(CrashPoint.TAKEOVER_ACCEPTED, CrashPoint.TAKEOVER_TAKEN);

    private static final int LINES = 20;
    private static final int PIECE = 10;

    private final FakeNode node = new FakeNode();

    @AfterEach
    void end() {
        node.close();
    }

    private static FakeNode.Wish wish() {
        return new FakeNode.Wish()
                .name("web")
                .mounts(RuntimeSpec.Mount.of("/etc/host", "bind", "/etc", List.of("rbind", "ro")));
    }

    private static void wholeLife(Containers containers, FakeNode.Wish wish) throws Exception {
        Container container = containers.create(wish.request()).container();
        container.start(FakeNode.soon());
        runAFurtherProcess(container);
        container.signal("", Signals.SIGTERM);
        container.exit("").get();
        container.remove(false);
    }

    private static void runAFurtherProcess(Container container) throws Exception {
        String exec = container.exec(FakeNode.exec("true"));
        container.startExec(exec, FakeNode.soon());
        container.exit(exec).get(60, TimeUnit.SECONDS);
    }

    /** Ends with 7 as soon as it is asked to. */
    private static void endWhenAsked(ScriptedProcess process) throws Exception {
        process.ignoreTerm();
        process.awaitSignal();
        process.exit(7);
    }

    @Test
    void theCrashPointsAreReachedInTheirOrder() throws Exception {
        List<CrashPoint> reached = Collections.synchronizedList(new ArrayList<>());
        node.hypervisor()
                .program(process -> {
                    process.print("x");
                    endWhenAsked(process);
                });
        try (Containers containers = node.open(reached::add)) {
            wholeLife(containers, wish());
        }
        // The process may write and end before its start is over, but never end before it is in
        // the journal; and it may have ended before whoever killed it knows that it was told.
        Set<CrashPoint> atAnyTime = EnumSet.copyOf(OF_OUTPUT);
        atAnyTime.addAll(OF_TAKEOVER);
        atAnyTime.add(CrashPoint.KILL_DELIVERED);
        assertThat(reached).filteredOn(OF_OUTPUT::contains).containsExactlyElementsOf(OF_OUTPUT);
        assertThat(reached).containsOnlyOnce(CrashPoint.KILL_DELIVERED);
        assertThat(reached)
                .filteredOn(point -> !atAnyTime.contains(point))
                .containsExactlyElementsOf(EnumSet.complementOf(EnumSet.copyOf(atAnyTime)));
    }

    @ParameterizedTest
    @EnumSource(names = "OUTPUT_.*|TAKEOVER_.*", mode = EnumSource.Mode.MATCH_NONE)
    void whereverADaemonDiesTheNextOneGoesOn(CrashPoint fatal) throws Exception {
        node.hypervisor().program(RecoveryTest::endWhenAsked);
        MortalDaemon mortal = new MortalDaemon(node, fatal);
        mortal.live(containers -> wholeLife(containers, wish()));
        mortal.awaitDeath();
        try (Containers containers = node.open()) {
            switch (fatal) {
                case CREATE_JOURNALED -> {
                    Container found = containers.get("web");
                    assertThat(ContainerView.of(found).state()).isEqualTo("created");
                    found.start(FakeNode.soon());
                    assertUsable(found);
                }
                case START_JOURNALED,
                        START_CGROUPS_MADE,
                        START_SERVER_LAUNCHED,
                        START_SERVER_JOURNALED,
                        START_MACHINE_LAUNCHED,
                        START_MACHINE_JOURNALED,
                        START_AGENT_READY,
                        START_CONTAINER_CREATED,
                        START_PREPARED,
                        START_PROCESS_STARTED ->
                        assertEnded(
                                containers.get("web"),
                                new ProcessExit(125, false, "the daemon ended during the start"));
                case START_FINISHED, EXEC_JOURNALED, EXEC_STARTED, EXEC_ENDED, KILL_REQUESTED ->
                        assertUsable(containers.get("web"));
                case KILL_DELIVERED,
                        STOP_PROCESS_ENDED,
                        STOP_JOURNALED,
                        STOP_MACHINE_GONE,
                        STOP_FINISHED ->
                        assertEnded(containers.get("web"), new ProcessExit(7, false, ""));
                case REMOVE_JOURNALED, REMOVE_OUTPUT_GONE -> assertNothingLeft(containers);
                case OUTPUT_RECEIVED,
                        OUTPUT_KEPT,
                        OUTPUT_DELIVERED,
                        TAKEOVER_ACCEPTED,
                        TAKEOVER_LET_GO,
                        TAKEOVER_RECEIVED,
                        TAKEOVER_TAKEN ->
                        throw new AssertionError("another test's");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = "CREATE_JOURNALED|OUTPUT_.*|TAKEOVER_.*", mode = EnumSource.Mode.MATCH_NONE)
    void whatIsNotToBeKeptGoesWhereverADaemonDies(CrashPoint fatal) throws Exception {
        node.hypervisor().program(RecoveryTest::endWhenAsked);
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

    private void assertUsable(Container container) throws Exception {
        assertThat(container.stage()).isEqualTo(Container.Stage.RUNNING);
        runAFurtherProcess(container);
        container.signal("", Signals.SIGTERM);
        assertEnded(container, new ProcessExit(7, false, ""));
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
        node.hypervisor().program(RecoveryTest::endWhenAsked);
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
        node.hypervisor().program(RecoveryTest::endWhenAsked);
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

    // ---- output across deaths ----

    private static String lines() {
        StringBuilder all = new StringBuilder();
        for (int i = 0; i < LINES; i++) {
            all.append("line %02d\n".formatted(i));
        }
        return all.toString();
    }

    /** A writer of numbered lines, handed out in 16 pieces that do not end with them. */
    private String startWriter(boolean acknowledged, OutputLog.Stream stream) throws Exception {
        node.hypervisor()
                .prepare(agent -> {
                    if (acknowledged) {
                        agent.offerAcknowledgedStreams();
                    }
                    agent.handOutAtMost(PIECE);
                });
        node.hypervisor()
                .program(process -> {
                    process.ignoreTerm();
                    process.awaitSignal(); // there is another daemon now
                    if (stream == OutputLog.Stream.STDOUT) {
                        process.print(lines());
                    } else {
                        process.complain(lines());
                    }
                    process.readStdin();
                });
        String id;
        try (Containers containers = node.open()) {
            Container container = containers.create(wish().stdin().request()).container();
            container.start(FakeNode.soon());
            id = container.id();
        }
        ScriptedMachine machine = node.hypervisor().machine(id);
        machine.awaitEndOfSessions(1);
        ScriptedProcess process = machine.agent().awaitStart();
        process.ignoreTerm();
        process.signal(Signals.SIGTERM);
        return id;
    }

    /** {@return what there is up to the last line, with a daemon that does not die} */
    private String whatIsKept(String id) throws Exception {
        try (Containers containers = node.open()) {
            Container found = containers.get(id);
            long cursor = 0;
            StringBuilder all = new StringBuilder();
            while (all.indexOf("%02d\n".formatted(LINES - 1)) < 0) {
                OutputLog.Piece piece = found.output().read(cursor, 1_000_000, FakeNode.LONG);
                cursor = piece.cursor();
                for (OutputLog.Entry entry : piece.entries()) {
                    all.append(new String(entry.data(), StandardCharsets.UTF_8));
                }
            }
            return all.toString();
        }
    }

    /** At every piece, on either side of every deed. */
    @ParameterizedTest
    @EnumSource(names = "OUTPUT_.*", mode = EnumSource.Mode.MATCH_ALL)
    void noLineIsMissingOrKeptTwiceAtWhateverPieceADaemonDies(CrashPoint fatal) throws Exception {
        String id = startWriter(true, OutputLog.Stream.STDOUT);
        for (int times = 1; times <= 5; times++) {
            new MortalDaemon(node, fatal, times).awaitDeath();
        }
        assertThat(whatIsKept(id)).isEqualTo(lines());
    }

    @ParameterizedTest
    @EnumSource(OutputLog.Stream.class)
    void noLineIsMissingOrKeptTwiceWhereDaemonsDieAtEveryPiece(OutputLog.Stream stream)
            throws Exception {
        String id = startWriter(true, stream);
        for (int i = 0; i < 8; i++) {
            new MortalDaemon(node, CrashPoint.OUTPUT_KEPT).awaitDeath();
            new MortalDaemon(node, CrashPoint.OUTPUT_RECEIVED, 2).awaitDeath();
        }
        assertThat(whatIsKept(id)).isEqualTo(lines());
    }

    /** Kata's agent forgets what it hands out: the piece that was under way is gone, no more. */
    @Test
    void withKatasAgentThePieceThatWasUnderWayIsLost() throws Exception {
        String id = startWriter(false, OutputLog.Stream.STDOUT);
        new MortalDaemon(node, CrashPoint.OUTPUT_RECEIVED, 2).awaitDeath();
        assertThat(whatIsKept(id))
                .isEqualTo(lines().substring(0, PIECE) + lines().substring(2 * PIECE));
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
            assertThat(containers.get(id).record().execs())
                    .extracting(ExecRecord::id)
                    .containsExactly(exec);
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
        node.hypervisor().program(RecoveryTest::endWhenAsked);
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
