// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import io.bunkai.base.Deadline;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.Poll;
import org.jspecify.annotations.Nullable;

/**
 * A queue as the front-end sets it up, piece by piece; once it is complete and enabled it runs.
 * Used by the session's thread only, but for {@link #breakDown}.
 *
 * <p>A queue starts with its kick descriptor and not with the first kick, so a kick that came
 * before is never lost: the ring is looked at when the queue starts.
 */
final class VirtQueue implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(VirtQueue.class.getName());

    private final int index;
    private final VhostUserDevice device;
    private final QueueLimits limits;
    private final SignalLine call = new SignalLine();
    private final SignalLine error = new SignalLine();

    private int size;
    private @Nullable RingAddresses addresses;
    private int base;
    private @Nullable Fd kick;
    private boolean started;
    private boolean enabled;
    private @Nullable QueueRun run;
    private @Nullable InflightArea inflight; // held while there is a run that records in it
    private QueueCounters before = QueueCounters.NONE; // of the runs that have ended
    private volatile @Nullable GuestFault fault;

    VirtQueue(int index, VhostUserDevice device, QueueLimits limits) {
        this.index = index;
        this.device = device;
        this.limits = limits;
    }

    /** What a queue needs to know of the device to start. */
    record Surroundings(GuestMemory memory, long features, @Nullable InflightArea inflight) {}

    /** Sets how many descriptors there are, with which the front-end begins to set up a queue. */
    void size(int newSize) throws GuestFault, VhostUserException {
        if (run != null && newSize != size) {
            throw new VhostUserException("a queue that runs keeps its size of " + size);
        }
        if (run == null) {
            fault = null; // of an attempt before: this begins another
        }
        if (!RingAddresses.isPossibleSize(newSize) || newSize > limits.descriptors()) {
            throw broken(
                    new GuestFault(
                            "a queue of %s descriptors, at most %d are possible",
                            Integer.toUnsignedString(newSize), limits.descriptors()));
        }
        size = newSize;
    }

    /** Sets where the ring is; of a queue that runs, only whether writes are marked may differ. */
    void addresses(RingAddresses newAddresses, GuestMemory memory)
            throws GuestFault, VhostUserException {
        try {
            newAddresses.checkAlignment();
        } catch (GuestFault e) {
            if (run != null) { // it goes on where it is
                throw new VhostUserException("a queue that runs was to be moved", e);
            }
            throw broken(e);
        }
        addresses = newAddresses;
        memoryChanged(memory);
    }

    void base(int newBase) throws VhostUserException {
        if (newBase < 0 || newBase > 0xffff) {
            throw new VhostUserException("%s is no index of a split ring".formatted(newBase));
        }
        base = newBase;
    }

    /** Takes over what wakes the queue, or null if it has to look by itself, and starts it. */
    void kick(@Nullable Fd newKick, Surroundings surroundings) throws GuestFault, ErrnoException {
        Fd old = kick;
        kick = newKick;
        started = true;
        try {
            if (run != null) {
                run.kick(old, newKick);
            }
        } finally {
            if (old != null) {
                old.close();
            }
        }
        startIfComplete(surroundings);
    }

    void call(@Nullable Fd newCall) {
        call.connect(newCall);
    }

    void error(@Nullable Fd newError) {
        error.connect(newError);
        if (fault != null) {
            error.signal();
        }
    }

    void enable(boolean value, Surroundings surroundings) throws GuestFault, ErrnoException {
        enabled = value;
        if (run != null) {
            run.enable(value);
        }
        startIfComplete(surroundings);
    }

    void memoryChanged(GuestMemory memory) {
        if (run != null && addresses != null) {
            run.move(RingLayout.of(size, addresses, memory));
        }
    }

    private void startIfComplete(Surroundings surroundings) throws GuestFault, ErrnoException {
        if (!started || !enabled || run != null || fault != null) {
            return;
        }
        if (size == 0 || addresses == null) {
            throw broken(new GuestFault("the queue has no size or no addresses"));
        }
        InflightArea area = surroundings.inflight;
        try {
            InflightArea.Part record = area == null ? null : area.of(index, size);
            QueueHandler handler = device.handler(index);
            run =
                    new QueueRun(
                            new QueueRun.Start(
                                    index,
                                    handler,
                                    limits,
                                    surroundings.features,
                                    RingLayout.of(size, addresses, surroundings.memory),
                                    base,
                                    enabled,
                                    kick,
                                    call,
                                    record,
                                    this::breakDown));
        } catch (GuestFault e) {
            throw broken(e);
        } catch (VhostUserException e) {
            throw broken(new GuestFault("%s", String.valueOf(e.getMessage())));
        }
        if (area != null) {
            area.hold();
            inflight = area;
        }
        run.start();
    }

    /**
     * Stops the queue, as the front-end has asked for, and waits for what is in flight.
     *
     * @return how far chains were taken, for whoever takes the queue up next
     */
    int stop(Deadline deadline) {
        halt(deadline);
        if (kick != null) {
            drain(kick);
            kick.close();
            kick = null;
        }
        started = false;
        fault = null;
        return base;
    }

    /** Stops serving, with the session, and waits for what is in flight. */
    void halt(Deadline deadline) {
        QueueRun running = run;
        if (running != null) {
            base = running.stop(deadline);
            before = before.plus(running.counters());
            run = null;
        }
        if (inflight != null) {
            inflight.letGo();
            inflight = null;
        }
    }

    /**
     * Takes out the kicks that nobody had to read, so that the front-end does not take them for new
     * ones. Only when it has asked for the stop: a successor of this session may wait for the same
     * descriptor otherwise, and would lose one.
     */
    private static void drain(Fd kick) {
        try {
            if (Poll.readable(kick, 0)) {
                kick.read(new byte[Long.BYTES], 0, Long.BYTES);
            }
        } catch (ErrnoException e) {
            LOG.log(System.Logger.Level.DEBUG, "kicks were not taken out", e);
        }
    }

    /** Stops the queue and forgets how it was set up, but for whom it tells. */
    void reset(Deadline deadline) {
        stop(deadline);
        size = 0;
        addresses = null;
        base = 0;
        enabled = false;
    }

    /** {@return what broke the queue, or null} */
    @Nullable GuestFault fault() {
        return fault;
    }

    QueueCounters counters() {
        QueueRun running = run;
        QueueCounters sum = running == null ? before : before.plus(running.counters());
        return sum.plus(new QueueCounters(0, 0, 0, call.signals()));
    }

    private GuestFault broken(GuestFault e) {
        breakDown(e);
        return e;
    }

    /** Says that the queue is of no use until it is set up anew. By whichever thread found out. */
    private void breakDown(GuestFault e) {
        fault = e;
        LOG.log(
                System.Logger.Level.WARNING,
                "a queue is broken queue={0} reason={1}",
                index,
                e.getMessage());
        error.signal();
        device.queueBroken(index, e);
    }

    /** Closes what came from the front-end. After {@link #halt}. */
    @Override
    public void close() {
        call.close();
        error.close();
        if (kick != null) {
            kick.close();
            kick = null;
        }
    }
}
