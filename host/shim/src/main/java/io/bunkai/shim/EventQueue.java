// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.base.Deadline;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Events that wait for the one thread that sends them, in their order and never more than so many.
 *
 * <p>If there is no room, the oldest event that is not an exit makes way: whoever has missed that a
 * process was started learns of it by its end, but an end is told once. Only if all that wait are
 * exits, the oldest of them goes.
 */
final class EventQueue {
    private final int capacity;

    private final ReentrantLock lock = new ReentrantLock(); // guards what follows
    private final Condition changed = lock.newCondition();
    private final ArrayDeque<Entry> waiting = new ArrayDeque<>();
    private boolean sending; // what was taken last is not done with
    private boolean ended; // nothing comes in any more
    private boolean abandoned; // and nothing goes out

    /**
     * An event in the queue.
     *
     * @param at when it was published
     * @param patience how long it is tried to send it
     */
    record Entry(TaskEvent event, Instant at, Deadline patience) {}

    EventQueue(int capacity) {
        this.capacity = capacity;
    }

    /**
     * Adds an event. Does not wait.
     *
     * @return what is lost by that: nothing, the event that made way, or this one after the end
     */
    @Nullable Entry add(Entry entry) {
        lock.lock();
        try {
            if (ended) {
                return entry;
            }
            Entry lost = waiting.size() < capacity ? null : makeWay();
            waiting.add(entry);
            changed.signalAll();
            return lost;
        } finally {
            lock.unlock();
        }
    }

    private Entry makeWay() {
        for (Iterator<Entry> oldestFirst = waiting.iterator(); oldestFirst.hasNext(); ) {
            Entry entry = oldestFirst.next();
            if (!(entry.event() instanceof TaskEvent.Exited)) {
                oldestFirst.remove();
                return entry;
            }
        }
        return waiting.remove();
    }

    /**
     * Takes the next event, once there is one; the sender is then done with the one before it.
     *
     * @return null if there will be none any more
     */
    @Nullable Entry take() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            sending = false;
            changed.signalAll();
            while (waiting.isEmpty() && !ended) {
                changed.await();
            }
            Entry next = waiting.poll();
            sending = next != null;
            return next;
        } finally {
            lock.unlock();
        }
    }

    /** Lets this much time pass; {@return false, and early, if there is no use in trying again} */
    boolean pause(Duration pause) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            for (long nanos = pause.toNanos(); nanos > 0 && !abandoned; ) {
                nanos = changed.awaitNanos(nanos);
            }
            return !abandoned;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Lets nothing in any more, and waits until everything is out. What is not by then is thrown
     * away.
     *
     * @return how many events were thrown away
     */
    int end(Deadline deadline) {
        lock.lock();
        try {
            ended = true;
            changed.signalAll();
            while (!abandoned && (sending || !waiting.isEmpty()) && !deadline.hasPassed()) {
                changed.await(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // as if the deadline had passed
        } finally {
            lock.unlock();
        }
        return abandon();
    }

    private int abandon() {
        lock.lock();
        try {
            int lost = abandoned ? 0 : waiting.size() + (sending ? 1 : 0);
            abandoned = true;
            waiting.clear();
            changed.signalAll();
            return lost;
        } finally {
            lock.unlock();
        }
    }
}
