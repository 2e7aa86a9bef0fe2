// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Waits until something can be read or written.
 *
 * @spec https://man7.org/linux/man-pages/man2/poll.2.html ppoll(2)
 */
public final class Poll {
    private static final short POLLIN = 1;
    private static final short POLLOUT = 4;
    private static final long ENTRY_BYTES = Structs.POLLFD.byteSize();
    private static final long FD = Structs.offset(Structs.POLLFD, "fd");
    private static final long EVENTS = Structs.offset(Structs.POLLFD, "events");
    private static final long MILLIS_PER_SECOND = 1000;
    private static final long NANOS_PER_MILLI = 1_000_000;

    private Poll() {}

    /**
     * Blocks the calling thread until the descriptor can be read from, its other side has hung up,
     * or time is up.
     *
     * @param timeoutMillis how long to wait; negative: as long as it takes
     * @return whether there is something to read, the end of the file included
     */
    public static boolean readable(Fd fd, long timeoutMillis) throws ErrnoException {
        return any(List.of(Interest.toRead(fd)), timeoutMillis);
    }

    /**
     * Something to wait for.
     *
     * @param fd where
     * @param write whether there must be room to write, rather than something to read
     */
    public record Interest(Fd fd, boolean write) {
        /** {@return the wish to read} */
        public static Interest toRead(Fd fd) {
            return new Interest(fd, false);
        }

        /** {@return the wish to write} */
        public static Interest toWrite(Fd fd) {
            return new Interest(fd, true);
        }
    }

    /**
     * Blocks the calling thread until one of several descriptors is ready, its other side has hung
     * up, or time is up.
     *
     * @param timeoutMillis how long to wait; negative: as long as it takes
     * @return whether one is ready; which, the caller finds out by trying, without blocking
     */
    public static boolean any(List<Interest> interests, long timeoutMillis) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment entries = arena.allocate(ENTRY_BYTES * interests.size(), 4);
            for (int i = 0; i < interests.size(); i++) {
                Interest interest = interests.get(i);
                long at = i * ENTRY_BYTES;
                entries.set(JAVA_INT, at + FD, interest.fd.number());
                entries.set(JAVA_SHORT, at + EVENTS, interest.write ? POLLOUT : POLLIN);
            }
            long timeout = 0;
            if (timeoutMillis >= 0) {
                // The kernel writes the rest of the time back, so an interrupted wait goes on with
                // it.
                MemorySegment spec = arena.allocate(Structs.TIMESPEC);
                spec.set(JAVA_LONG, 0, timeoutMillis / MILLIS_PER_SECOND);
                spec.set(JAVA_LONG, 8, timeoutMillis % MILLIS_PER_SECOND * NANOS_PER_MILLI);
                timeout = spec.address();
            }
            while (true) {
                // int ppoll(struct pollfd *, nfds_t, struct timespec *, const sigset_t *, size_t);
                long n =
                        Native.syscall(
                                SystemCall.PPOLL, entries.address(), interests.size(), timeout, 0);
                if (n != -Errno.EINTR) {
                    return ErrnoException.check("ppoll", n) > 0;
                }
            }
        }
    }
}
