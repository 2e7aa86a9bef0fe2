// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.Poll;
import java.util.Optional;

/**
 * What a process reads, by offset: what was taken for it once is not written again. Thread-safe;
 * nobody holds the lock while waiting.
 */
final class ProcessInput implements AutoCloseable {
    private final Stream stream;
    private final Object lock = new Object(); // one write at a time, so that bytes do not mix
    private long taken; // guarded by lock

    ProcessInput(Stream stream) {
        this.stream = stream;
    }

    /**
     * Writes what there is room for, at least one byte, wherever the input has come to.
     *
     * @return how many bytes were taken
     * @throws Fault as {@link #writeAt}
     */
    int write(byte[] data, Signal gone) throws ErrnoException {
        while (true) {
            Fd fd = acquire();
            try {
                awaitRoom(fd, gone);
                synchronized (lock) {
                    int n = tryWrite(fd, data, 0);
                    if (n > 0) {
                        return n;
                    }
                }
            } finally {
                stream.shared().release();
            }
        }
    }

    /**
     * Writes what was not taken before, as much as there is room for, at least one byte of it.
     *
     * @param offset of the first byte
     * @param data none only asks where input goes on
     * @return where input goes on
     * @throws Fault OUT_OF_RANGE if bytes before {@code offset} are missing; CANCELLED if {@code
     *     gone} is raised while waiting; FAILED_PRECONDITION if the stream is closed or the process
     *     has ended, unless all was taken before that
     */
    long writeAt(long offset, byte[] data, Signal gone) throws ErrnoException {
        while (true) {
            synchronized (lock) {
                if (data.length == 0 || skipped(offset) >= data.length) {
                    return taken;
                }
            }
            Fd fd = acquire();
            try {
                awaitRoom(fd, gone);
                synchronized (lock) {
                    long skip = skipped(offset);
                    if (skip >= data.length || tryWrite(fd, data, (int) skip) > 0) {
                        return taken;
                    }
                }
            } finally {
                stream.shared().release();
            }
        }
    }

    /** {@return how many bytes after this offset have been taken} */
    private long skipped(long offset) {
        if (offset < 0 || offset > taken) { // beyond 63 bits it is negative
            throw Fault.of(
                    FaultCode.OUT_OF_RANGE,
                    "input goes on at %d, and %s was written to",
                    taken,
                    Long.toUnsignedString(offset));
        }
        return taken - offset;
    }

    private Fd acquire() {
        Optional<Fd> fd = stream.shared().acquire();
        return fd.orElseThrow(() -> Fault.failedPrecondition("standard input is closed"));
    }

    private void awaitRoom(Fd fd, Signal gone) throws ErrnoException {
        stream.await(Poll.Interest.toWrite(fd), gone);
        if (stream.processHasEnded()) {
            throw Fault.failedPrecondition("the process has ended");
        }
    }

    private int tryWrite(Fd fd, byte[] data, int from) throws ErrnoException {
        try {
            int n = fd.write(data, from, data.length - from);
            taken += n;
            return n;
        } catch (ErrnoException e) {
            return switch (e.errno()) {
                case Errno.EAGAIN -> 0;
                case Errno.EPIPE, Errno.EIO ->
                        throw Fault.failedPrecondition("the process closed its standard input");
                default -> throw e;
            };
        }
    }

    /** Ends the input. Idempotent. */
    @Override
    public void close() {
        stream.close();
    }
}
