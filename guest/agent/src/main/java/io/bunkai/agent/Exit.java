// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.base.Deadline;
import io.bunkai.linux.ExitStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How a process ended, once it has. Any number of threads may wait, any number of times.
 *
 * <p>Thread-safe; guarded by its own monitor. Actions run on the thread that reaps, one after the
 * other, and must be short.
 */
final class Exit {
    private final List<Runnable> actions = new ArrayList<>();
    private @Nullable ExitStatus status;

    void complete(ExitStatus how) {
        List<Runnable> due;
        synchronized (this) {
            if (status != null) {
                return;
            }
            status = how;
            due = List.copyOf(actions);
            actions.clear();
            notifyAll();
        }
        for (Runnable action : due) {
            action.run();
        }
    }

    /** Runs {@code action} after the end, at once if that has come. */
    void onExit(Runnable action) {
        synchronized (this) {
            if (status == null) {
                actions.add(action);
                return;
            }
        }
        action.run();
    }

    /** {@return how it ended; empty while it runs} */
    synchronized Optional<ExitStatus> status() {
        return Optional.ofNullable(status);
    }

    /**
     * {@return how it ended, once it has; empty if {@code gone} was raised first, which has to be
     * followed by {@link #wake}}
     */
    synchronized Optional<ExitStatus> await(Signal gone) throws InterruptedException {
        while (status == null && !gone.isRaised()) {
            wait();
        }
        return Optional.ofNullable(status);
    }

    /** {@return how it ended, once it has; empty if the time is up} */
    synchronized Optional<ExitStatus> await(Deadline deadline) throws InterruptedException {
        while (status == null && !deadline.hasPassed()) {
            wait(deadline.remaining().toMillis() + 1);
        }
        return Optional.ofNullable(status);
    }

    /** Wakes waiting threads so that they see that nobody waits for their answer. */
    synchronized void wake() {
        notifyAll();
    }
}
