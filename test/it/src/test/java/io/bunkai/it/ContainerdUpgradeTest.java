// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.linux.Fd;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.ServiceManagerStandIn;
import io.bunkai.testkit.CommandResult;
import io.bunkai.testkit.CommandRun;
import io.bunkai.testkit.TestRoot;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * The daemon is killed, or replaced by a newer one, under tasks of containerd that write and are
 * waited for; nobody notices.
 */
class ContainerdUpgradeTest {
    @RegisterExtension static final TestContainerd containerd = new TestContainerd();

    private static final int TASKS = 5;
    private static final int CODE = 40;
    private static final int MOST_DESCRIPTORS = 1000;

    /** As much as is carried at once: what may come twice after a death. */
    private static final int PIECE = 64 * 1024;

    /** Writes numbered lines until it is told to end, and ends after whoever told it is through. */
    private static final String WRITER =
            "i=0; until [ -e /stop ]; do i=$((i+1)); echo $i; sleep 0.02; done; echo end; sleep 5;"
                    + " exit ";

    private final List<CommandRun.Running> writers = new ArrayList<>();

    @AfterEach
    void endWriters() {
        writers.forEach(CommandRun.Running::close);
    }

    @Test
    void tenNewerDaemonsTakeOverOneAfterTheOther() {
        Ctr ctr = containerd.in("default");
        startWriters(ctr);
        List<Integer> daemons = new ArrayList<>(List.of(containerd.node().daemonPid()));
        for (int i = 0; i < 10; i++) {
            containerd.node().bunkai("daemon", "takeover").expectSuccess();
            daemons.add(containerd.node().daemonPid());
        }
        assertThat(daemons).doesNotHaveDuplicates();
        assertUnnoticed(ctr, 0);
    }

    @Test
    void aKilledDaemonIsReplacedByOneThatHasWhatWasKept() throws Exception {
        containerd.node().stopDaemon();
        Path root = containerd.node().root();
        try (TestRoot place = TestRoot.create();
                ServiceManagerStandIn manager =
                        ServiceManagerStandIn.open(place.resolve("notify"), MOST_DESCRIPTORS);
                Fd log =
                        Fd.open(
                                root.resolve("log/bunkaid.log"),
                                Fd.O_WRONLY | Fd.O_CREAT | Fd.O_APPEND,
                                0600)) {
            start(manager, log);
            Ctr ctr = containerd.in("default");
            startWriters(ctr);
            for (int i = 0; i < 3; i++) {
                manager.crash();
                start(manager, log);
            }
            assertUnnoticed(ctr, 3);
            manager.stop();
        } finally {
            Files.deleteIfExists(root.resolve("run/managed"));
            containerd.node().bunkai("daemon", "start").expectSuccess();
        }
    }

    private static void start(ServiceManagerStandIn manager, Fd log) throws Exception {
        Path program = SourceTree.bunkai().resolveSibling("bunkaid");
        Map<String, String> environment = new HashMap<>(Map.of("PATH", System.getenv("PATH")));
        String home = System.getenv("JAVA_HOME");
        if (home != null) {
            environment.put("JAVA_HOME", home);
        }
        LinuxProcess daemon =
                manager.start(
                        List.of(
                                program.toString(),
                                "--state-root",
                                containerd.node().root().toString()),
                        environment,
                        log);
        assertThat(daemon.pid()).isPositive();
        manager.awaitReady(TestNode.patience());
    }

    private static String id(int task) {
        return "writer-" + task;
    }

    private void startWriters(Ctr ctr) {
        for (int i = 0; i < TASKS; i++) {
            writers.add(
                    ctr.command(
                                    "run",
                                    TestContainerd.LAYERS,
                                    id(i),
                                    "sh",
                                    "-c",
                                    WRITER + (CODE + i))
                            .start());
        }
        for (CommandRun.Running writer : writers) {
            writer.awaitOutput("10\n", TestNode.patience());
        }
    }

    /** What a client of containerd can see of it: nothing. */
    private void assertUnnoticed(Ctr ctr, int repeats) {
        for (int i = 0; i < TASKS; i++) {
            assertThat(ctr.state(id(i))).isEqualTo("RUNNING");
            assertThat(ctr.inside(id(i), "touch", "/stop")).isEmpty();
        }
        for (int i = 0; i < TASKS; i++) {
            CommandResult result = writers.get(i).await(TestNode.patience());
            result.expectExit(CODE + i);
            assertComplete(result.out(), repeats);
            assertThat(ctr.state(id(i))).isEmpty();
            ctr.ctr("containers", "delete", id(i)).expectSuccess();
        }
    }

    /** Every number in its order; after a death a piece at most comes again. */
    private static void assertComplete(String output, int deaths) {
        List<String> lines = output.lines().toList();
        assertThat(lines.getLast()).isEqualTo("end");
        int next = 1;
        int most = 0;
        int repeated = 0;
        for (String line : lines.subList(0, lines.size() - 1)) {
            int number = Integer.parseInt(line);
            assertThat(number).as("what follows " + (next - 1)).isLessThanOrEqualTo(next);
            repeated += number <= most ? line.length() + 1 : 0;
            most = Math.max(most, number);
            next = number + 1;
        }
        assertThat(repeated).isLessThanOrEqualTo(deaths * PIECE);
    }
}
