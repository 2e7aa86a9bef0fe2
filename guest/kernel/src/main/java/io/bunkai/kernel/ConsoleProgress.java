// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Progress for people, on standard error: a line for each step, and how far it is. On a terminal
 * that is one line that changes, elsewhere a line now and then. Any thread may call it.
 */
final class ConsoleProgress implements Progress {
    private static final Duration TERMINAL_INTERVAL = Duration.ofMillis(200);
    private static final Duration LOG_INTERVAL = Duration.ofSeconds(30);

    /** A line that is longer than the terminal is wide would not go away. */
    private static final int TERMINAL_COLUMNS = 79;

    private final PrintWriter err;
    private final boolean terminal;
    private final LongSupplier nanos;
    private final long start;
    private long shownAt; // guarded by this, as is what follows
    private boolean lineOpen;

    ConsoleProgress(PrintWriter err, boolean terminal) {
        this(err, terminal, System::nanoTime);
    }

    ConsoleProgress(PrintWriter err, boolean terminal, LongSupplier nanos) {
        this.err = err;
        this.terminal = terminal;
        this.nanos = nanos;
        this.start = nanos.getAsLong();
        this.shownAt = start;
    }

    @Override
    public synchronized void step(String what) {
        endLine();
        err.printf("guest kernel: %s (%d s)%n", what, seconds());
        err.flush();
        shownAt = nanos.getAsLong();
    }

    @Override
    public synchronized void detail(String what) {
        long now = nanos.getAsLong();
        Duration since = Duration.ofNanos(now - shownAt);
        if (since.compareTo(terminal ? TERMINAL_INTERVAL : LOG_INTERVAL) < 0) {
            return;
        }
        shownAt = now;
        if (terminal) {
            String line = "guest kernel: (%d s) %s".formatted(seconds(), what);
            err.print("\r\033[K" + line.substring(0, Math.min(line.length(), TERMINAL_COLUMNS)));
            lineOpen = true;
        } else {
            err.printf("guest kernel: %s (%d s)%n", what, seconds());
        }
        err.flush();
    }

    /** Leaves the terminal as others expect it. */
    synchronized void endLine() {
        if (lineOpen) {
            err.print("\r\033[K");
            err.flush();
            lineOpen = false;
        }
    }

    private long seconds() {
        return Duration.ofNanos(nanos.getAsLong() - start).toSeconds();
    }
}
