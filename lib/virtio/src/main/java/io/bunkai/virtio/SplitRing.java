// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import static io.bunkai.virtio.LittleEndian.INT;
import static io.bunkai.virtio.LittleEndian.LONG;
import static io.bunkai.virtio.LittleEndian.SHORT;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
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
    static final int NEXT = 1;
    static final int WRITE = 2;
    static final int INDIRECT = 4;

    private static final int NO_INTERRUPT = 1;
    private static final int NO_NOTIFY = 1;
    private static final int WRAP = 0xffff;
    private static final long INDEX = 2;

    private final boolean eventIndex;
    private final boolean indirect;
    private final QueueLimits limits;

    /** Of the queue's thread; changed under the queue's lock, so its holders may read them. */
    private RingLayout layout;

    private MemorySegment descriptors;
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

    /** A table of descriptors is copied here before it is looked at: two words for each. */
    private long[] table = new long[64];

    private int nearRegion; // where the last address was found

    /**
     * Takes up a ring where it was left.
     *
     * @param base how far chains had been taken
     * @throws GuestFault if the ring is not in the guest's memory
     */
    SplitRing(RingLayout layout, int base, long features, QueueLimits limits) throws GuestFault {
        this.eventIndex = (features & VirtioFeatures.EVENT_IDX) != 0;
        this.indirect = (features & VirtioFeatures.INDIRECT_DESC) != 0;
        this.limits = limits;
        this.layout = layout;
        this.descriptors = there(layout.descriptors);
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
        descriptors = next.descriptors;
        available = next.available;
        used = next.used;
        nearRegion = 0;
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
        walk(head, chain);
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

    /** Follows a chain through the queue's own table. */
    private void walk(int head, Chain chain) throws GuestFault {
        int index = head;
        int count = 0;
        while (true) {
            // More than there are descriptors means that one was met twice.
            if (++count > layout.size) {
                throw new GuestFault("chain %d is a loop", head);
            }
            long at = (long) RingAddresses.DESCRIPTOR_BYTES * index;
            long address = (long) LONG.getOpaque(descriptors, at);
            long rest = (long) LONG.getOpaque(descriptors, at + Long.BYTES);
            int flags = flags(rest);
            if ((flags & INDIRECT) != 0) {
                if ((flags & NEXT) != 0) {
                    throw new GuestFault("chain %d goes on behind an indirect table", head);
                }
                walkTable(head, chain, address, length(rest));
                return;
            }
            add(chain, address, length(rest), flags);
            if ((flags & NEXT) == 0) {
                return;
            }
            index = next(rest);
            if (index >= layout.size) {
                throw new GuestFault("descriptor %d in a queue of %d", index, layout.size);
            }
        }
    }

    /** Follows a chain through a table that is somewhere else in the guest's memory. */
    private void walkTable(int head, Chain chain, long address, long bytes) throws GuestFault {
        if (!indirect) {
            throw new GuestFault("chain %d is indirect, which was not agreed on", head);
        }
        int entries = (int) (bytes / RingAddresses.DESCRIPTOR_BYTES);
        if (bytes == 0 || bytes % RingAddresses.DESCRIPTOR_BYTES != 0) {
            throw new GuestFault("chain %d has an indirect table of %d bytes", head, bytes);
        }
        if (entries > limits.chainDescriptors()) {
            throw new GuestFault("chain %d has an indirect table of %d", head, entries);
        }
        copyTable(address, entries);
        int index = 0;
        int count = 0;
        while (true) {
            if (++count > entries) {
                throw new GuestFault("chain %d is a loop within its table", head);
            }
            long rest = table[2 * index + 1];
            int flags = flags(rest);
            if ((flags & INDIRECT) != 0) {
                throw new GuestFault("chain %d has an indirect table within another", head);
            }
            add(chain, table[2 * index], length(rest), flags);
            if ((flags & NEXT) == 0) {
                return;
            }
            index = next(rest);
            if (index >= entries) {
                throw new GuestFault("descriptor %d in a table of %d", index, entries);
            }
        }
    }

    /** One copy, so that what is checked is what is used. */
    private void copyTable(long address, int entries) throws GuestFault {
        if (table.length < 2 * entries) {
            table = Arrays.copyOf(table, 2 * Integer.highestOneBit(2 * entries));
        }
        long bytes = (long) RingAddresses.DESCRIPTOR_BYTES * entries;
        int region = find(address);
        GuestMemory memory = layout.memory;
        if (memory.contains(region, address, bytes)) {
            MemorySegment.copy(
                    memory.memory(region),
                    LittleEndian.LE64_UNALIGNED,
                    address - memory.start(region),
                    table,
                    0,
                    2 * entries);
            return;
        }
        // Regions may border on each other, and a table lie across: then word by word.
        for (int word = 0; word < 2 * entries; word++) {
            long at = address + (long) Long.BYTES * word;
            region = find(at);
            if (!memory.contains(region, at, Long.BYTES)) {
                throw new GuestFault(
                        "a table of %d bytes at 0x%x is not within the guest's memory",
                        bytes, address);
            }
            table[word] =
                    memory.memory(region)
                            .get(LittleEndian.LE64_UNALIGNED, at - memory.start(region));
        }
    }

    private void add(Chain chain, long address, long length, int flags) throws GuestFault {
        boolean write = (flags & WRITE) != 0;
        GuestBuffer readable = chain.readable();
        GuestBuffer writable = chain.writable();
        if (!write && writable.ranges() > 0) {
            throw new GuestFault("a readable descriptor comes behind a writable one");
        }
        if (length == 0) {
            throw new GuestFault("a descriptor of no bytes");
        }
        // Neither sum can overflow: the sums before are at most 2^31, and the length is below 2^32.
        if (readable.byteSize() + writable.byteSize() + length > limits.chainBytes()) {
            throw new GuestFault("a chain of more than %d bytes", limits.chainBytes());
        }
        if (readable.ranges() + writable.ranges() >= limits.chainDescriptors()) {
            throw new GuestFault("a chain of more than %d pieces", limits.chainDescriptors());
        }
        GuestBuffer buffer = write ? writable : readable;
        GuestMemory memory = layout.memory;
        int region = find(address);
        if (memory.contains(region, address, length)) {
            long offset = address - memory.start(region);
            buffer.add(memory.memory(region), offset, (int) length, address);
        } else {
            addAcross(buffer, address, length);
        }
    }

    /** A buffer may lie across regions that border on each other. */
    private void addAcross(GuestBuffer buffer, long address, long length) throws GuestFault {
        GuestMemory memory = layout.memory;
        long at = address;
        long left = length;
        while (left > 0) {
            int region = memory.indexOf(at);
            if (region < 0 || buffer.ranges() >= limits.chainDescriptors()) {
                throw new GuestFault(
                        "%d bytes at 0x%x are not within the guest's memory", length, address);
            }
            long offset = at - memory.start(region);
            int part = (int) Math.min(left, memory.size(region) - offset);
            buffer.add(memory.memory(region), offset, part, at);
            at += part; // may become 0 behind the last address: then no region has it
            left -= part;
        }
    }

    /** {@return the region that has an address, most likely the same as the last time} */
    private int find(long address) throws GuestFault {
        GuestMemory memory = layout.memory;
        if (nearRegion < memory.count()
                && Long.compareUnsigned(address - memory.start(nearRegion), memory.size(nearRegion))
                        < 0) {
            return nearRegion;
        }
        int region = memory.indexOf(address);
        if (region < 0) {
            throw new GuestFault("address 0x%x is not within the guest's memory", address);
        }
        nearRegion = region;
        return region;
    }

    private static long length(long rest) {
        return rest & 0xffffffffL;
    }

    private static int flags(long rest) {
        return (int) (rest >>> 32) & WRAP;
    }

    private static int next(long rest) {
        return (int) (rest >>> 48);
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
