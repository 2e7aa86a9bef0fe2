// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.Poll;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The descriptor of one of a process's standard streams, in the agent's hands, and how it is waited
 * for.
 *
 * <p>Whoever reads or writes waits in poll(2) and is woken by the end of its connection too, and
 * looks for that before it touches the data. Thread-safe; nobody holds a lock while waiting.
 */
final class Stream implements AutoCloseable {
    /** What a pipe holds unless told otherwise; also bounds the answer to a read. */
    static final int MOST_BYTES = 64 * 1024;

    /**
     * How long a read waits for what an ended process may have left to its children, as Kata's
     * agent does: a daemon that was started in the background keeps the pipe open for ever.
     */
    private static final long DRAIN_MILLIS = 500;

    private final SharedFd shared;
    private final Signal ended;

    /**
     * Takes over a descriptor and makes it non-blocking.
     *
     * @param ended raised when the process has ended
     */
    Stream(Fd fd, Signal ended) throws ErrnoException {
        this.shared = new SharedFd(fd);
        this.ended = ended;
        fd.setNonBlocking();
    }

    SharedFd shared() {
        return shared;
    }

    boolean processHasEnded() {
        return ended.isRaised();
    }

    /**
     * {@return whether the descriptor is ready; false if the process ended and nothing came since}
     *
     * @throws Fault CANCELLED if {@code gone} is raised
     */
    boolean await(Poll.Interest interest, Signal gone) throws ErrnoException {
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

    /** Closes the descriptor as soon as nobody waits on it. Idempotent. */
    @Override
    public void close() {
        shared.close();
    }
}
