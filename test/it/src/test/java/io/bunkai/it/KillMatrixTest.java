// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Deadline;
import io.bunkai.it.KillMatrix.Cell;
import io.bunkai.it.KillMatrix.Outcome;
import io.bunkai.it.KillMatrix.Victim;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Signals;
import io.bunkai.testkit.Await;
import io.bunkai.testkit.CommandRun;
import io.bunkai.testkit.FaultGate;
import io.bunkai.testkit.LeakCheck;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The daemon, QEMU and the guest die, each at each point at which it can: the container then runs
 * and is usable, or is reported dead at once and can be removed, and nothing is left.
 */
class KillMatrixTest {
    @RegisterExtension static final TestNode node = new TestNode();

    private static final String BOX = "box";

    /** A death that somebody survives is reported within this time. */
    private static final Duration REPORT = Duration.ofSeconds(2);

    private static MortalGuest mortal;

    private LeakCheck leaks;

    @BeforeAll
    static void makeGuestsMortal() {
        mortal = MortalGuest.prepare();
    }

    @AfterAll
    static void tidyUp() {
        mortal.close();
    }

    @BeforeEach
    void lookAround() {
        node.stopDaemon();
        leaks = node.leakCheck();
    }

    @AfterEach
    void nothingIsLeft() {
        node.stopDaemon();
        try {
            node.assertNothingLeft(leaks);
        } finally {
            node.removeContainers();
        }
    }

    static Iterable<Cell> sample() {
        return KillMatrix.sample();
    }

    static Iterable<Cell> others() {
        return KillMatrix.others();
    }

    @ParameterizedTest
    @MethodSource("sample")
    void aDeathEndsAsTheTableSays(Cell cell) throws Exception {
        dieAndSee(cell);
    }

    @Tag("long")
    @ParameterizedTest
    @MethodSource("others")
    void everyOtherDeathEndsAsTheTableSays(Cell cell) throws Exception {
        dieAndSee(cell);
    }

    private static void dieAndSee(Cell cell) throws Exception {
        try (FaultGate gate = FaultGate.at(cell.point().label())) {
            int daemon = startDaemon(cell, gate);
            leadTo(cell);
            CommandRun command = node.command(work(cell));
            if (cell.isOfTheNewer()) {
                command.environment("BUNKAI_HOLD_AT", gate.address());
            }
            try (CommandRun.Running work = command.start()) {
                gate.awaitReached(TestNode.patience());
                switch (cell.victim()) {
                    case DAEMON -> kill(cell.isOfTheNewer() ? node.newerDaemon() : daemon);
                    case MACHINE -> die(cell, gate, () -> kill(machine()));
                    case GUEST -> die(cell, gate, () -> mortal.die(machine()));
                }
                gate.letGo();
                work.await(TestNode.patience());
            }
        }
        assertThat(outcome(cell.outcome())).isEqualTo(cell.outcome());
    }

    /** While one daemon takes over from another, nobody answers who waits for a report. */
    private static void die(Cell cell, FaultGate gate, Death death) throws Exception {
        if (cell.isTakeover()) {
            death.happen();
        } else {
            killAndAwaitReport(gate, death);
        }
    }

    private static int startDaemon(Cell cell, FaultGate gate) {
        List<String> words = new ArrayList<>(List.of("daemon", "start"));
        if (cell.victim() == Victim.GUEST) {
            words.addAll(List.of("--config", mortal.configuration().toString()));
        }
        CommandRun start = node.command(words.toArray(String[]::new));
        if (!cell.isOfTheNewer()) {
            start.environment("BUNKAI_HOLD_AT", gate.address());
        }
        start.run(TestNode.patience()).expectSuccess();
        return node.daemonPid();
    }

    /** Up to where the work begins that comes to the point. */
    private static void leadTo(Cell cell) {
        switch (cell.point()) {
            case CREATE_JOURNALED,
                    START_JOURNALED,
                    START_CGROUPS_MADE,
                    START_SERVER_LAUNCHED,
                    START_SERVER_JOURNALED,
                    START_MACHINE_LAUNCHED,
                    START_MACHINE_JOURNALED,
                    START_AGENT_READY,
                    START_CONTAINER_CREATED,
                    START_PREPARED,
                    START_PROCESS_STARTED,
                    START_FINISHED,
                    OUTPUT_RECEIVED,
                    OUTPUT_KEPT,
                    OUTPUT_DELIVERED -> {}
            case EXEC_JOURNALED,
                    EXEC_STARTED,
                    EXEC_ENDED,
                    KILL_REQUESTED,
                    KILL_DELIVERED,
                    STOP_PROCESS_ENDED,
                    STOP_JOURNALED,
                    STOP_MACHINE_GONE,
                    STOP_FINISHED,
                    TAKEOVER_ACCEPTED,
                    TAKEOVER_LET_GO,
                    TAKEOVER_RECEIVED,
                    TAKEOVER_TAKEN ->
                    node.bunkai(start()).expectSuccess();
            case REMOVE_JOURNALED, REMOVE_OUTPUT_GONE -> {
                node.bunkai(start()).expectSuccess();
                node.bunkai("stop", BOX).expectSuccess();
            }
        }
    }

    /** The command that comes to the point. */
    private static String[] work(Cell cell) {
        return switch (cell.point()) {
            case CREATE_JOURNALED,
                    START_JOURNALED,
                    START_CGROUPS_MADE,
                    START_SERVER_LAUNCHED,
                    START_SERVER_JOURNALED,
                    START_MACHINE_LAUNCHED,
                    START_MACHINE_JOURNALED,
                    START_AGENT_READY,
                    START_CONTAINER_CREATED,
                    START_PREPARED,
                    START_PROCESS_STARTED,
                    START_FINISHED,
                    OUTPUT_RECEIVED,
                    OUTPUT_KEPT,
                    OUTPUT_DELIVERED ->
                    start();
            case EXEC_JOURNALED, EXEC_STARTED, EXEC_ENDED ->
                    new String[] {"exec", BOX, "echo", "further"};
            // One that does not end the process: its end has points of its own.
            case KILL_REQUESTED, KILL_DELIVERED -> new String[] {"kill", "-s", "CONT", BOX};
            case STOP_PROCESS_ENDED, STOP_JOURNALED, STOP_MACHINE_GONE, STOP_FINISHED ->
                    new String[] {"stop", BOX};
            case REMOVE_JOURNALED, REMOVE_OUTPUT_GONE -> new String[] {"rm", BOX};
            case TAKEOVER_ACCEPTED, TAKEOVER_LET_GO, TAKEOVER_RECEIVED, TAKEOVER_TAKEN ->
                    new String[] {"daemon", "takeover"};
        };
    }

    /** Ends when it is asked to end. */
    private static String[] start() {
        return new String[] {
            "run",
            "-d",
            "--name",
            BOX,
            "-v",
            "/etc:/etc/host:ro", // so that there is a file server, too
            "--",
            "sh",
            "-c",
            "trap 'exit 5' TERM; echo begun; sleep 100000 & wait $!"
        };
    }

    private interface Death {
        void happen() throws Exception;
    }

    /** Somebody waits for the container's end, and is told in time. */
    private static void killAndAwaitReport(FaultGate gate, Death death) throws Exception {
        try (CommandRun.Running waiting = node.command("wait", BOX).start()) {
            node.get(BOX); // by now the other command has asked, too
            death.happen();
            gate.letGo();
            waiting.await(Deadline.after(REPORT));
        }
    }

    private static int machine() {
        assertThat(node.machines()).hasSize(1);
        return node.machines().getFirst();
    }

    private static void kill(int pid) throws Exception {
        try (LinuxProcess process = LinuxProcess.adopt(ProcessIdentity.of(pid).orElseThrow())) {
            process.signal(Signals.SIGKILL);
            assertThat(process.await(TestNode.patience())).isPresent();
        }
    }

    /** {@return what has become of the container, as the next command finds it} */
    private static Outcome outcome(Outcome expected) {
        if (expected == Outcome.DEAD) {
            Await.until(
                    "the report of a death",
                    Deadline.after(REPORT),
                    () -> !node.state(BOX).equals("running"));
        }
        return switch (node.state(BOX)) {
            case "" -> Outcome.GONE;
            case "created" -> {
                node.bunkai("rm", BOX).expectSuccess();
                yield Outcome.DESCRIBED;
            }
            case "running" -> {
                assertThat(node.out("exec", BOX, "echo", "still here")).isEqualTo("still here");
                node.bunkai("rm", "-f", BOX).expectSuccess();
                yield Outcome.RUNNING;
            }
            case "stopped", "lost" -> {
                assertThat(node.machines()).isEmpty();
                node.bunkai("rm", BOX).expectSuccess();
                assertThat(node.state(BOX)).isEmpty();
                yield Outcome.DEAD;
            }
            default -> throw new AssertionError("a half state: " + node.get(BOX));
        };
    }
}
