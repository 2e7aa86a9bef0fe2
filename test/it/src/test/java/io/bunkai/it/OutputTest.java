// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Signals;
import io.bunkai.runtime.CrashPoint;
import io.bunkai.testkit.Await;
import io.bunkai.testkit.CommandRun;
import java.util.EnumSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A process writes numbered lines while one daemon after another is killed. */
class OutputTest {
    @RegisterExtension static final TestNode node = new TestNode();

    /** Here a piece of output is in several hands, or in none. */
    static final Set<CrashPoint> WHILE_WRITING =
            EnumSet.range(CrashPoint.OUTPUT_RECEIVED, CrashPoint.OUTPUT_DELIVERED);

    private static final Pattern READY = Pattern.compile("Daemon: ready .* pid=([0-9]+)");
    private static final String BOX = "box";
    private static final int BURSTS = 100;
    private static final int LINES = 1000;
    private static final int KILLS = 3;

    @Test
    void everyLineIsKeptOnceWhateverHappensToTheDaemons() throws Exception {
        node.bunkai("run", "-d", "--name", BOX, "--", "sh", "-c", writer()).expectSuccess();
        killDaemon();
        for (CrashPoint point : WHILE_WRITING) {
            letOneDieAt(point);
        }
        for (int i = 0; i < KILLS; i++) {
            assertThat(node.state(BOX)).isEqualTo("running"); // a daemon has found it again
            killDaemon();
        }

        String last = "%d\n".formatted(BURSTS * LINES);
        Await.until(
                "the last line",
                TestNode.patience(),
                () -> node.bunkai("logs", BOX).expectSuccess().out().endsWith(last));
        String all =
                IntStream.rangeClosed(1, BURSTS * LINES)
                        .mapToObj(line -> line + "\n")
                        .collect(Collectors.joining());
        assertThat(node.bunkai("logs", BOX).expectSuccess().out().equals(all))
                .as("every line once and in order")
                .isTrue();
        assertThat(node.out("exec", BOX, "echo", "still here")).isEqualTo("still here");
    }

    /** Lines from 1 on, a thousand at a time, and then nothing for ever. */
    private static String writer() {
        return "i=1; while [ $i -le %d ]; do seq $((i * %d - %d)) $((i * %d)); sleep 0.05; i=$((i + 1)); done; sleep 100000"
                .formatted(BURSTS, LINES, LINES - 1, LINES);
    }

    /**
     * It reads output once it has found the container, and may be dead before it answers; then
     * nobody waits for the answer.
     */
    private static void letOneDieAt(CrashPoint point) {
        try (CommandRun.Running _ =
                node.command("daemon", "start")
                        .environment("BUNKAI_CRASH_AT", point.label())
                        .start()) {
            Await.until(
                    "a death at " + point.label(),
                    TestNode.patience(),
                    () -> node.daemonLog().contains("crash point reached: " + point.label()));
        }
        Matcher ready = READY.matcher(node.daemonLog());
        int pid = 0;
        while (ready.find()) {
            pid = Integer.parseInt(ready.group(1));
        }
        int last = pid;
        Await.until(
                "the end of process " + last,
                TestNode.patience(),
                () -> ProcessIdentity.of(last).isEmpty());
    }

    private static void killDaemon() throws Exception {
        try (LinuxProcess daemon =
                LinuxProcess.adopt(ProcessIdentity.of(node.daemonPid()).orElseThrow())) {
            daemon.signal(Signals.SIGKILL);
            assertThat(daemon.await(TestNode.patience())).isPresent();
        }
    }
}
