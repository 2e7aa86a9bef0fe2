// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import static io.bunkai.virtio.LittleEndian.INT;
import static io.bunkai.virtio.LittleEndian.SHORT;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * The device's side of a split virtqueue.
 *
 * <pre>
 * descriptors  { u64 address; u32 length; u16 flags; u16 next }[N]       the driver's
 * available    u16 flags; u16 index; u16 head[N]; u16 used_event         the driver's
 * used         u16 flags; u16 index; { u32 head; u32 written }[N]; u16 avail_event     ours
 * </pre>
 *
 * <p>An index counts chains and is taken modulo N only to find a place; both wrap at 65536. The
 * driver fills a place and then raises the index: we read the index with <em>acquire</em>, so that
 * no read of a place comes before it. We fill a place and then raise the used index with
 * <em>release</em>, so that no write of a place, nor of an answer, comes after it.
 *
 * <p>Notifications need more than that, since both sides write one thing and read another, and each
 * must not miss the other: after we have raised the used index and before we read where the driver
 * wants to be notified ({@link #wantsCall}), and after we have said where we want to be and before
 * we look for more ({@link #listen}), there is a full fence.
 *
 * <p>All of it is the guest's: each value is read once, checked and then used, and what we have
 * written is never read back but kept here. Taking is for the queue's thread; giving back is for
 * whoever holds the queue's lock.
 *
 * @spec https://docs.oasis-open.org/virtio/virtio/v1.2/virtio-v1.2.html VIRTIO 1.2, 2.7
 */
final class SplitRing {
    private static final int NO_INTERRUPT = 1;
    private static final int NO_NOTIFY = 1;
    private static final int WRAP = 0xffff;
    private static final long INDEX = 2;

    private final boolean eventIndex;
    private final ChainReader reader;

    /** Of the queue's thread; changed under the queue's lock, so its holders may read them. */
    private RingLayout layout;

    private MemorySegment available;
    private MemorySegment used;

    private int taken; // how far we have taken, as the others modulo 65536; queue's thread
    private int seen; // how far the driver was when we looked last; queue's thread
    private int given; // our used index; guarded by the queue's lock

    /**
     * Heads that the driver must not make available again yet. Set by taking, cleared by giving.
     */
    private final byte[] inFlight;

    private static final VarHandle IN_FLIGHT =
            java.lang.invoke.MethodHandles.arrayElementVarHandle(byte[].class);

    /**
     * Takes up a ring where it was left.
     *
     * @param base how far chains had been taken
     * @throws GuestFault if the ring is not in the guest's memory
     */
    SplitRing(RingLayout layout, int base, long features, QueueLimits limits) throws GuestFault {
        this.eventIndex = (features & VirtioFeatures.EVENT_IDX) != 0;
        boolean indirect = (features & VirtioFeatures.INDIRECT_DESC) != 0;
        this.layout = layout;
        this.reader = new ChainReader(layout.memory, there(layout.descriptors), indirect, limits);
        this.available = there(layout.available);
        this.used = there(layout.used);
        this.inFlight = new byte[layout.size];
        this.taken = base & WRAP;
        this.seen = this.taken;
        // Ours, so that a queue may be taken up by another process than the one before. What the
        // guest may have made of it decides only where the guest finds our answers.
        this.given = (short) SHORT.getAcquire(used, INDEX) & WRAP;
    }

    private static MemorySegment there(@Nullable MemorySegment part) throws GuestFault {
        if (part == null) {
            throw new GuestFault("the ring is not within the guest's memory");
        }
        return part;
    }

    /** Goes on in another memory, or at another place. Under the queue's lock. */
    void move(RingLayout next) {
        if (next.descriptors == null || next.available == null || next.used == null) {
            throw new IllegalArgumentException("the ring is not there");
        }
        layout = next;
        reader.move(next.memory, next.descriptors);
        available = next.available;
        used = next.used;
    }

    /** {@return how far chains have been taken, for whoever takes the queue up next} */
    int base() {
        return taken;
    }

    /** Takes up the queue at another place, before anything was taken. */
    void base(int base) {
        taken = base & WRAP;
        seen = taken;
    }

    /** {@return our used index} */
    int given() {
        return given;
    }

    /** {@return how many chains are known to wait} */
    int backlog() {
        return seen - taken & WRAP;
    }

    // --- taking -------------------------------------------------------------------------------

    /**
     * Takes the next chain, if there is one.
     *
     * @return whether there was one; {@code chain} is that then
     * @throws GuestFault if it is not one that a driver may make; it is not taken then
     */
    boolean take(Chain chain) throws GuestFault {
        if (taken == seen && !look()) {
            return false;
        }
        long at =
                RingAddresses.HEADER_BYTES
                        + (long) RingAddresses.AVAILABLE_ENTRY_BYTES * (taken & layout.size - 1);
        int head = (short) SHORT.getOpaque(available, at) & WRAP;
        takeHead(head, chain);
        taken = taken + 1 & WRAP;
        return true;
    }

    /** Takes the chain that begins at a descriptor, whether or not it is available. */
    void takeHead(int head, Chain chain) throws GuestFault {
        if (head >= layout.size) {
            throw new GuestFault("head %d in a queue of %d", head, layout.size);
        }
        if ((byte) IN_FLIGHT.getAcquire(inFlight, head) != 0) {
            throw new GuestFault("chain %d is made available again before it was used", head);
        }
        chain.head = head;
        chain.readable().clear();
        chain.writable().clear();
        reader.read(head, layout.size, chain);
        IN_FLIGHT.setOpaque(inFlight, head, (byte) 1);
    }

    /** {@return whether the driver has made more available} */
    private boolean look() throws GuestFault {
        int index = (short) SHORT.getAcquire(available, INDEX) & WRAP;
        int waiting = index - taken & WRAP;
        if (waiting > layout.size) {
            throw new GuestFault(
                    "%d chains are available at once in a queue of %d", waiting, layout.size);
        }
        seen = index;
        return waiting > 0;
    }

    // --- being notified
    // ---------------------------------------------------------------------------

    /**
     * Says that we look by ourselves. With event indices nothing has to be said: the driver
     * notifies once, when it passes the index that we named last.
     */
    void deafen() {
        if (!eventIndex) {
            SHORT.setOpaque(used, 0L, (short) NO_NOTIFY);
        }
    }

    /**
     * Says that we want to be notified of the next chain.
     *
     * @return whether there is one already, so that nobody may wait
     */
    boolean listen() throws GuestFault {
        if (eventIndex) {
            long at = RingAddresses.usedBytes(layout.size) - RingAddresses.EVENT_BYTES;
            SHORT.setOpaque(used, at, (short) taken);
        } else {
            SHORT.setOpaque(used, 0L, (short) 0);
        }
        VarHandle.fullFence(); // the driver raises its index, has a fence, and reads what we wrote
        return look();
    }

    // --- giving back; under the queue's lock --------------------------------------------------

    /** Fills the next place but one, or two, ...: nothing is seen before {@link #publish}. */
    void give(int ahead, int head, int written) {
        long at =
                RingAddresses.HEADER_BYTES
                        + (long) RingAddresses.USED_ENTRY_BYTES * (given + ahead & layout.size - 1);
        INT.setOpaque(used, at, head);
        INT.setOpaque(used, at + Integer.BYTES, written);
    }

    /** Lets the driver make a head available again. Before {@link #publish}. */
    void release(int head) {
        IN_FLIGHT.setRelease(inFlight, head, (byte) 0);
    }

    /** Shows the driver what was given. */
    void publish(int count) {
        given = given + count & WRAP;
        SHORT.setRelease(used, INDEX, (short) given);
    }

    /** Marks what {@link #publish} has written. */
    void mark(DirtyLog log, long usedAddress, int count) {
        log.mark(usedAddress, RingAddresses.HEADER_BYTES);
        for (int i = 1; i <= count; i++) {
            log.mark(
                    usedAddress
                            + RingAddresses.HEADER_BYTES
                            + (long) RingAddresses.USED_ENTRY_BYTES * (given - i & layout.size - 1),
                    RingAddresses.USED_ENTRY_BYTES);
        }
    }

    /** Marks what {@link #deafen} and {@link #listen} have written. */
    void markEvent(DirtyLog log, long usedAddress) {
        log.mark(usedAddress, RingAddresses.HEADER_BYTES);
        long end = RingAddresses.usedBytes(layout.size);
        log.mark(usedAddress + end - RingAddresses.EVENT_BYTES, RingAddresses.EVENT_BYTES);
    }

    /**
     * {@return whether the driver wants to be called about what was published since the used index
     * was {@code from}}
     */
    boolean wantsCall(int from) {
        VarHandle.fullFence(); // the driver names its index, has a fence, and reads ours
        if (!eventIndex) {
            return ((short) SHORT.getOpaque(available, 0L) & NO_INTERRUPT) == 0;
        }
        long at = RingAddresses.availableBytes(layout.size) - RingAddresses.EVENT_BYTES;
        int event = (short) SHORT.getOpaque(available, at) & WRAP;
        // Whether the step from "from" to where we are goes past the event.
        return (given - event - 1 & WRAP) < (given - from & WRAP);
    }
}
