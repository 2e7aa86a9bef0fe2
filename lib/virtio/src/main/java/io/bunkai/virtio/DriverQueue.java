// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import static io.bunkai.virtio.LittleEndian.INT;
import static io.bunkai.virtio.LittleEndian.LONG;
import static io.bunkai.virtio.LittleEndian.SHORT;

import io.bunkai.base.Closer;
import io.bunkai.linux.Epoll;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.EventFd;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * The driver's side of a split virtqueue, for programs that are a guest to a back-end without there
 * being one: measurements and tests. Used by one thread; allocates nothing per request.
 *
 * <pre>{@code
 * queue.begin();
 * queue.readable(requestAddress, 40);
 * queue.writable(answerAddress, 128);
 * int head = queue.end();
 * queue.submit();
 * while (queue.take() != head) {
 *     queue.await(-1);
 * }
 * }</pre>
 *
 * @spec https://docs.oasis-open.org/virtio/virtio/v1.2/virtio-v1.2.html VIRTIO 1.2, 2.7
 */
public final class DriverQueue implements AutoCloseable {
    /** What {@link #take} answers if nothing was given back. */
    public static final int NONE = -1;

    private static final int WRAP = 0xffff;
    private static final long INDEX = 2;
    private static final int USED_ALIGNMENT = 64;
    private static final int NO_NOTIFY = 1;

    private final FrontEndMemory memory;
    private final int size;
    private final boolean eventIndex;
    private final long availableAt;
    private final long usedAt;
    private final MemorySegment ring;
    private final long ringAt;
    private final EventFd kick;
    private final EventFd call;
    private final EventFd error;
    private final Epoll calls;

    /** Descriptors that are in no chain, and how chains go on: ours, the device may write. */
    private final int[] next;

    private int firstFree;
    private int freeCount;

    // The chain that is being made.
    private int head = NONE;
    private int last = NONE;
    private boolean indirect;
    private long tableAt;
    private int tableEntries;

    private int made; // chains available to the device once they are shown
    private int shown;
    private int seen; // used ones known
    private int taken;
    private int written;

    /**
     * Makes an empty queue.
     *
     * @param memory that the ring and all buffers are in; outlives the queue
     * @param offset where in it the ring is, a multiple of 64; see {@link #bytes}
     * @param size a power of two up to 32768
     * @param features as agreed on with the device
     * @throws ErrnoException EMFILE if no descriptor is left
     */
    public DriverQueue(FrontEndMemory memory, long offset, int size, long features)
            throws ErrnoException {
        if (!RingAddresses.isPossibleSize(size) || offset % USED_ALIGNMENT != 0) {
            throw new IllegalArgumentException("a queue of " + size + " at " + offset);
        }
        this.memory = memory;
        this.size = size;
        this.eventIndex = (features & VirtioFeatures.EVENT_IDX) != 0;
        this.ringAt = offset;
        this.availableAt = RingAddresses.descriptorsBytes(size);
        this.usedAt = usedOffset(size);
        this.ring = memory.bytes().asSlice(offset, bytes(size)).fill((byte) 0);
        this.next = new int[size];
        for (int i = 0; i < size; i++) {
            next[i] = i + 1;
        }
        this.freeCount = size;
        try (Closer undo = new Closer()) {
            kick = undo.own(EventFd.create());
            call = undo.own(EventFd.create());
            error = undo.own(EventFd.create());
            calls = undo.own(Epoll.create());
            calls.add(call.fd(), 0);
            undo.release();
        }
    }

    /** {@return how many bytes of memory a ring takes} */
    public static long bytes(int size) {
        return usedOffset(size) + RingAddresses.usedBytes(size);
    }

    private static long usedOffset(int size) {
        long end = RingAddresses.descriptorsBytes(size) + RingAddresses.availableBytes(size);
        return end + USED_ALIGNMENT - 1 & -USED_ALIGNMENT;
    }

    /** {@return how many descriptors it has} */
    public int size() {
        return size;
    }

    /** {@return how many descriptors are in no chain} */
    public int free() {
        return freeCount;
    }

    /** {@return what is signalled if the device finds the queue broken} */
    public EventFd error() {
        return error;
    }

    EventFd kick() {
        return kick;
    }

    EventFd call() {
        return call;
    }

    RingAddresses addresses(boolean logged) {
        long user = memory.region().userAddress() + ringAt;
        long guest = memory.region().guestAddress() + ringAt;
        return new RingAddresses(user, user + usedAt, user + availableAt, guest + usedAt, logged);
    }

    /** Begins a chain. */
    public void begin() {
        head = NONE;
        last = NONE;
        indirect = false;
    }

    /**
     * Begins a chain that is a table somewhere in the memory and takes one descriptor of the ring.
     *
     * @param tableAddress guest address of room for 16 bytes for each piece
     */
    public void beginIndirect(long tableAddress) {
        begin();
        indirect = true;
        tableAt = tableAddress - memory.region().guestAddress();
        tableEntries = 0;
    }

    /** Adds bytes for the device to read. */
    public void readable(long guestAddress, int length) {
        add(guestAddress, length, 0);
    }

    /** Adds room for the device to write, behind all that is readable. */
    public void writable(long guestAddress, int length) {
        add(guestAddress, length, ChainReader.WRITE);
    }

    private void add(long guestAddress, int length, int flags) {
        if (indirect) {
            if (tableEntries > 0) {
                long before = tableAt + RingAddresses.DESCRIPTOR_BYTES * (tableEntries - 1L);
                goOn(memory.bytes(), before, tableEntries);
            }
            long at = tableAt + (long) RingAddresses.DESCRIPTOR_BYTES * tableEntries;
            descriptor(memory.bytes(), at, guestAddress, length, flags);
            tableEntries++;
            return;
        }
        int index = allocate();
        if (last == NONE) {
            head = index;
        } else {
            goOn(ring, (long) RingAddresses.DESCRIPTOR_BYTES * last, index);
            next[last] = index;
        }
        descriptor(
                ring, (long) RingAddresses.DESCRIPTOR_BYTES * index, guestAddress, length, flags);
        last = index;
    }

    private int allocate() {
        if (freeCount == 0) {
            throw new IllegalStateException("all " + size + " descriptors are in use");
        }
        int index = firstFree;
        firstFree = next[index];
        next[index] = NONE;
        freeCount--;
        return index;
    }

    static void descriptor(MemorySegment table, long at, long address, long length, int flags) {
        LONG.set(table, at, address);
        LONG.set(table, at + Long.BYTES, (length & 0xffffffffL) | (long) flags << 32);
    }

    private static void goOn(MemorySegment table, long at, int index) {
        long rest = (long) LONG.get(table, at + Long.BYTES);
        long flags = (rest >>> 32 | ChainReader.NEXT) & WRAP;
        LONG.set(table, at + Long.BYTES, (rest & 0xffffffffL) | flags << 32 | (long) index << 48);
    }

    /**
     * Ends the chain that was begun. The device sees it with the next {@link #submit}.
     *
     * @return its number, by which {@link #take} knows it
     */
    public int end() {
        if (indirect) {
            head = allocate();
            descriptor(
                    ring,
                    (long) RingAddresses.DESCRIPTOR_BYTES * head,
                    tableAt + memory.region().guestAddress(),
                    (long) RingAddresses.DESCRIPTOR_BYTES * tableEntries,
                    ChainReader.INDIRECT);
        }
        makeAvailable(head);
        return head;
    }

    void makeAvailable(int chain) {
        long at =
                availableAt
                        + RingAddresses.HEADER_BYTES
                        + (long) RingAddresses.AVAILABLE_ENTRY_BYTES * (made & size - 1);
        SHORT.setOpaque(ring, at, (short) chain);
        made = made + 1 & WRAP;
    }

    /** Shows the device all chains that have ended, and kicks it if it wants to be. */
    public void submit() {
        int before = shown;
        show();
        if (wantsKick(before)) {
            kick.trySignal();
        }
    }

    void show() {
        shown = made;
        SHORT.setRelease(ring, availableAt + INDEX, (short) made);
    }

    private boolean wantsKick(int before) {
        VarHandle.fullFence(); // the device says where it wants it, has a fence, and looks
        if (!eventIndex) {
            return ((short) SHORT.getOpaque(ring, usedAt) & NO_NOTIFY) == 0;
        }
        long at = usedAt + RingAddresses.usedBytes(size) - RingAddresses.EVENT_BYTES;
        int event = (short) SHORT.getOpaque(ring, at) & WRAP;
        return (shown - event - 1 & WRAP) < (shown - before & WRAP);
    }

    /** {@return the number of a chain that the device has given back, or {@link #NONE}} */
    public int take() {
        if (taken == seen) {
            seen = (short) SHORT.getAcquire(ring, usedAt + INDEX) & WRAP;
            if (taken == seen) {
                return NONE;
            }
        }
        long at =
                usedAt
                        + RingAddresses.HEADER_BYTES
                        + (long) RingAddresses.USED_ENTRY_BYTES * (taken & size - 1);
        int chain = (int) INT.getOpaque(ring, at);
        written = (int) INT.getOpaque(ring, at + Integer.BYTES);
        taken = taken + 1 & WRAP;
        release(chain);
        return chain;
    }

    private void release(int chain) {
        if (chain < 0 || chain >= size) {
            throw new IllegalStateException("the device has given back chain " + chain);
        }
        int index = chain;
        freeCount++;
        while (next[index] != NONE) {
            index = next[index];
            freeCount++;
        }
        next[index] = firstFree;
        firstFree = chain;
    }

    /** {@return how many bytes the device has written for the chain that was taken last} */
    public int written() {
        return written;
    }

    /**
     * Waits until the device has given something back.
     *
     * @param timeoutMillis how long to wait; negative: as long as it takes
     * @return whether there is something to take
     */
    public boolean await(int timeoutMillis) throws ErrnoException {
        while (true) {
            if (eventIndex) {
                long at = availableAt + RingAddresses.availableBytes(size);
                SHORT.setOpaque(ring, at - RingAddresses.EVENT_BYTES, (short) taken);
            }
            VarHandle.fullFence(); // the device raises its index, has a fence, and looks
            if (((short) SHORT.getAcquire(ring, usedAt + INDEX) & WRAP) != taken) {
                return true;
            }
            if (calls.await(timeoutMillis) == 0 && timeoutMillis >= 0) {
                return ((short) SHORT.getAcquire(ring, usedAt + INDEX) & WRAP) != taken;
            }
        }
    }

    // --- for whoever plays a hostile driver ---------------------------------------------------

    /** {@return the ring: descriptors, available at {@link #availableAt}, used} */
    MemorySegment ring() {
        return ring;
    }

    long availableAt() {
        return availableAt;
    }

    long usedAt() {
        return usedAt;
    }

    /** Closes the descriptors. The back-end must have stopped the queue, or be gone. */
    @Override
    public void close() {
        calls.close();
        kick.close();
        call.close();
        error.close();
    }
}
