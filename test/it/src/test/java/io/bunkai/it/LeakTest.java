// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Deadline;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Signals;
import io.bunkai.testkit.Await;
import io.bunkai.testkit.CommandResult;
import io.bunkai.testkit.CommandRun;
import io.bunkai.testkit.LeakCheck;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;

/** However a container ends, nothing of it stays: not on the host, and not in the daemon. */
class LeakTest {
    @RegisterExtension static final TestNode node = new TestNode();

    /** A machine that is gone is reported as lost within this time. */
    private static final Duration LOSS = Duration.ofSeconds(2);

    /** Memory of a machine that there is no template for: its start takes a while. */
    private static final String BOOTS = "200m";

    private LeakCheck leaks;

    /** What a JVM opens at its first use of something, it keeps: so all is used once before. */
    @BeforeAll
    static void useEverythingOnce() {
        node.bunkai("run", "--rm", "--", "true").expectSuccess();
        node.awaitTemplate();
        node.bunkai("run", "--rm", "--", "true").expectSuccess();
    }

    @BeforeEach
    void lookAround() {
        leaks = node.leakCheckWithDescriptors();
    }

    /** What one test has left behind is its own failure and not that of the next. */
    @AfterEach
    void nothingIsLeft() {
        try {
            node.assertNothingLeft(leaks);
        } finally {
            node.removeContainers();
        }
    }

    @Test
    void afterANormalEnd() {
        node.bunkai("run", "--name", "one", "--", "true").expectSuccess();
        node.bunkai("rm", "one").expectSuccess();
    }

    @Test
    void afterTheForcedRemovalOfARunningContainer() {
        node.startSleeper("one");
        try (CommandRun.Running exec = node.command("exec", "one", "sleep", "100000").start()) {
            awaitProcessIn("one", "sleep 100000", 2);
            node.bunkai("rm", "-f", "one").expectSuccess();
            assertThat(exec.await(TestNode.patience()).exitCode()).isNotZero();
        }
        assertThat(node.find("one")).isEmpty();
    }

    @Test
    void afterTheForcedRemovalOfAContainerThatIsStarting() {
        try (CommandRun.Running run =
                node.command("run", "-d", "--name", "one", "-m", BOOTS, "--", "sleep", "100000")
                        .start()) {
            Await.until("a machine", TestNode.patience(), () -> !node.machines().isEmpty());
            assertThat(node.state("one")).isEqualTo("starting");
            node.bunkai("rm", "-f", "one").expectSuccess();
            run.await(TestNode.patience()).expectExit(125);
        }
        assertThat(node.find("one")).isEmpty();
    }

    @Test
    void afterACommandThatWasKilledWhileItsContainerRan() {
        try (CommandRun.Running run =
                node.command("run", "--rm", "--name", "one", "--", "sleep", "100000").start()) {
            node.awaitState("one", "running");
            run.kill();
            Await.until(
                    "the container's end", TestNode.patience(), () -> node.find("one").isEmpty());
        }
    }

    @Test
    void afterACommandThatWasKilledWhileItsMachineBooted() {
        try (CommandRun.Running run =
                node.command("run", "--rm", "--name", "one", "-m", BOOTS, "--", "sleep", "100000")
                        .start()) {
            Await.until("a machine", TestNode.patience(), () -> !node.machines().isEmpty());
            run.kill();
            Await.until(
                    "the container's end", TestNode.patience(), () -> node.find("one").isEmpty());
        }
    }

    /** Not even the process of an exec survives the command that it belongs to. */
    @Test
    void afterAnExecThatWasKilled() {
        node.startSleeper("one");
        try (CommandRun.Running exec = node.command("exec", "one", "sleep", "77777").start()) {
            awaitProcessIn("one", "sleep 77777", 1);
            exec.kill();
            awaitProcessIn("one", "sleep 77777", 0);
        }
        node.bunkai("rm", "-f", "one").expectSuccess();
    }

    @Test
    void afterAMachineThatWasKilledAndItIsReportedAsLost() throws Exception {
        node.startSleeper("one");
        try (CommandRun.Running waiting = node.command("wait", "one").start();
                CommandRun.Running exec = node.command("exec", "one", "sleep", "100000").start();
                LinuxProcess machine =
                        LinuxProcess.adopt(ProcessIdentity.of(node.vmmPid("one")).orElseThrow())) {
            awaitProcessIn("one", "sleep 100000", 2);

            machine.signal(Signals.SIGKILL);
            CommandResult waited = waiting.await(Deadline.after(LOSS));

            assertThat(waited.expectExit(1).err()).contains("lost").contains("cause: ");
            assertThat(exec.await(TestNode.patience()).exitCode()).isNotZero();
        }
        JsonNode listed = node.get("one");
        assertThat(listed.path("state").asString()).isEqualTo("lost");
        assertThat(listed.path("exitCode").asInt()).isEqualTo(255);
        assertThat(listed.path("vmmPid").asInt()).isZero();
        assertThat(node.json("inspect", "one").path("error").asString()).contains("lost");
        node.bunkai("rm", "one").expectSuccess();
    }

    @Test
    void afterADaemonThatWasToldToUseARootThatIsTaken() {
        CommandResult second =
                CommandRun.of(
                                SourceTree.bunkaid().toString(),
                                "--state-root",
                                node.root().toString())
                        .run(TestNode.patience());

        assertThat(second.exitCode()).isNotZero();
        assertThat(second.err()).contains("another daemon has the state root");
        assertThat(node.out("daemon", "status")).contains("running");
    }

    private static void awaitProcessIn(String container, String command, long count) {
        Await.until(
                count + " processes '" + command + "' in " + container,
                TestNode.patience(),
                () ->
                        node.out("exec", container, "ps", "-o", "args")
                                        .lines()
                                        .filter(line -> line.strip().equals(command))
                                        .count()
                                == count);
    }
}
