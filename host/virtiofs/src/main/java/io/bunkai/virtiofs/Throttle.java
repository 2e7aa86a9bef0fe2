// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.NanoClock;
import io.bunkai.fuse.FuseRequest;
import io.bunkai.fuse.Opcode;
import io.bunkai.fuse.RequestView;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Holds requests back that are more than the limits allow. Whoever brings one never waits here: a
 * request that is not due yet is parked, and carried out by a thread of this class when it is. That
 * thread is made when it is first needed.
 *
 * <p>Requests of one direction are carried out in the order in which they came; there are never
 * more of them than the guest's queues have room for.
 */
final class Throttle implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Throttle.class.getName());

    /**
     * How much too early a request may be, in nanoseconds: as long as it takes to wake a thread up.
     * What comes of it is not a rate, since the next one is due no earlier for it.
     */
    private static final long SLACK_NANOS = 50_000;

    private static final int WAITS = 20;
    private static final long MILLI = 1_000_000;
    private static final int ZERO_RANGE = 0x10;

    private final NanoClock clock;
    private final ThreadFactory threads;
    private final LongAdder bytesRead = new LongAdder();
    private final LongAdder bytesWritten = new LongAdder();
    private final LongAdder requests = new LongAdder();
    private volatile @Nullable Budget budget; // null: nothing is limited

    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by lock.
    private final Map<Direction, Deque<Ticket>> parked = new EnumMap<>(Direction.class);
    private long wakesAt;
    private boolean wakes; // at that time; else when it is told to
    private long throttled;
    private long throttledNanos;
    private final long[] waits = new long[WAITS];
    private final Map<Meter, Long> held = new EnumMap<>(Meter.class);
    private @Nullable Thread pacer;
    private boolean closed;

    private final AtomicInteger count =
            new AtomicInteger(); // of those parked; changed under the lock

    /**
     * A throttle that is ready.
     *
     * @param threads makes the thread that carries out what was parked
     */
    Throttle(Limits limits, NanoClock clock, ThreadFactory threads) {
        this.clock = clock;
        this.threads = threads;
        this.budget = limits.isNone() ? null : new Budget(limits, clock.nanos());
    }

    /** A throttle by the machine's clock, with a thread of its own. */
    Throttle(Limits limits) {
        this(limits, NanoClock.SYSTEM, Thread.ofPlatform().daemon(true).name("pacer").factory());
    }

    /** {@return whether anything is limited} */
    boolean limits() {
        return budget != null;
    }

    /** {@return what requests are charged to} */
    Optional<Budget> current() {
        return Optional.ofNullable(budget);
    }

    // --- requests -----------------------------------------------------------------------------

    /**
     * Charges a request.
     *
     * @return whether it is due; else the ticket is carried out when it is
     */
    boolean admits(RequestView request, Ticket ticket) {
        Budget now = budget;
        Opcode opcode = request.opcode();
        if (now == null || opcode == null) {
            return true;
        }
        switch (opcode) {
            // By these a guest gives back what it has of the host's.
            case FORGET, BATCH_FORGET, INTERRUPT, RELEASE, RELEASEDIR, NOTIFY_REPLY -> {
                return true;
            }
            case INIT, DESTROY -> {
                carryOutAll();
                return true;
            }
            case READ -> ask(ticket, Direction.READ, request.read().size());
            case WRITE -> ask(ticket, Direction.WRITE, request.write().size());
            case COPY_FILE_RANGE, COPY_FILE_RANGE_64 ->
                    ask(
                            ticket,
                            Direction.COPY,
                            ((FuseRequest.CopyFileRange) FuseRequest.of(request)).length());
            case FALLOCATE -> {
                FuseRequest.Fallocate all = (FuseRequest.Fallocate) FuseRequest.of(request);
                boolean zeroes = (all.mode() & ZERO_RANGE) != 0;
                ask(ticket, Direction.WRITE, zeroes ? all.length() : 0);
            }
            default -> ask(ticket, Direction.NONE, 0);
        }
        return charge(ticket, now);
    }

    private static void ask(Ticket ticket, Direction direction, long bytes) {
        ticket.direction = direction;
        ticket.bytes = bytes;
    }

    /** {@return whether it is due; else it is parked} */
    boolean charge(Ticket ticket, Budget now) {
        long at = clock.nanos();
        ticket.since = at;
        now.charge(ticket, at);
        requests.increment();
        count(ticket.direction, ticket.bytes);
        if (ticket.due - at <= SLACK_NANOS && count.get() == 0) {
            return true;
        }
        return !park(ticket, at);
    }

    private void count(Direction direction, long bytes) {
        switch (direction) {
            case READ -> bytesRead.add(bytes);
            case WRITE, COPY -> bytesWritten.add(bytes);
            case NONE -> {}
        }
    }

    private boolean park(Ticket ticket, long now) {
        Thread toWake = null;
        lock.lock();
        try {
            Deque<Ticket> line = parked.computeIfAbsent(ticket.direction, _ -> new ArrayDeque<>());
            if (closed || (line.isEmpty() && ticket.due - now <= SLACK_NANOS)) {
                return false;
            }
            if (ticket.budget != budget) { // the limits were changed a moment ago
                Budget latest = budget;
                if (latest == null) {
                    return false;
                }
                latest.charge(ticket, now);
            }
            line.add(ticket);
            count.incrementAndGet();
            if (ticket.heldBy != null) {
                held.merge(ticket.heldBy, 1L, Long::sum);
            }
            if (pacer == null) {
                pacer = threads.newThread(this::pace);
                pacer.start();
            } else if (!wakes || ticket.due - wakesAt < 0) {
                toWake = pacer;
            }
        } finally {
            lock.unlock();
        }
        LockSupport.unpark(toWake);
        return true;
    }

    /**
     * Gives back what a request was charged and has not used.
     *
     * @param moved how many bytes its reply says that were moved
     */
    void settle(Ticket ticket, long moved) {
        Budget charged = ticket.budget;
        if (charged == null) {
            return;
        }
        ticket.budget = null;
        long rest = ticket.bytes - moved;
        // Of zeroing no reply tells how much was done.
        boolean tells = ticket.direction != Direction.WRITE || moved > 0;
        if (rest > 0 && tells) {
            charged.refund(ticket.direction, rest);
            count(ticket.direction, -rest);
        }
    }

    // --- what is parked -----------------------------------------------------------------------

    private void pace() {
        Worker worker = Worker.current();
        List<Ticket> due = new ArrayList<>();
        while (true) {
            long wait;
            lock.lock();
            try {
                if (closed && count.get() == 0) {
                    return;
                }
                wait = takeDue(due);
            } finally {
                lock.unlock();
            }
            if (due.isEmpty()) {
                if (wait < 0) {
                    LockSupport.park(this);
                } else {
                    LockSupport.parkNanos(this, wait);
                }
            }
            for (int i = 0; i < due.size(); i++) {
                worker.backlog = due.size() - i - 1; // whether others should help
                carryOut(due.get(i));
            }
            due.clear();
        }
    }

    /** Carries out what is due; {@return after how many nanoseconds there is more, -1 for never} */
    long carryOutDue() {
        List<Ticket> due = new ArrayList<>();
        long wait;
        lock.lock();
        try {
            wait = takeDue(due);
        } finally {
            lock.unlock();
        }
        due.forEach(Throttle::carryOut);
        return wait;
    }

    private static void carryOut(Ticket ticket) {
        try {
            ticket.carryOut();
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "A request that had waited has failed.", e);
        }
    }

    /** Under the lock. */
    private long takeDue(List<Ticket> due) {
        long now = clock.nanos();
        wakes = false;
        for (Deque<Ticket> line : parked.values()) {
            Ticket first;
            while ((first = line.peek()) != null) {
                if (first.due - now > SLACK_NANOS) {
                    if (!wakes || first.due - wakesAt < 0) {
                        wakesAt = first.due;
                        wakes = true;
                    }
                    break;
                }
                take(line, now, due);
            }
        }
        return wakes ? wakesAt - now - SLACK_NANOS : -1;
    }

    private void take(Deque<Ticket> line, long now, List<Ticket> to) {
        Ticket ticket = line.remove();
        count.decrementAndGet();
        long waited = now - ticket.since;
        throttled++;
        throttledNanos += waited;
        int power = Long.SIZE - Long.numberOfLeadingZeros(waited / MILLI);
        waits[Math.min(WAITS - 1, power)]++;
        to.add(ticket);
    }

    /** Lets everything be carried out soon that is parked; it stays charged. */
    void hurry() {
        lock.lock();
        try {
            long now = clock.nanos();
            parked.values().forEach(line -> line.forEach(ticket -> ticket.due = now));
        } finally {
            lock.unlock();
        }
        wake();
    }

    /** Carries everything out that is parked, by the calling thread. */
    private void carryOutAll() {
        if (count.get() == 0) {
            return;
        }
        List<Ticket> all = new ArrayList<>();
        lock.lock();
        try {
            long now = clock.nanos();
            for (Deque<Ticket> line : parked.values()) {
                while (!line.isEmpty()) {
                    take(line, now, all);
                }
            }
        } finally {
            lock.unlock();
        }
        all.forEach(Throttle::carryOut);
    }

    private void wake() {
        Thread toWake;
        lock.lock();
        try {
            toWake = pacer;
        } finally {
            lock.unlock();
        }
        LockSupport.unpark(toWake);
    }

    // --- changing and telling -----------------------------------------------------------------

    /**
     * Changes limits, also for what is parked.
     *
     * @param changes by the names of the options; what is not among them stays
     * @throws IllegalArgumentException if the limits would make no sense; nothing is changed then
     */
    void set(Map<String, String> changes) {
        lock.lock();
        try {
            long now = clock.nanos();
            Budget before = budget;
            Map<String, String> settings =
                    new TreeMap<>((before == null ? Limits.NONE : before.limits()).settings());
            Limits.lifted(changes).forEach(settings::remove);
            settings.putAll(changes);
            Limits limits = Limits.of(settings);
            List<Ticket> waiting =
                    parked.values().stream()
                            .flatMap(Deque::stream)
                            .sorted(Comparator.comparingLong(ticket -> ticket.due - now))
                            .toList();
            Budget after = null;
            if (!limits.isNone()) {
                after =
                        before == null
                                ? new Budget(limits, now)
                                : before.with(limits, waiting, Set.copyOf(changes.keySet()), now);
            }
            budget = after;
            for (Ticket ticket : waiting) {
                if (after == null) {
                    ticket.budget = null;
                    ticket.due = now;
                } else {
                    after.charge(ticket, now);
                }
            }
        } finally {
            lock.unlock();
        }
        wake();
    }

    /**
     * What was done so far, while there was a limit.
     *
     * @param settings the limits, by the names of the options
     * @param bytesWritten those copied among them
     * @param throttled how many requests had to wait and do not any more
     * @param throttledNanos for how long, all together
     * @param waits how many less than 1, 2, 4 and so on milliseconds, each without those before
     * @param held how many were parked for the sake of each limit
     * @param parked how many wait now
     * @param parkedFor how many wait now for the sake of each limit
     * @param bytesOfCredit what is left of it
     */
    record State(
            Map<String, String> settings,
            long bytesRead,
            long bytesWritten,
            long requests,
            long throttled,
            long throttledNanos,
            List<Long> waits,
            Map<Meter, Long> held,
            int parked,
            Map<Meter, Long> parkedFor,
            long bytesOfCredit) {}

    State state() {
        lock.lock();
        try {
            Budget now = budget;
            return new State(
                    now == null ? Map.of() : now.limits().settings(),
                    bytesRead.sum(),
                    bytesWritten.sum(),
                    requests.sum(),
                    throttled,
                    throttledNanos,
                    Arrays.stream(waits).boxed().toList(),
                    new EnumMap<>(held),
                    count.get(),
                    parkedFor(),
                    now == null ? 0 : now.bytesOfCredit());
        } finally {
            lock.unlock();
        }
    }

    private Map<Meter, Long> parkedFor() {
        Map<Meter, Long> waiting = new EnumMap<>(Meter.class);
        for (Deque<Ticket> line : parked.values()) {
            for (Ticket ticket : line) {
                if (ticket.heldBy != null) {
                    waiting.merge(ticket.heldBy, 1L, Long::sum);
                }
            }
        }
        return waiting;
    }

    /** Has what is parked carried out, parks nothing any more, and ends the thread. */
    @Override
    public void close() {
        Thread ending;
        lock.lock();
        try {
            closed = true;
            ending = pacer;
        } finally {
            lock.unlock();
        }
        hurry();
        if (ending != null) {
            try {
                ending.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt(); // it is a daemon, and ends without us
            }
        }
    }
}
