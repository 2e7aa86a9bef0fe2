// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.NanoClock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lets only as many machines be brought up at a time as there are processors, in the order in which
 * they came. More of them at once would only take each other's processors and caches away: twenty
 * that start together cost nearly twice the processor time of twenty in turn, and the first one is
 * ready when the last one is.
 *
 * <p>A turn counts for a limited time: a start that waits for something other than a processor, as
 * for a guest that hangs, does not hold up the others for longer than that. Used by many threads at
 * once.
 */
final class StartGate {
    /** A start that takes longer on hardware is one that waits. */
    static final Duration LONGEST_TURN = Duration.ofSeconds(5);

    /** So long on hardware a process that has just begun is part of its machine's start. */
    static final Duration FIRST_MOMENTS = Duration.ofMillis(100);

    private final int turns;
    private final NanoClock clock;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Set<Turn> taken = new HashSet<>(); // guarded by lock
    private final Queue<Long> waiting = new ArrayDeque<>(); // guarded by lock: their tickets
    private long nextTicket; // guarded by lock

    /**
     * Makes a gate that nobody has passed.
     *
     * @param turns how many starts at a time, 1 or more
     */
    StartGate(int turns, NanoClock clock) {
        this.turns = turns;
        this.clock = clock;
    }

    /** {@return a gate that fits this machine} */
    static StartGate ofThisMachine(NanoClock clock) {
        int processors = Runtime.getRuntime().availableProcessors();
        return new StartGate(Math.max(2, processors), clock);
    }

    /** A start that is under way; closing it lets the next one begin. */
    final class Turn implements AutoCloseable {
        private final Duration waited;
        private final long begin;
        private final long longestNanos;

        private Turn(Duration waited, long begin, Duration longest) {
            this.waited = waited;
            this.begin = begin;
            this.longestNanos = longest.toNanos();
        }

        /** {@return how long it was waited for; zero if it was free} */
        Duration waited() {
            return waited;
        }

        private long nanosLeft() {
            return Math.max(0, longestNanos - (clock.nanos() - begin));
        }

        /** Idempotent. */
        @Override
        public void close() {
            lock.lock();
            try {
                taken.remove(this);
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    /**
     * Waits for a turn.
     *
     * @param longest after which the next start may begin although this one is not over
     * @return the turn, the caller's to close
     * @throws InterruptedException if the thread is interrupted; it has no turn then
     */
    Turn enter(Duration longest) throws InterruptedException {
        long came = clock.nanos();
        lock.lockInterruptibly();
        long ticket = nextTicket++;
        try {
            waiting.add(ticket);
            boolean free = true;
            long wait;
            while ((wait = nanosUntilFree(ticket)) > 0) {
                free = false;
                long _ = changed.awaitNanos(wait);
            }
            long now = clock.nanos();
            Turn turn = new Turn(free ? Duration.ZERO : Duration.ofNanos(now - came), now, longest);
            taken.add(turn);
            return turn;
        } finally {
            waiting.remove(ticket);
            changed.signalAll(); // somebody else is the first now
            lock.unlock();
        }
    }

    /**
     * {@return for how long there is no turn for a ticket as far as is known; 0 if there is one}
     */
    private long nanosUntilFree(long ticket) {
        Long first = waiting.peek();
        if (first == null || first != ticket) {
            return Long.MAX_VALUE; // who leaves the queue wakes the others
        }
        long inTime = taken.stream().filter(turn -> turn.nanosLeft() > 0).count();
        if (inTime < turns) {
            return 0;
        }
        return taken.stream().mapToLong(Turn::nanosLeft).filter(left -> left > 0).min().orElse(0);
    }
}
