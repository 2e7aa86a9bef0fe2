// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Inotify;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Tells which containers ran out of memory. The kernel announces changes of a group's counters
 * through inotify, on one thread that sleeps otherwise; it starts with the first container.
 *
 * <p>Before a container's end is reported its counter is looked at too, so that the event never
 * comes after the exit that it explains. Guarded by its own monitor.
 */
final class OomEvents {
    private static final int STACK_BYTES = 256 * 1024;
    private static final int MOST_PENDING = 256;

    private static final class Watched {
        private final String container;
        private final Cgroup cgroup;
        private long kills;

        private Watched(String container, Cgroup cgroup) {
            this.container = container;
            this.cgroup = cgroup;
            this.kills = cgroup.oomKills();
        }
    }

    private final Map<String, Watched> byContainer = new HashMap<>();
    private final Map<Integer, Watched> byWatch = new HashMap<>();
    private final Deque<String> pending = new ArrayDeque<>();
    private @Nullable Inotify inotify;

    /** Watches a container's group from now on. */
    synchronized void watch(String container, Cgroup cgroup) {
        Watched watched = new Watched(container, cgroup);
        byContainer.put(container, watched);
        try {
            Inotify queue = inotify;
            if (queue == null) {
                queue = Inotify.open();
                inotify = queue;
                start(queue);
            }
            byWatch.put(queue.watchModify(cgroup.memoryEvents()), watched);
        } catch (ErrnoException e) {
            Log.warning("memory of " + container + " is not watched: " + e.getMessage());
        }
    }

    private void start(Inotify queue) {
        Thread thread = new Thread(null, () -> follow(queue), "oom", STACK_BYTES);
        thread.setDaemon(true);
        thread.start();
    }

    private void follow(Inotify queue) {
        try {
            while (true) {
                for (int watch : queue.await()) {
                    looked(watch);
                }
            }
        } catch (ErrnoException e) {
            Log.error("memory events are not followed any more: " + e.getMessage());
        }
    }

    private synchronized void looked(int watch) {
        Watched watched = byWatch.get(watch);
        if (watched != null) {
            look(watched);
        }
    }

    /** Looks at a container's counter now. */
    synchronized void look(String container) {
        Watched watched = byContainer.get(container);
        if (watched != null) {
            look(watched);
        }
    }

    private void look(Watched watched) {
        long kills = watched.cgroup.oomKills();
        if (kills > watched.kills) {
            watched.kills = kills;
            Log.info("out of memory container=" + watched.container + " kills=" + kills);
            if (pending.size() < MOST_PENDING) {
                pending.add(watched.container);
                notifyAll();
            }
        }
    }

    /** Stops watching a container; events not yet asked for stay. */
    synchronized void forget(String container) {
        byContainer.remove(container);
        byWatch.values().removeIf(watched -> watched.container.equals(container));
    }

    /**
     * {@return the next container that ran out of memory, when there is one; empty if {@code gone}
     * was raised first, which has to be followed by {@link #wake}}
     */
    synchronized Optional<String> take(Signal gone) throws InterruptedException {
        while (!gone.isRaised()) {
            String next = pending.poll();
            if (next != null) {
                return Optional.of(next);
            }
            wait();
        }
        return Optional.empty();
    }

    synchronized void wake() {
        notifyAll();
    }
}
