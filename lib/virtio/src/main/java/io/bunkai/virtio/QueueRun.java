// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.linux.Epoll;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.EventFd;
import io.bunkai.linux.Fd;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A queue from its start to its stop: a platform thread of its own that takes requests and has them
 * served, and whatever other threads complete some of them.
 *
 * <p>The thread sleeps in the kernel until the guest kicks. Awake, it takes all that is there,
 * tells the driver with the last of it where it wants to be kicked next, looks once more, and
 * sleeps. What it completes itself is kept in a batch and given back together; what others complete
 * is given back at once. The used ring has one writer at a time: whoever holds {@link #lock}.
 *
 * <p>The session's thread changes things by writing down what it wants, raising {@link #attention}
 * and waking the thread, which looks at that one flag before each request.
 */
final class QueueRun {
    private static final System.Logger LOG = System.getLogger(QueueRun.class.getName());
    private static final long KICK = 0;
    private static final long WAKE = 1;
    private static final int POLL_MILLIS = 1;

    private final int index;
    private final QueueHandler handler;
    private final QueueLimits limits;
    private final SignalLine call;
    private final Consumer<GuestFault> onFault;
    private final InflightArea.@Nullable Part record;
    private final Deque<Integer> unfinished; // of the process before, to be served first
    private final Epoll epoll;
    private final EventFd wake;
    private final SplitRing ring;
    private final UsedSide used; // under the lock
    private final Thread thread;
    private final ChainPool pool = new ChainPool(this);
    private final AtomicLong rangesFreedElsewhere = new AtomicLong();

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition finished = lock.newCondition(); // of all chains in flight

    // Written by the session's thread, read by the queue's.
    private volatile boolean attention;
    private volatile boolean stopping;
    private volatile boolean enabled;
    private volatile boolean polls; // there is no kick to wait for

    // Guarded by lock.
    private @Nullable RingLayout next;
    private long finishedElsewhere;
    private boolean ended;
    private boolean closed;
    private boolean drains;

    private volatile boolean starved; // the thread sleeps until something is completed

    // Of the queue's thread.
    private RingLayout layout; // changed under the lock, so its holders may read it
    private boolean suspended;
    private final int[] heads;
    private final int[] lengths;
    private int batched;
    private long taken;
    private long finishedHere;
    private long rangesTaken;
    private long rangesFreedHere;
    private long wakes;

    /** What a run begins with. */
    record Start(
            int index,
            QueueHandler handler,
            QueueLimits limits,
            long features,
            RingLayout layout,
            int base,
            boolean enabled,
            @Nullable Fd kick,
            SignalLine call,
            InflightArea.@Nullable Part record,
            Consumer<GuestFault> onFault) {}

    /**
     * Prepares a run, which owns the layout's hold on the memory from then on, also if this fails.
     *
     * @throws GuestFault if the ring is not one that can be served
     * @throws ErrnoException EMFILE if no descriptor is left
     */
    QueueRun(Start start) throws GuestFault, ErrnoException {
        index = start.index;
        handler = start.handler;
        limits = start.limits;
        call = start.call;
        polls = start.kick == null;
        onFault = start.onFault;
        record = start.record;
        enabled = start.enabled;
        layout = start.layout;
        heads = new int[limits.batch()];
        lengths = new int[limits.batch()];
        try (Closer undo = new Closer()) {
            undo.onClose(layout.memory::letGo);
            ring = new SplitRing(layout, start.base, start.features, limits);
            List<Integer> left = record == null ? List.of() : record.recover(ring.given());
            unfinished = new ArrayDeque<>(left);
            if (record != null) {
                // What was taken is what was given back and what is in flight, in whatever order.
                ring.base(ring.given() + left.size());
            }
            epoll = undo.own(Epoll.create());
            wake = undo.own(EventFd.create());
            epoll.add(wake.fd(), WAKE);
            if (start.kick != null) {
                epoll.add(start.kick, KICK);
            }
            undo.release();
        }
        used = new UsedSide(ring, record);
        used.follow(layout);
        thread = Thread.ofPlatform().name("virtqueue " + index).daemon(true).unstarted(this::run);
    }

    void start() {
        thread.start();
        if (record != null) {
            call.signal(); // the one before may have died between giving back and telling
        }
    }

    int index() {
        return index;
    }

    int backlog() {
        return ring.backlog();
    }

    // --- the session's thread -----------------------------------------------------------------

    /** Goes on with another layout, which is this run's from now on. */
    void move(RingLayout to) {
        lock.lock();
        try {
            if (next != null) {
                next.leave(); // nobody has come to use it
            }
            next = to;
            used.follow(to);
        } finally {
            lock.unlock();
        }
        attract();
    }

    void enable(boolean value) {
        enabled = value;
        attract();
        if (!value) {
            hurry();
        }
    }

    /** Waits for another descriptor; the one before is closed by the caller afterwards. */
    void kick(@Nullable Fd before, @Nullable Fd now) throws ErrnoException {
        if (before != null) {
            epoll.remove(before);
        }
        if (now != null) {
            epoll.add(now, KICK);
        }
        polls = now == null;
        attract();
    }

    private void attract() {
        attention = true;
        wake.trySignal();
    }

    /**
     * Stops taking, waits until what is in flight is given back, and ends the thread. What is not
     * complete at the deadline is not given back any more.
     *
     * @return how far chains were taken
     */
    int stop(Deadline deadline) {
        stopping = true;
        attract();
        hurry();
        boolean interrupted = false;
        try {
            thread.join(deadline.remaining());
        } catch (InterruptedException e) {
            interrupted = true;
        }
        hurry(); // what was parked after the first time
        lock.lock();
        try {
            drains = true;
            while (ended && inFlight() > 0 && !interrupted && !deadline.hasPassed()) {
                try {
                    finished.await(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (!ended || inFlight() > 0) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "a queue was stopped with requests in flight queue={0} requests={1}",
                        index,
                        inFlight());
            }
            closed = true;
            if (ended) {
                leave();
            }
        } finally {
            lock.unlock();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        return ring.base();
    }

    private void hurry() {
        try {
            handler.stopping();
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "stopping a queue failed queue=" + index, e);
        }
    }

    /** Under the lock, and exact once the thread has ended. */
    private long inFlight() {
        return taken - finishedHere - finishedElsewhere;
    }

    /** Lets go of everything; by whoever is the last, the thread or who stopped it. Under lock. */
    private void leave() {
        layout.leave();
        if (next != null) {
            next.leave();
            next = null;
        }
        used.close();
        epoll.close();
        wake.close();
    }

    QueueCounters counters() {
        lock.lock();
        try {
            return new QueueCounters(taken, finishedHere + finishedElsewhere, wakes, 0);
        } finally {
            lock.unlock();
        }
    }

    // --- the queue's thread -------------------------------------------------------------------

    private void run() {
        try {
            serveUntilStopped();
            flush();
        } catch (GuestFault e) {
            flush();
            onFault.accept(e);
        } catch (ErrnoException | RuntimeException | Error e) {
            LOG.log(System.Logger.Level.ERROR, "a queue's thread failed queue=" + index, e);
            onFault.accept(new GuestFault("the device failed: %s", e));
        } finally {
            lock.lock();
            try {
                ended = true;
                if (closed) {
                    leave();
                }
            } finally {
                lock.unlock();
            }
        }
    }

    private void serveUntilStopped() throws GuestFault, ErrnoException {
        while (true) {
            attention = false; // first, so that no wish that comes from here on is missed
            if (stopping) {
                return;
            }
            adopt();
            if (enabled && !suspended) {
                serve();
            }
            if (!attention) {
                epoll.await(polls ? POLL_MILLIS : -1);
                wakes++;
            }
        }
    }

    /** Takes up a new layout. One that has no ring is waited over with the one before. */
    private void adopt() {
        flush();
        lock.lock();
        try {
            if (next == null) {
                return;
            }
            suspended = !next.isThere();
            if (suspended) {
                next.leave();
            } else {
                ring.move(next);
                layout.leave();
                layout = next;
            }
            next = null;
        } finally {
            lock.unlock();
        }
    }

    private void serve() throws GuestFault {
        starved = false;
        do {
            ring.deafen();
            boolean empty = takeAll();
            flush();
            handler.idle();
            flush();
            if (!empty) {
                return;
            }
        } while (listen());
    }

    private boolean listen() throws GuestFault {
        boolean more = ring.listen();
        if (used.isLogging()) {
            lock.lock();
            try {
                used.markEvent();
            } finally {
                lock.unlock();
            }
        }
        return more;
    }

    /** {@return whether all was taken; else something else comes first} */
    private boolean takeAll() throws GuestFault {
        while (!attention) {
            if (rangesInFlight() >= limits.rangesInFlight()) {
                flush();
                starved = true; // before the last look: whoever frees some looks at it afterwards
                if (rangesInFlight() >= limits.rangesInFlight()) {
                    return false;
                }
                starved = false;
            }
            Chain chain = pool.take();
            if (!take(chain)) {
                return true;
            }
            serve(chain);
        }
        return false;
    }

    private boolean take(Chain chain) throws GuestFault {
        boolean took = false;
        try {
            if (unfinished.isEmpty()) {
                took = ring.take(chain);
            } else {
                ring.takeHead(unfinished.peek(), chain);
                unfinished.remove();
                took = true;
            }
        } finally {
            if (!took) {
                pool.put(chain);
            }
        }
        if (took) {
            chain.layout = layout;
            layout.taken++;
            taken++;
            rangesTaken += ranges(chain);
            if (record != null) {
                record.taken(chain.head);
            }
        }
        return took;
    }

    private void serve(Chain chain) throws GuestFault {
        boolean served = false;
        try {
            handler.serve(chain);
            served = true;
        } finally {
            if (!served && chain.layout != null) { // whatever it was, nobody will complete it
                forget(chain);
            }
        }
    }

    private void forget(Chain chain) {
        lock.lock();
        try {
            RingLayout by = chain.layout;
            if (by != null) {
                chain.layout = null;
                finishedElsewhere++;
                by.finishedElsewhere();
            }
        } finally {
            lock.unlock();
        }
    }

    private long rangesInFlight() {
        return rangesTaken - rangesFreedHere - rangesFreedElsewhere.get();
    }

    private static int ranges(Chain chain) {
        return chain.readable().ranges() + chain.writable().ranges();
    }

    // --- completion ---------------------------------------------------------------------------

    void complete(Chain chain, long written) {
        RingLayout by = chain.layout;
        if (by == null) {
            throw new IllegalStateException("the chain is complete already");
        }
        if (written < 0 || written > chain.writable().byteSize()) {
            throw new IndexOutOfBoundsException(
                    written + " bytes were not written to " + chain.writable().byteSize());
        }
        if (Thread.currentThread() == thread) {
            completeHere(chain, by, (int) written);
        } else {
            completeElsewhere(chain, by, (int) written);
        }
    }

    private void completeHere(Chain chain, RingLayout by, int written) {
        if (used.isLogging()) {
            markWritten(chain);
        }
        heads[batched] = chain.head;
        lengths[batched] = written;
        batched++;
        rangesFreedHere += ranges(chain);
        finishedHere++;
        chain.layout = null;
        if (by == layout) {
            by.finished++;
        } else {
            lock.lock();
            try {
                by.finishedAfterLeaving();
            } finally {
                lock.unlock();
            }
        }
        pool.put(chain);
        if (batched == heads.length) {
            flush();
        }
    }

    private void markWritten(Chain chain) {
        lock.lock();
        try {
            used.markWritten(chain);
        } finally {
            lock.unlock();
        }
    }

    void flushFromHandler() {
        if (Thread.currentThread() == thread) {
            flush();
        }
    }

    private void flush() {
        if (batched == 0) {
            return;
        }
        boolean wanted = false;
        lock.lock();
        try {
            if (!closed) {
                wanted = used.give(heads, lengths, batched);
            }
        } finally {
            lock.unlock();
        }
        batched = 0;
        if (wanted) {
            call.signal();
        }
    }

    private void completeElsewhere(Chain chain, RingLayout by, int written) {
        boolean wanted = false;
        lock.lock();
        try {
            chain.layout = null;
            if (!closed) {
                used.markWritten(chain);
                wanted = used.give(chain.head, written);
                rangesFreedElsewhere.addAndGet(ranges(chain));
                pool.handIn(chain);
                if (starved) {
                    attract();
                }
            }
            finishedElsewhere++;
            by.finishedElsewhere();
            if (drains) {
                finished.signalAll();
            }
        } finally {
            lock.unlock();
        }
        if (wanted) {
            call.signal();
        }
    }
}
