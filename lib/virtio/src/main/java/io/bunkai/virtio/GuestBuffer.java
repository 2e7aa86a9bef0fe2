// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import io.bunkai.linux.IoVector;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;

/**
 * The bytes of one direction of a {@link Chain}: what the guest lets the device read, or where it
 * lets the device write. They lie scattered in the guest's memory, and the guest may change them at
 * any moment: copy what decides something out of it once, then look at the copy.
 *
 * <p>Used by one thread at a time. Nothing here allocates.
 */
public final class GuestBuffer {
    private static final int FEW = 8;

    private MemorySegment[] memories = new MemorySegment[FEW];
    private long[] offsets = new long[FEW];
    private int[] lengths = new int[FEW];
    private long[] guestAddresses = new long[FEW]; // for the log of dirty pages
    private int ranges;
    private long bytes;

    /** Where the last access ended, since the next one mostly goes on there. */
    private int nearRange;

    private long nearPosition;

    GuestBuffer() {}

    /** {@return how many bytes there are} */
    public long byteSize() {
        return bytes;
    }

    /** {@return how many pieces they lie in} */
    public int ranges() {
        return ranges;
    }

    /** {@return the memory that has a piece, and other bytes besides} */
    public MemorySegment memory(int range) {
        return memories[Objects.checkIndex(range, ranges)];
    }

    /** {@return where in its memory a piece begins} */
    public long offset(int range) {
        return offsets[Objects.checkIndex(range, ranges)];
    }

    /** {@return how many bytes a piece has} */
    public int length(int range) {
        return lengths[Objects.checkIndex(range, ranges)];
    }

    /**
     * Copies bytes out of the guest's memory.
     *
     * @param position of the first byte, from 0 on
     * @throws IndexOutOfBoundsException if there are not that many, here or in {@code target}
     */
    public void get(long position, MemorySegment target, long targetOffset, long length) {
        Objects.checkFromIndexSize(position, length, bytes);
        long done = 0;
        int range = find(position);
        long within = position - nearPosition;
        while (done < length) {
            long part = Math.min(length - done, lengths[range] - within);
            MemorySegment.copy(
                    memories[range], offsets[range] + within, target, targetOffset + done, part);
            done += part;
            within = 0;
            range++;
        }
    }

    /**
     * Copies bytes into the guest's memory.
     *
     * @param position of the first byte, from 0 on
     * @throws IndexOutOfBoundsException if there are not that many, here or in {@code source}
     */
    public void put(long position, MemorySegment source, long sourceOffset, long length) {
        Objects.checkFromIndexSize(position, length, bytes);
        long done = 0;
        int range = find(position);
        long within = position - nearPosition;
        while (done < length) {
            long part = Math.min(length - done, lengths[range] - within);
            MemorySegment.copy(
                    source, sourceOffset + done, memories[range], offsets[range] + within, part);
            done += part;
            within = 0;
            range++;
        }
    }

    /**
     * Adds bytes to what a system call reads into or writes from, without a copy. The call has to
     * return before the chain is completed.
     *
     * @param position of the first byte, from 0 on
     * @return how many were added: less than {@code length} if the vector is full
     * @throws IndexOutOfBoundsException if there are not that many here
     */
    public long addTo(IoVector vector, long position, long length) {
        Objects.checkFromIndexSize(position, length, bytes);
        long done = 0;
        int range = find(position);
        long within = position - nearPosition;
        while (done < length) {
            long part = Math.min(length - done, lengths[range] - within);
            if (!vector.add(memories[range], offsets[range] + within, part)) {
                return done;
            }
            done += part;
            within = 0;
            range++;
        }
        return done;
    }

    /** {@return the piece that has the byte at a position; {@link #nearPosition} is its first} */
    private int find(long position) {
        if (position < nearPosition) {
            nearRange = 0;
            nearPosition = 0;
        }
        while (nearRange < ranges && position - nearPosition >= lengths[nearRange]) {
            nearPosition += lengths[nearRange];
            nearRange++;
        }
        return nearRange;
    }

    void clear() {
        ranges = 0;
        bytes = 0;
        nearRange = 0;
        nearPosition = 0;
    }

    void add(MemorySegment memory, long offset, int length, long guestAddress) {
        if (ranges == lengths.length) {
            int larger = 4 * ranges;
            memories = Arrays.copyOf(memories, larger);
            offsets = Arrays.copyOf(offsets, larger);
            lengths = Arrays.copyOf(lengths, larger);
            guestAddresses = Arrays.copyOf(guestAddresses, larger);
        }
        memories[ranges] = memory;
        offsets[ranges] = offset;
        lengths[ranges] = length;
        guestAddresses[ranges] = guestAddress;
        ranges++;
        bytes += length;
    }

    /** Marks all of it as written. */
    void mark(DirtyLog log) {
        for (int i = 0; i < ranges; i++) {
            log.mark(guestAddresses[i], lengths[i]);
        }
    }

    /** {@return for how many pieces there is room without growing} */
    int capacity() {
        return lengths.length;
    }

    /** Gives back what an unusually long chain needed. */
    void shrink() {
        if (lengths.length > FEW) {
            memories = new MemorySegment[FEW];
            offsets = new long[FEW];
            lengths = new int[FEW];
            guestAddresses = new long[FEW];
        }
    }
}
