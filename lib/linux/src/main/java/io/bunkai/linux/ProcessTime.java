// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** How much processor time a process has used, as the kernel counts it. */
public final class ProcessTime {
    /** USER_HZ: what times in procfs are counted in on all architectures that we run on. */
    private static final long TICK_NANOS = 10_000_000;

    private static final int UTIME = 11; // fields of stat behind the name, from 0
    private static final int CSTIME = 14;

    private ProcessTime() {}

    /**
     * {@return what the threads that a process has now have used, to the nanosecond; zero if it is
     * gone}
     *
     * @spec https://docs.kernel.org/scheduler/sched-stats.html /proc/PID/task/TID/schedstat
     */
    public static Duration ofThreads(int pid) {
        long nanos = 0;
        Path threads = Path.of("/proc", Integer.toString(pid), "task");
        try (DirectoryStream<Path> all = Files.newDirectoryStream(threads)) {
            for (Path thread : all) {
                nanos += used(thread.resolve("schedstat"));
            }
        } catch (IOException e) {
            return Duration.ofNanos(nanos); // it ended while it was looked at
        }
        return Duration.ofNanos(nanos);
    }

    private static long used(Path statistics) {
        try {
            String line = Files.readString(statistics, StandardCharsets.US_ASCII);
            return Long.parseLong(line.substring(0, line.indexOf(' ')));
        } catch (IOException e) {
            return 0; // a thread that has ended meanwhile
        }
    }

    /**
     * {@return what a process has used, threads that have ended and children that it has waited for
     * among it, in hundredths of a second; zero if it is gone}
     *
     * @spec https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html proc_pid_stat(5)
     */
    public static Duration withChildren(int pid) {
        try {
            String line =
                    Files.readString(
                            Path.of("/proc", Integer.toString(pid), "stat"),
                            StandardCharsets.ISO_8859_1);
            String[] fields = line.substring(line.lastIndexOf(')') + 2).split(" ", -1);
            long ticks = 0;
            for (int field = UTIME; field <= CSTIME; field++) {
                ticks += Long.parseLong(fields[field]);
            }
            return Duration.ofNanos(ticks * TICK_NANOS);
        } catch (IOException e) {
            return Duration.ZERO;
        }
    }
}
