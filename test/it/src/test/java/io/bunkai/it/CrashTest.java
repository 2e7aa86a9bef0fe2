// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Deadline;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Signals;
import io.bunkai.runtime.CrashPoint;
import io.bunkai.testkit.Await;
import io.bunkai.testkit.CommandRun;
import io.bunkai.testkit.LeakCheck;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import tools.jackson.databind.JsonNode;

/**
 * The daemon dies at each point at which it would leave most behind, and the next daemon, which any
 * command starts, finishes what was begun.
 */
class CrashTest {
    @RegisterExtension static final TestNode node = new TestNode();

    private static final String BOX = "box";

    private static final Set<CrashPoint> WHILE_STARTING =
            EnumSet.range(CrashPoint.START_JOURNALED, CrashPoint.START_PROCESS_STARTED);
    private static final Set<CrashPoint> WHILE_ENDING =
            EnumSet.range(CrashPoint.STOP_PROCESS_ENDED, CrashPoint.STOP_FINISHED);
    private static final Set<CrashPoint> WHILE_REMOVING =
            EnumSet.range(CrashPoint.REMOVE_JOURNALED, CrashPoint.REMOVE_OUTPUT_GONE);

    /** For a daemon whose last request has been answered, or will never be. */
    private static final Duration POINT_PATIENCE = Duration.ofSeconds(30);

    private LeakCheck leaks;

    /** What dies here dies on the way of most starts: that of a clone. */
    @BeforeAll
    static void makeTemplate() {
        node.bunkai("template", "create").expectSuccess();
    }

    @BeforeEach
    void lookAround() {
        node.stopDaemon();
        leaks = node.leakCheck();
    }

    /** What one test has left behind is its own failure and not that of the next. */
    @AfterEach
    void nothingIsLeft() {
        node.stopDaemon();
        try {
            node.assertNothingLeft(leaks);
        } finally {
            node.removeContainers();
        }
    }

    @Test
    void aContainerThatWasOnlyDescribedCanBeRemoved() throws Exception {
        dieAt(
                CrashPoint.CREATE_JOURNALED,
                () -> node.command(start()).run(TestNode.patience()).expectExit(125));

        assertThat(node.state(BOX)).isEqualTo("created");
        remove();
    }

    /** None of these starts has come to its end, so none of these containers runs. */
    @ParameterizedTest
    @FieldSource("WHILE_STARTING")
    void aStartThatWasNotFinishedIsUndone(CrashPoint point) throws Exception {
        dieAt(point, () -> node.command(start()).run(TestNode.patience()).expectExit(125));

        JsonNode listed = node.get(BOX);
        assertThat(listed.path("state").asString()).isEqualTo("stopped");
        assertThat(listed.path("exitCode").asInt()).isEqualTo(125);
        assertThat(node.machines()).isEmpty();
        assertThat(node.json("inspect", BOX).path("error").asString())
                .contains("the daemon ended during the start");
        remove();
    }

    @Test
    void aContainerThatRunsGoesOnAndTakesFurtherProcesses() throws Exception {
        dieAt(
                CrashPoint.START_FINISHED,
                () -> node.command(start()).run(TestNode.patience()).expectExit(125));
        assertThat(node.machines()).hasSize(1);

        assertThat(node.state(BOX)).isEqualTo("running");
        assertThat(TestNode.commandLine(node.vmmPid(BOX))).as("a clone").contains("-incoming");
        assertThat(node.out("exec", BOX, "echo", "still here")).isEqualTo("still here");
        node.bunkai("stop", BOX).expectSuccess();
        assertThat(node.out("logs", BOX)).endsWith("ended");
        assertThat(node.out("wait", BOX)).isEqualTo("5");
        remove();
    }

    /** There was no daemon to see it go. */
    @Test
    void aMachineThatWasKilledMeanwhileIsReportedAsLost() throws Exception {
        node.bunkai(start()).expectSuccess();
        int machine = node.vmmPid(BOX);
        node.stopDaemon();
        try (LinuxProcess process = LinuxProcess.adopt(ProcessIdentity.of(machine).orElseThrow())) {
            process.signal(Signals.SIGKILL);
            assertThat(process.await(TestNode.patience())).isPresent();
        }

        node.awaitState(BOX, "lost");
        assertThat(node.get(BOX).path("exitCode").asInt()).isEqualTo(255);
        remove();
    }

    /** Nobody has crashed: the daemon was told to end, and a machine was on its way. */
    @Test
    void aStartIsUndoneThatADaemonDidNotLiveToFinish() {
        try (CommandRun.Running run = node.command(start()).start()) {
            Await.until("a machine", TestNode.patience(), () -> !node.machines().isEmpty());
            node.stopDaemon();
            run.await(TestNode.patience()).expectExit(125);
        }
        assertThat(node.state(BOX)).isEqualTo("stopped");
        assertThat(node.machines()).isEmpty();
        remove();
    }

    /** The exit code was known to the guest at least, and is not lost. */
    @ParameterizedTest
    @FieldSource("WHILE_ENDING")
    void anEndThatWasNotFinishedIsFinished(CrashPoint point) throws Exception {
        node.bunkai(start()).expectSuccess();
        assertThat(node.machines()).hasSize(1);
        node.stopDaemon();

        dieAt(point, () -> node.bunkai("stop", BOX)); // its answer may come before the point

        assertThat(node.out("wait", BOX)).isEqualTo("5");
        assertThat(node.state(BOX)).isEqualTo("stopped");
        remove();
        assertThat(node.machines()).isEmpty();
    }

    @ParameterizedTest
    @FieldSource("WHILE_REMOVING")
    void aRemovalThatWasNotFinishedIsFinished(CrashPoint point) throws Exception {
        node.bunkai("run", "--name", BOX, "--", "echo", "kept").expectSuccess();
        node.stopDaemon();

        dieAt(point, () -> node.bunkai("rm", BOX).expectExit(1));

        assertThat(node.find(BOX)).isEmpty();
    }

    @Test
    void everyPointBelongsToOneOfTheseTests() {
        EnumSet<CrashPoint> proven =
                EnumSet.of(CrashPoint.CREATE_JOURNALED, CrashPoint.START_FINISHED);
        proven.addAll(WHILE_STARTING);
        proven.addAll(WHILE_ENDING);
        proven.addAll(WHILE_REMOVING);
        proven.addAll(OutputTest.WHILE_WRITING);
        KillMatrix.sample().stream()
                .filter(cell -> cell.victim() == KillMatrix.Victim.DAEMON)
                .forEach(cell -> proven.add(cell.point()));

        assertThat(proven).containsExactlyInAnyOrder(CrashPoint.values());
    }

    /** Ends with 5 when it is asked to end. */
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
            "trap 'echo ended; exit 5' TERM; echo begun; sleep 100000 & wait $!"
        };
    }

    private interface Work {
        void run() throws Exception;
    }

    /** Lets a daemon die at this point, which this work has to lead it to. */
    private static void dieAt(CrashPoint point, Work work) throws Exception {
        ProcessIdentity daemon = node.startDaemonThatDiesAt(point.label());
        String message = "crash point reached: " + point.label();
        assertThat(node.daemonLog()).doesNotContain(message);
        work.run();
        awaitEnd(daemon);
        assertThat(node.daemonLog()).contains(message);
    }

    private static void awaitEnd(ProcessIdentity daemon) throws InterruptedException {
        try (LinuxProcess process = LinuxProcess.adopt(daemon)) {
            assertThat(process.await(Deadline.after(POINT_PATIENCE)))
                    .as("the daemon's end at the crash point")
                    .isPresent();
        } catch (ErrnoException e) {
            // it has ended already
        }
    }

    private static void remove() {
        node.bunkai("rm", BOX).expectSuccess();
        assertThat(node.find(BOX)).isEmpty();
    }
}
