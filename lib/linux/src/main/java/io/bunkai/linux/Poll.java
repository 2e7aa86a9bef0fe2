// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Waits until something can be read.
 *
 * @spec https://man7.org/linux/man-pages/man2/poll.2.html ppoll(2)
 */
public final class Poll {
    private static final short POLLIN = 1;
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
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment entry = arena.allocate(Structs.POLLFD);
            entry.set(JAVA_INT, Structs.offset(Structs.POLLFD, "fd"), fd.number());
            entry.set(JAVA_SHORT, Structs.offset(Structs.POLLFD, "events"), POLLIN);
            while (true) {
                long timeout = 0;
                if (timeoutMillis >= 0) {
                    // The kernel writes the rest of the time back, so an interrupted wait goes on
                    // with it.
                    MemorySegment spec = arena.allocate(Structs.TIMESPEC);
                    spec.set(JAVA_LONG, 0, timeoutMillis / MILLIS_PER_SECOND);
                    spec.set(JAVA_LONG, 8, timeoutMillis % MILLIS_PER_SECOND * NANOS_PER_MILLI);
                    timeout = spec.address();
                }
                // int ppoll(struct pollfd *, nfds_t, struct timespec *, const sigset_t *, size_t);
                long n = Native.syscall(SystemCall.PPOLL, entry.address(), 1, timeout, 0);
                if (n != -Errno.EINTR) {
                    return ErrnoException.check("ppoll", n) > 0;
                }
            }
        }
    }
}
