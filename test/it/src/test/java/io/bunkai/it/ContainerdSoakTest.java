// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.testkit.LeakCheck;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Many tasks, some at a time: none fails, and the daemon is afterwards what it was before. */
class ContainerdSoakTest {
    @RegisterExtension static final TestContainerd containerd = new TestContainerd();

    private static final int AT_A_TIME = 5;
    private static final int WARM_UP = 10;
    private static final int TASKS = 30;

    /**
     * The heap grows until the collector sees a reason to clean up, which 20 small tasks need not
     * be; what 20 tasks would leave if each leaked as little as one buffer of 1 MiB is more.
     */
    private static final long TOLERANCE_KIB = 16 * 1024;

    /** Connections that containerd opens once more than it has closed, at the moment we look. */
    private static final int TOLERATED_DESCRIPTORS = 3;

    @Test
    void thirtyTasksLeaveNothingBehind() throws Exception {
        Ctr ctr = containerd.in("default");
        LeakCheck leaks = containerd.leakCheck();
        runTasks(ctr, 0, WARM_UP);
        containerd.assertNothingLeft(leaks);
        if (!TestContainerd.isBunkai()) {
            runTasks(ctr, WARM_UP, TASKS);
            containerd.assertNothingLeft(leaks);
            return;
        }
        Path daemon = Path.of("/proc", String.valueOf(containerd.node().daemonPid()));
        long memory = pssKib(daemon);
        long descriptors = descriptors(daemon);

        runTasks(ctr, WARM_UP, TASKS);
        containerd.assertNothingLeft(leaks);

        assertThat(pssKib(daemon)).isLessThan(memory + TOLERANCE_KIB);
        assertThat(descriptors(daemon)).isLessThanOrEqualTo(descriptors + TOLERATED_DESCRIPTORS);
    }

    private static void runTasks(Ctr ctr, int from, int to) throws Exception {
        try (ExecutorService workers = Executors.newFixedThreadPool(AT_A_TIME)) {
            List<Future<?>> tasks = new ArrayList<>();
            IntStream.range(from, to)
                    .mapToObj(i -> workers.submit(() -> live(ctr, "task-" + i)))
                    .forEach(tasks::add);
            for (Future<?> task : tasks) {
                task.get();
            }
        }
    }

    private static void live(Ctr ctr, String id) {
        ctr.startSleeper(id);
        assertThat(ctr.inside(id, "sh", "-c", "echo " + id + " >/mine; cat /mine")).isEqualTo(id);
        ctr.remove(id);
    }

    private static long pssKib(Path process) throws IOException {
        try (Stream<String> lines = Files.lines(process.resolve("smaps_rollup"))) {
            return lines.filter(line -> line.startsWith("Pss:"))
                    .mapToLong(line -> Long.parseLong(line.split("\\s+")[1]))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private static long descriptors(Path process) throws IOException {
        try (Stream<Path> open = Files.list(process.resolve("fd"))) {
            return open.count();
        }
    }
}
