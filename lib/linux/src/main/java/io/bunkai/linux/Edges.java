// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Waits for a descriptor's state to change, where waiting for the state itself would not wait: the
 * descriptor counts as ready for as long as its other side has hung up.
 *
 * <p>A change between two waits is not lost: the next wait returns at once.
 *
 * @spec https://man7.org/linux/man-pages/man7/epoll.7.html epoll(7), EPOLLET
 */
public final class Edges implements AutoCloseable {
    private static final int EPOLL_CLOEXEC = 0x80000;
    private static final int EPOLL_CTL_ADD = 1;
    private static final int EPOLLIN = 1;
    private static final int EPOLLET = 1 << 31;

    /** struct epoll_event: 12 bytes on x86-64, where it is packed, 16 elsewhere. */
    private static final int EVENT_BYTES = 16;

    private final Fd epoll;

    private Edges(Fd epoll) {
        this.epoll = epoll;
    }

    /**
     * {@return what waits for changes of {@code fd}: data has come, the other side hung up or came
     * back with data}
     *
     * @throws ErrnoException EPERM if {@code fd} is of a kind that is always ready, EMFILE
     */
    public static Edges of(Fd fd) throws ErrnoException {
        // int epoll_create1(int flags);
        long number = Native.syscall(SystemCall.EPOLL_CREATE1, EPOLL_CLOEXEC);
        Fd epoll = new Fd((int) ErrnoException.check("epoll_create1", number));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment event = arena.allocate(EVENT_BYTES, 8);
            event.set(JAVA_INT, 0, EPOLLIN | EPOLLET);
            // int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
            ErrnoException.check(
                    "epoll_ctl",
                    Native.syscall(
                            SystemCall.EPOLL_CTL,
                            epoll.number(),
                            EPOLL_CTL_ADD,
                            fd.number(),
                            event.address()));
            return new Edges(epoll);
        } catch (ErrnoException e) {
            epoll.close();
            throw e;
        }
    }

    /** Blocks the calling thread, a platform thread, until something has changed. */
    public void await() throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment event = arena.allocate(EVENT_BYTES, 8);
            long n;
            do {
                // int epoll_pwait(int, struct epoll_event *, int, int, const sigset_t *, size_t);
                n =
                        Native.syscall(
                                SystemCall.EPOLL_PWAIT,
                                epoll.number(),
                                event.address(),
                                1,
                                -1,
                                0,
                                0);
            } while (n == -Errno.EINTR);
            ErrnoException.check("epoll_pwait", n);
        }
    }

    /** Ends the watch. Does not wake a thread in {@link #await}, does not close what is watched. */
    @Override
    public void close() {
        epoll.close();
    }
}
