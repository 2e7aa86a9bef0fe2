// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.testkit.CommandResult;
import io.bunkai.testkit.CommandRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;

/** The commands a person types, from {@code run} to {@code rm}. */
class RunTest {
    @RegisterExtension static final TestNode node = new TestNode();

    /** Runs as long as the class does. */
    private static final String LONG = "long";

    private static final String LONG_ID_FORM = "[0-9a-f]{12,64}";

    /** A guest's clock may be off by the time between two of its ticks, and by what follows it. */
    private static final double CLOCK_TOLERANCE = 0.05;

    private static double firstUptime;
    private static long firstUptimeAsked;
    private static long firstUptimeAnswered;

    @BeforeAll
    static void startOne() {
        assertThat(node.startSleeper(LONG)).matches(LONG_ID_FORM);
        firstUptimeAsked = System.nanoTime();
        firstUptime = uptime();
        firstUptimeAnswered = System.nanoTime();
    }

    /** What the guest's clock counted lies between the least and the most that it can have been. */
    @AfterAll
    static void theGuestsClockRanAsFastAsTheHosts() {
        long asked = System.nanoTime();
        double counted = uptime() - firstUptime;
        long answered = System.nanoTime();
        assertThat(counted)
                .isGreaterThan((asked - firstUptimeAnswered) / 1e9 * (1 - CLOCK_TOLERANCE))
                .isLessThan((answered - firstUptimeAsked) / 1e9 * (1 + CLOCK_TOLERANCE));
    }

    private static double uptime() {
        return Double.parseDouble(
                node.out("exec", LONG, "cut", "-d", " ", "-f", "1", "/proc/uptime"));
    }

    @Test
    void runsAKernelOfItsOwn() throws IOException {
        CommandResult result = node.bunkai("run", "--rm", "--", "uname", "-r").expectSuccess();

        String host = Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip();
        assertThat(result.out().strip()).matches("\\d+\\.\\d+.*").isNotEqualTo(host);
        assertThat(result.err()).isEmpty();
        assertThat(names()).containsExactly(LONG);
    }

    @Test
    void copiesStandardInputToTheProcess() {
        CommandResult result =
                node.command("run", "--rm", "-i", "--", "cat")
                        .stdin("hi\n".getBytes(UTF_8))
                        .run(TestNode.patience());

        assertThat(result.expectSuccess().out()).isEqualTo("hi\n");
    }

    @Test
    void takesOptionsAsDockerDoesAndEndsAsItsProcess() {
        CommandResult result =
                node.command(
                                "run",
                                "--rm",
                                "--hostname",
                                "box",
                                "-e",
                                "GIVEN=a b",
                                "-e",
                                "TAKEN",
                                "-w",
                                "/tmp",
                                "-u",
                                "1000:1001",
                                "--entrypoint",
                                "sh",
                                "--",
                                "-c",
                                "echo \"$GIVEN,$TAKEN\"; pwd; id -u; id -g; hostname; echo to-err"
                                        + " >&2; exit 7")
                        .environment("TAKEN", "from the caller")
                        .run(TestNode.patience());

        result.expectExit(7);
        assertThat(result.out().lines())
                .containsExactly("a b,from the caller", "/tmp", "1000", "1001", "box");
        assertThat(result.err()).isEqualTo("to-err\n");
    }

    @Test
    void execTakesOptionsOfItsOwnAndEndsAsItsProcess() {
        CommandResult result =
                node.bunkai(
                        "exec",
                        "-e",
                        "GIVEN=1",
                        "-w",
                        "/etc",
                        "-u",
                        "7",
                        LONG,
                        "sh",
                        "-c",
                        "echo $GIVEN; pwd; id -u; exit 9");

        assertThat(result.expectExit(9).out().lines()).containsExactly("1", "/etc", "7");
    }

    @Test
    void endsWith127WhereThereIsNoSuchProgram() {
        assertRefusedWithThreeLines(node.bunkai("run", "--rm", "--", "no-such-program"), 127);
        assertRefusedWithThreeLines(node.bunkai("exec", LONG, "no-such-program"), 127);
        assertThat(names()).containsExactly(LONG);
    }

    @Test
    void endsWith126WhereTheProgramCannotBeExecuted() {
        assertRefusedWithThreeLines(node.bunkai("run", "--rm", "--", "/etc/passwd"), 126);
        assertRefusedWithThreeLines(node.bunkai("exec", LONG, "/etc/passwd"), 126);
        assertRefusedWithThreeLines(node.bunkai("exec", LONG, "/etc"), 126);
    }

    @Test
    void endsWith125WhereTheCommandLineMakesNoSense() {
        assertRefusedWithThreeLines(node.bunkai("run", "--no-such-option", "--", "true"), 125);
        assertRefusedWithThreeLines(node.bunkai("run", "/no/such/image", "true"), 125);
        assertRefusedWithThreeLines(node.bunkai("run", "--cpus", "none", "--", "true"), 125);
        assertRefusedWithThreeLines(node.bunkai("run", "-m", "1k", "--", "true"), 125);
        assertRefusedWithThreeLines(node.bunkai("exec", "nobody", "true"), 125);
    }

    @Test
    void refusesANameThatIsTakenAndSaysWhatToDo() {
        CommandResult result = node.bunkai("run", "-d", "--name", LONG, "--", "true");

        assertRefusedWithThreeLines(result, 125);
        assertThat(result.err()).contains(LONG).contains("bunkai rm");
        assertThat(names()).containsExactly(LONG);
    }

    @Test
    void leadsADetachedContainerFromItsStartToItsRemoval() {
        String id =
                node.out(
                        "run",
                        "-d",
                        "--name",
                        "detached",
                        "--",
                        "sh",
                        "-c",
                        "trap 'echo bye; exit 3' TERM; trap 'echo usr1' USR1; echo begun; echo"
                                + " wrong >&2; while :; do sleep 100 & wait $!; done");
        try (CommandRun.Running following = node.command("logs", "-f", "detached").start()) {
            following.awaitOutput("begun\n", TestNode.patience());
            assertThat(node.get("detached").path("state").asString()).isEqualTo("running");
            assertThat(node.out("ps")).contains("detached").contains(id.substring(0, 12));

            CommandResult logs = node.bunkai("logs", "detached").expectSuccess();
            assertThat(logs.out()).isEqualTo("begun\n");
            assertThat(logs.err()).isEqualTo("wrong\n");

            node.bunkai("kill", "-s", "USR1", id).expectSuccess();
            following.awaitOutput("usr1\n", TestNode.patience());

            node.bunkai("stop", uniquePrefix(id)).expectSuccess();
            CommandResult followed = following.await(TestNode.patience()).expectSuccess();
            assertThat(followed.out()).isEqualTo("begun\nusr1\nbye\n");
        }
        assertThat(node.out("wait", "detached")).isEqualTo("3");
        assertThat(node.out("ps")).doesNotContain("detached");
        assertThat(node.out("ps", "-a")).contains("detached").contains("exited (3)");

        JsonNode inspected = node.json("inspect", "detached");
        assertThat(inspected.path("id").asString()).isEqualTo(id);
        assertThat(inspected.path("state").asString()).isEqualTo("stopped");
        assertThat(inspected.path("exitCode").asInt()).isEqualTo(3);
        assertThat(inspected.path("vmmPid").asInt()).isZero();
        assertThat(inspected.path("oomKilled").asBoolean()).isFalse();

        node.bunkai("rm", "detached").expectSuccess();
        assertThat(names()).containsExactly(LONG);
        node.bunkai("inspect", "detached").expectExit(1);
    }

    @Test
    void makesUpANameAndRemovesAKilledContainerThatAskedForIt() {
        String id = node.out("run", "-d", "--rm", "--", "sleep", "100000");
        List<String> others = new ArrayList<>(names());
        others.remove(LONG);
        assertThat(others).hasSize(1);
        assertThat(others.getFirst()).matches("[a-z0-9][a-z0-9_-]+");

        try (CommandRun.Running waiting = node.command("wait", id).start()) {
            node.bunkai("exec", others.getFirst(), "true").expectSuccess();
            node.bunkai("kill", others.getFirst()).expectSuccess();
            assertThat(waiting.await(TestNode.patience()).expectSuccess().out().strip())
                    .isEqualTo("137");
        }
        assertThat(names()).containsExactly(LONG);
    }

    @Test
    void keepsEnvironmentsFromWhoeverLooks() {
        JsonNode env =
                node.json("inspect", LONG).path("plan").path("process").path("process").path("env");

        assertThat(env)
                .isNotEmpty()
                .allSatisfy(variable -> assertThat(variable.asString()).endsWith("=***"));
    }

    @Test
    void tracesAStartFromTheHostIntoTheGuest() {
        node.bunkai("exec", LONG, "true").expectSuccess(); // is no part of the start
        JsonNode trace = node.json("trace", "--format", "json", LONG);
        Map<String, JsonNode> steps = new HashMap<>();
        for (JsonNode step : trace.path("steps")) {
            steps.put(step.path("name").asString(), step);
            assertThat(end(step)).as(step.toString()).isGreaterThanOrEqualTo(begin(step));
        }

        assertThat(steps)
                .containsKeys(
                        "machine.launch", "agent.ready", "container.create", "container.start")
                .containsKeys("jvm.start", "agent.start", "crun.create", "crun.start")
                .doesNotContainKey("crun.exec");
        assertThat(steps.get("machine.launch").path("side").asString()).isEqualTo("host");
        assertThat(steps.get("jvm.start").path("side").asString()).isEqualTo("guest");
        assertThat(trace.path("totalMicros").asLong()).isEqualTo(end(steps.get("start")));

        // Both clocks tell the same story.
        assertThat(begin(steps.get("jvm.start"))).isGreaterThan(end(steps.get("machine.launch")));
        assertThat(end(steps.get("agent.start"))).isLessThan(end(steps.get("agent.ready")));
        assertThat(begin(steps.get("crun.create")))
                .isBetween(
                        begin(steps.get("container.create")), end(steps.get("container.create")));
        assertThat(node.out("trace", LONG)).contains("agent.ready");
    }

    private static long begin(JsonNode step) {
        return step.path("beginMicros").asLong();
    }

    private static long end(JsonNode step) {
        return step.path("endMicros").asLong();
    }

    @Test
    void refusesToRemoveWhatRuns() {
        CommandResult result = node.bunkai("rm", LONG).expectExit(1);

        assertThat(result.err()).contains("error: ").contains("hint:  ");
        assertThat(node.state(LONG)).isEqualTo("running");
    }

    /** Two ids of this node could begin with the same character, hardly with the same eight. */
    private static String uniquePrefix(String id) {
        return id.substring(0, 8);
    }

    private static List<String> names() {
        List<String> names = new ArrayList<>();
        node.json("ps", "-a", "--format", "json")
                .forEach(container -> names.add(container.path("name").asString()));
        return names;
    }

    /** What did not happen, then perhaps why, then perhaps what to do; a line each. */
    private static void assertRefusedWithThreeLines(CommandResult result, int exitCode) {
        result.expectExit(exitCode);
        assertThat(result.out()).isEmpty();
        assertThat(result.err())
                .as(result.toString())
                .matches("error: [^\n]+\n(cause: [^\n]+\n)?(hint:  [^\n]+\n)?");
    }
}
