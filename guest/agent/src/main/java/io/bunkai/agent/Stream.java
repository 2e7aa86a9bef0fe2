// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.Poll;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * One end of a process's standard stream, in the agent's hands.
 *
 * <p>Whoever reads or writes waits in poll(2) and is woken by the end of its connection too, and
 * looks for that before it touches the data: output that was not read for anyone stays in the pipe
 * for the next connection. Thread-safe; nobody holds a lock while waiting.
 */
final class Stream implements AutoCloseable {
    /** What a pipe holds unless told otherwise; also bounds the answer to a read. */
    private static final int MOST_BYTES = 64 * 1024;

    /**
     * How long a read waits for what an ended process may have left to its children, as Kata's
     * agent does: a daemon that was started in the background keeps the pipe open for ever.
     */
    private static final long DRAIN_MILLIS = 500;

    private final SharedFd shared;
    private final Signal ended;
    private final Object order = new Object(); // one read or write at a time, so bytes do not mix

    /**
     * Takes over a descriptor and makes it non-blocking.
     *
     * @param ended raised when the process has ended
     */
    Stream(Fd fd, Signal ended) throws ErrnoException {
        this(new SharedFd(fd), ended);
        fd.setNonBlocking();
    }

    /** A second stream of the same descriptor: a terminal is read and written through one. */
    Stream(SharedFd shared, Signal ended) {
        this.shared = shared;
        this.ended = ended;
    }

    SharedFd shared() {
        return shared;
    }

    /**
     * {@return the next bytes, at least one; none at the end of the stream, which closes it}
     *
     * @throws Fault CANCELLED if {@code gone} is raised while waiting
     */
    byte[] read(int most, Signal gone) throws ErrnoException {
        Optional<Fd> fd = shared.acquire();
        if (fd.isEmpty()) {
            return new byte[0];
        }
        try {
            byte[] buffer = new byte[Math.min(Math.max(1, most), MOST_BYTES)];
            while (true) {
                boolean ready = await(Poll.Interest.toRead(fd.get()), gone);
                int n = ready ? tryRead(fd.get(), buffer) : 0;
                if (n == 0) {
                    shared.close();
                }
                if (n >= 0) {
                    return Arrays.copyOf(buffer, n);
                }
            }
        } finally {
            shared.release();
        }
    }

    /**
     * Writes what there is room for, at least one byte.
     *
     * @return how many bytes were taken
     * @throws Fault CANCELLED if {@code gone} is raised while waiting; FAILED_PRECONDITION if the
     *     stream is closed or the process has ended
     */
    int write(byte[] data, Signal gone) throws ErrnoException {
        Optional<Fd> fd = shared.acquire();
        if (fd.isEmpty()) {
            throw Fault.failedPrecondition("standard input is closed");
        }
        try {
            while (true) {
                await(Poll.Interest.toWrite(fd.get()), gone);
                if (ended.isRaised()) {
                    throw Fault.failedPrecondition("the process has ended");
                }
                int n = tryWrite(fd.get(), data);
                if (n > 0) {
                    return n;
                }
            }
        } finally {
            shared.release();
        }
    }

    /**
     * {@return whether the descriptor is ready; false if the process ended and nothing came since}
     */
    private boolean await(Poll.Interest interest, Signal gone) throws ErrnoException {
        List<Poll.Interest> interests = new ArrayList<>(3);
        interests.add(interest);
        Optional<Fd> goneFd = gone.acquire();
        Optional<Fd> endedFd = ended.acquire();
        try {
            goneFd.ifPresent(fd -> interests.add(Poll.Interest.toRead(fd)));
            endedFd.ifPresent(fd -> interests.add(Poll.Interest.toRead(fd)));
            boolean ready = Poll.any(interests, endedFd.isPresent() ? -1 : DRAIN_MILLIS);
            if (gone.isRaised()) {
                throw Fault.of(FaultCode.CANCELLED, "the connection that asked is gone");
            }
            return ready;
        } finally {
            if (goneFd.isPresent()) {
                gone.release();
            }
            if (endedFd.isPresent()) {
                ended.release();
            }
        }
    }

    /** {@return how many bytes; 0 at the end; -1 if another reader was faster} */
    private int tryRead(Fd fd, byte[] buffer) throws ErrnoException {
        synchronized (order) {
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
    }

    private int tryWrite(Fd fd, byte[] data) throws ErrnoException {
        synchronized (order) {
            try {
                return fd.write(data, 0, data.length);
            } catch (ErrnoException e) {
                return switch (e.errno()) {
                    case Errno.EAGAIN -> 0;
                    case Errno.EPIPE, Errno.EIO ->
                            throw Fault.failedPrecondition("the process closed its standard input");
                    default -> throw e;
                };
            }
        }
    }

    /** Closes the descriptor as soon as nobody waits on it. Idempotent. */
    @Override
    public void close() {
        shared.close();
    }
}
