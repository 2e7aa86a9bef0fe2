// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.Poll;
import java.util.Arrays;
import java.util.Optional;

/**
 * What a process writes, from one of its streams, by offset: what was handed out is kept until it
 * is acknowledged.
 *
 * <p>A reader asks for an offset, and by that acknowledges everything below it. Nothing is taken
 * from the pipe while something is kept, so at most one read is, and a reader that does not
 * acknowledge stops the process as a full pipe does. A call that never got its answer is asked
 * again, on whatever connection. Kata's reads, which know of no offsets, acknowledge as they take.
 *
 * <p>Memory: what is kept, and a buffer of the same size once something was read; neither before
 * that, nor the buffer after the end. Thread-safe; nobody holds the lock while waiting.
 */
final class ProcessOutput implements AutoCloseable {
    /** From here on a buffer is handed out instead of being copied from. */
    private static final int WORTH_A_BUFFER = Stream.MOST_BYTES / 4;

    private static final byte[] NO_BUFFER = new byte[0];

    private final Stream stream;
    private final Object lock = new Object(); // guards what follows
    private byte[] buffer = NO_BUFFER;
    private ByteString kept = ByteString.EMPTY;
    private long keptFrom; // everything below is acknowledged
    private boolean ended; // nothing will be read any more
    private boolean filling; // one reader waits for the pipe, and others wait for that one

    ProcessOutput(Stream stream) {
        this.stream = stream;
    }

    /**
     * A piece of output.
     *
     * @param offset of its first byte
     * @param end whether nothing follows it
     */
    record Piece(long offset, ByteString data, boolean end) {}

    /**
     * {@return what follows an offset, at least one byte, or the end}
     *
     * @param most bytes; 0 for as many as a read gives
     * @throws Fault OUT_OF_RANGE if the offset was acknowledged before or is beyond what was handed
     *     out; CANCELLED if {@code gone} is raised while waiting
     */
    Piece readAt(long offset, int most, Signal gone) throws ErrnoException, InterruptedException {
        while (true) {
            synchronized (lock) {
                acknowledge(offset);
                if (!kept.isEmpty() || ended) {
                    return piece(most);
                }
            }
            fill(gone);
        }
    }

    /** {@return the same from the oldest byte that is not acknowledged} */
    Piece readOldest(int most, Signal gone) throws ErrnoException, InterruptedException {
        while (true) {
            synchronized (lock) {
                if (!kept.isEmpty() || ended) {
                    return piece(most);
                }
            }
            fill(gone);
        }
    }

    /**
     * {@return the next bytes, at least one; none at the end of the stream} They are acknowledged.
     *
     * @throws Fault CANCELLED if {@code gone} is raised while waiting
     */
    ByteString read(int most, Signal gone) throws ErrnoException, InterruptedException {
        while (true) {
            synchronized (lock) {
                if (!kept.isEmpty() || ended) {
                    ByteString data = piece(Math.max(1, most)).data();
                    acknowledge(keptFrom + data.size());
                    return data;
                }
            }
            fill(gone);
        }
    }

    private void acknowledge(long offset) {
        long end = keptFrom + kept.size();
        if (offset < keptFrom || offset > end) { // beyond 63 bits it is negative
            throw Fault.of(
                    FaultCode.OUT_OF_RANGE,
                    "output is kept from %d to %d, and %s was asked for",
                    keptFrom,
                    end,
                    Long.toUnsignedString(offset));
        }
        kept = kept.substring((int) (offset - keptFrom));
        keptFrom = offset;
    }

    private Piece piece(int most) {
        boolean all = most <= 0 || most >= kept.size();
        return new Piece(keptFrom, all ? kept : kept.substring(0, most), all && ended);
    }

    /** Waits for something to keep or for the end, whoever finds it. */
    private void fill(Signal gone) throws ErrnoException, InterruptedException {
        synchronized (lock) {
            while (filling) {
                if (gone.isRaised()) {
                    throw Fault.of(FaultCode.CANCELLED, "the connection that asked is gone");
                }
                lock.wait();
            }
            if (!kept.isEmpty() || ended) {
                return;
            }
            filling = true;
        }
        try {
            fillAlone(gone);
        } finally {
            synchronized (lock) {
                filling = false;
                lock.notifyAll();
            }
        }
    }

    /** Readers look again, because the connection of one of them has ended. */
    void wake() {
        synchronized (lock) {
            lock.notifyAll();
        }
    }

    private void fillAlone(Signal gone) throws ErrnoException {
        Optional<Fd> fd = stream.shared().acquire();
        if (fd.isEmpty()) {
            synchronized (lock) {
                end();
            }
            return;
        }
        try {
            boolean ready = stream.await(Poll.Interest.toRead(fd.get()), gone);
            synchronized (lock) {
                int n = ready ? tryRead(fd.get()) : 0;
                if (n > 0) {
                    keep(n);
                } else if (n == 0) {
                    end();
                    stream.close();
                }
            }
        } finally {
            stream.shared().release();
        }
    }

    private void end() {
        ended = true;
        buffer = NO_BUFFER;
    }

    /** What is handed out is never written to again. */
    private void keep(int bytes) {
        if (bytes < WORTH_A_BUFFER) {
            kept = UnsafeByteOperations.unsafeWrap(Arrays.copyOf(buffer, bytes));
        } else {
            kept = UnsafeByteOperations.unsafeWrap(buffer, 0, bytes);
            buffer = NO_BUFFER;
        }
    }

    /** {@return how many bytes; 0 at the end; -1 if there is nothing after all} */
    private int tryRead(Fd fd) throws ErrnoException {
        if (buffer.length == 0) {
            buffer = new byte[Stream.MOST_BYTES];
        }
        try {
            return fd.read(buffer, 0, buffer.length);
        } catch (ErrnoException e) {
            return switch (e.errno()) {
                case Errno.EAGAIN -> -1;
                case Errno.EIO -> 0; // a terminal's way to say that nobody has it open any more
                default -> throw e;
            };
        }
    }

    /** Takes nothing more from the process. What is kept can still be read. Idempotent. */
    @Override
    public void close() {
        stream.close();
    }
}
