// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;

/**
 * Pieces of memory that make one sequence of bytes, in order: the readable part of a message, or
 * the writable one. To be used again and again; nothing is allocated once it has grown.
 *
 * <p>The memory may belong to a guest, which can change it at any moment. So what decides anything
 * is copied out once, checked, and then used; only data without a meaning to us is used in place,
 * by handing {@link #segment}, {@link #offset} and {@link #length} to a system call.
 *
 * <p>Used by one thread at a time.
 */
public final class Ranges {
    private static final int FIRST_CAPACITY = 8;

    private MemorySegment[] segments = new MemorySegment[FIRST_CAPACITY];
    private long[] offsets = new long[FIRST_CAPACITY];
    private long[] lengths = new long[FIRST_CAPACITY];
    private int count;
    private long bytes;

    /** {@return a sequence of one piece, the whole segment} */
    public static Ranges of(MemorySegment segment) {
        Ranges ranges = new Ranges();
        ranges.add(segment, 0, segment.byteSize());
        return ranges;
    }

    /** Forgets all pieces. */
    public void clear() {
        Arrays.fill(segments, 0, count, MemorySegment.NULL);
        count = 0;
        bytes = 0;
    }

    /**
     * Appends a piece. An empty one is left out.
     *
     * @throws IndexOutOfBoundsException if the segment is smaller than that
     */
    public void add(MemorySegment segment, long offset, long length) {
        Objects.checkFromIndexSize(offset, length, segment.byteSize());
        if (length == 0) {
            return;
        }
        if (count == segments.length) {
            segments = Arrays.copyOf(segments, count * 2);
            offsets = Arrays.copyOf(offsets, count * 2);
            lengths = Arrays.copyOf(lengths, count * 2);
        }
        segments[count] = segment;
        offsets[count] = offset;
        lengths[count] = length;
        count++;
        bytes += length;
    }

    /**
     * Becomes a part of another sequence.
     *
     * @throws IndexOutOfBoundsException if the other is shorter than that
     */
    public void window(Ranges whole, long from, long length) {
        Objects.checkFromIndexSize(from, length, whole.bytes);
        clear();
        long skip = from;
        long left = length;
        for (int i = 0; left > 0; i++) {
            long here = whole.lengths[i];
            if (skip >= here) {
                skip -= here;
                continue;
            }
            long take = Math.min(left, here - skip);
            add(whole.segments[i], whole.offsets[i] + skip, take);
            left -= take;
            skip = 0;
        }
    }

    /** {@return how many pieces there are} */
    public int count() {
        return count;
    }

    /** {@return how many bytes there are, all pieces together} */
    public long bytes() {
        return bytes;
    }

    /** {@return the memory in which a piece lies} */
    public MemorySegment segment(int index) {
        return segments[Objects.checkIndex(index, count)];
    }

    /** {@return where in its segment a piece begins} */
    public long offset(int index) {
        return offsets[Objects.checkIndex(index, count)];
    }

    /** {@return how long a piece is} */
    public long length(int index) {
        return lengths[Objects.checkIndex(index, count)];
    }

    /**
     * Copies bytes out.
     *
     * @param from the first byte, counted from the beginning of the sequence
     * @throws IndexOutOfBoundsException if either side is shorter than that
     */
    public void copyOut(long from, MemorySegment target, long targetOffset, long length) {
        copy(from, target, targetOffset, length, false);
    }

    /**
     * Copies bytes in.
     *
     * @param to the first byte, counted from the beginning of the sequence
     * @throws IndexOutOfBoundsException if either side is shorter than that
     */
    public void copyIn(long to, MemorySegment source, long sourceOffset, long length) {
        copy(to, source, sourceOffset, length, true);
    }

    private void copy(long at, MemorySegment other, long otherOffset, long length, boolean in) {
        Objects.checkFromIndexSize(at, length, bytes);
        long skip = at;
        long done = 0;
        for (int i = 0; done < length; i++) {
            long here = lengths[i];
            if (skip >= here) {
                skip -= here;
                continue;
            }
            long take = Math.min(length - done, here - skip);
            long place = offsets[i] + skip;
            if (in) {
                MemorySegment.copy(other, otherOffset + done, segments[i], place, take);
            } else {
                MemorySegment.copy(segments[i], place, other, otherOffset + done, take);
            }
            done += take;
            skip = 0;
        }
    }

    @Override
    public String toString() {
        return bytes + " bytes in " + count + " pieces";
    }
}
