// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Pieces of memory outside the heap that one system call reads a file into, or writes to a file, so
 * that data moves without a copy of ours. Used again and again by one thread at a time; allocates
 * nothing once it has grown to what is needed.
 *
 * <p>The kernel works with addresses: whoever adds a piece sees to it that the memory stays where
 * it is until the call has returned.
 *
 * @spec https://man7.org/linux/man-pages/man2/readv.2.html preadv2(2), pwritev2(2)
 */
public final class IoVector {
    /** The most pieces that the kernel takes in one call. */
    public static final int MOST_PIECES = 1024;

    private static final int FIRST_PIECES = 16;
    private static final long ENTRY_BYTES = Structs.IOVEC.byteSize();

    private MemorySegment entries = allocate(FIRST_PIECES);
    private int count;
    private long bytes;

    /**
     * Adds {@code length} bytes of {@code memory} from {@code offset} on, at the end.
     *
     * @return whether there was room; at most {@link #MOST_PIECES} fit
     * @throws IndexOutOfBoundsException if they are not within {@code memory}
     * @throws IllegalArgumentException if {@code memory} is on the heap
     */
    public boolean add(MemorySegment memory, long offset, long length) {
        Objects.checkFromIndexSize(offset, length, memory.byteSize());
        if (!memory.isNative()) {
            throw new IllegalArgumentException("memory on the heap has no address");
        }
        if (count == MOST_PIECES) {
            return false;
        }
        long at = count * ENTRY_BYTES;
        if (at == entries.byteSize()) {
            MemorySegment larger = allocate(Math.min(MOST_PIECES, 4 * count));
            MemorySegment.copy(entries, 0, larger, 0, at);
            entries = larger;
        }
        entries.set(JAVA_LONG, at, memory.address() + offset);
        entries.set(JAVA_LONG, at + Long.BYTES, length);
        count++;
        bytes += length;
        return true;
    }

    /** Forgets all pieces. */
    public void clear() {
        count = 0;
        bytes = 0;
    }

    /** {@return how many pieces there are} */
    public int count() {
        return count;
    }

    /** {@return how many bytes the pieces have together} */
    public long bytes() {
        return bytes;
    }

    /**
     * Hot face of reading a file into the pieces: how many bytes were read, 0 at the end of the
     * file, or a negated errno.
     *
     * @param offset in the file
     * @param flags of preadv2(2)
     */
    public long tryReadFrom(Fd file, long offset, int flags) {
        // ssize_t preadv2(int fd, const struct iovec *iov, int iovcnt, unsigned long low,
        //                 unsigned long high, int flags); all of the offset is in low, 64-bit
        return Native.syscall(
                SystemCall.PREADV2, file.number(), entries.address(), count, offset, 0, flags);
    }

    /**
     * Hot face of writing the pieces to a file: how many bytes were written, or a negated errno.
     *
     * @param offset in the file
     * @param flags of pwritev2(2)
     */
    public long tryWriteTo(Fd file, long offset, int flags) {
        // ssize_t pwritev2(int fd, const struct iovec *iov, int iovcnt, unsigned long low,
        //                  unsigned long high, int flags);
        return Native.syscall(
                SystemCall.PWRITEV2, file.number(), entries.address(), count, offset, 0, flags);
    }

    /**
     * Reads a file into the pieces.
     *
     * @return how many bytes were read; 0 at the end of the file
     * @throws ErrnoException what the file system answers
     */
    public long readFrom(Fd file, long offset) throws ErrnoException {
        return ErrnoException.check("preadv2", tryReadFrom(file, offset, 0));
    }

    /**
     * Writes the pieces to a file.
     *
     * @return how many bytes were written
     * @throws ErrnoException what the file system answers
     */
    public long writeTo(Fd file, long offset) throws ErrnoException {
        return ErrnoException.check("pwritev2", tryWriteTo(file, offset, 0));
    }

    private static MemorySegment allocate(int pieces) {
        return Arena.ofAuto().allocate(Structs.IOVEC, pieces);
    }
}
