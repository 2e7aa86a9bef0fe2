// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.linux.Children;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.ExitStatus;
import io.bunkai.linux.Spawn;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reaps every child of this process, on one thread that sleeps in waitid(2), and tells whoever
 * holds its {@link Exit}.
 *
 * <p>Children are of two kinds. Those that the agent spawned are known from their first moment. The
 * processes of containers are made by crun, and become the agent's children when crun ends: they
 * may have been reaped before the agent has read their number. So whoever runs crun announces that
 * it expects an orphan, and as long as anyone does, statuses of unknown children are kept.
 *
 * <p>One per process. Thread-safe; {@code lock} guards all fields.
 */
final class Reaper {
    private static final int STACK_BYTES = 256 * 1024;
    private static final int MOST_UNCLAIMED = 4096;

    private final Object lock = new Object();
    private final Map<Integer, Exit> children = new HashMap<>();
    private final Map<Integer, ExitStatus> unclaimed = new LinkedHashMap<>();
    private int expecting;
    private long started;

    /** A child's number and its end. */
    record Child(int pid, Exit exit) {}

    private Reaper() {}

    /** {@return the one of this process; its thread lives as long as the process} */
    static Reaper ofThisProcess() {
        return OfThisProcess.REAPER;
    }

    private static final class OfThisProcess {
        private static final Reaper REAPER = start();
    }

    private static Reaper start() {
        Reaper reaper = new Reaper();
        Thread thread = new Thread(null, reaper::run, "reaper", STACK_BYTES);
        thread.setDaemon(true);
        thread.start();
        return reaper;
    }

    /** Starts a program. */
    Child spawn(Spawn description) throws ErrnoException {
        synchronized (lock) { // a child that ends at once must not be reaped before it is known
            int pid = description.startUnwatched();
            Exit exit = new Exit();
            children.put(pid, exit);
            started++;
            lock.notifyAll();
            return new Child(pid, exit);
        }
    }

    /** Keeps the statuses of unknown children until the answer is closed. */
    Orphans expectOrphans() {
        synchronized (lock) {
            expecting++;
        }
        return new Orphans();
    }

    /** The time in which a child may come that this process did not start. */
    final class Orphans implements AutoCloseable {
        /** {@return the end of the child with this number, which may have come already} */
        Exit claim(int pid) {
            Exit exit = new Exit();
            @Nullable ExitStatus status;
            synchronized (lock) {
                status = unclaimed.remove(pid);
                if (status == null) {
                    children.put(pid, exit);
                }
            }
            if (status != null) {
                exit.complete(status);
            }
            return exit;
        }

        @Override
        public void close() {
            synchronized (lock) {
                expecting--;
                if (expecting == 0) {
                    unclaimed.clear();
                }
            }
        }
    }

    private void run() {
        awaitSpawn(0); // the agent's first call of the kernel is a good part of its start
        while (true) {
            long seen;
            synchronized (lock) {
                seen = started;
            }
            try {
                deliver(Children.awaitAny());
            } catch (ErrnoException e) {
                if (e.errno() != Errno.ECHILD) {
                    Log.error("reaping stopped: " + e.getMessage());
                    return;
                }
                awaitSpawn(seen);
            }
        }
    }

    /** Without a child of its own a process gets no orphans either. */
    private void awaitSpawn(long seen) {
        synchronized (lock) {
            while (started == seen) {
                try {
                    lock.wait();
                } catch (InterruptedException e) {
                    // nobody may stop this thread
                }
            }
        }
    }

    private void deliver(Children.Reaped reaped) {
        @Nullable Exit exit;
        synchronized (lock) {
            exit = children.remove(reaped.pid());
            if (exit == null && expecting > 0 && unclaimed.size() < MOST_UNCLAIMED) {
                unclaimed.put(reaped.pid(), reaped.status());
            }
        }
        if (exit != null) {
            exit.complete(reaped.status());
        }
    }
}
