// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * Waits in the kernel for several descriptors at once, for one platform thread that has nothing
 * else to wait for. Descriptors may be added and removed by other threads meanwhile; {@link #await}
 * allocates nothing.
 *
 * <p>Each descriptor is watched for <em>changes</em>: a wait ends once for each time that something
 * arrives, and also for what was there when the descriptor was added. So a counter ({@link
 * EventFd}) need not be read to be waited for again, which saves a system call a turn.
 *
 * @spec https://man7.org/linux/man-pages/man7/epoll.7.html epoll(7), EPOLLET
 */
public final class Epoll implements AutoCloseable {
    private static final int EPOLL_CLOEXEC = 0x80000;
    private static final int EPOLL_CTL_ADD = 1;
    private static final int EPOLL_CTL_DEL = 2;
    private static final int EPOLLIN = 1;
    private static final int EPOLLET = 1 << 31;
    private static final int EVENTS_AT_ONCE = 8;
    private static final long EVENT_BYTES = Structs.EPOLL_EVENT.byteSize();
    private static final VarHandle EVENTS =
            Structs.EPOLL_EVENT.varHandle(PathElement.groupElement("events"));
    private static final VarHandle DATA =
            Structs.EPOLL_EVENT.varHandle(PathElement.groupElement("data"));

    private final Fd epoll;
    private final Arena arena =
            Arena.ofAuto(); // a thread may still be in await() when it is closed
    private final MemorySegment events = arena.allocate(Structs.EPOLL_EVENT, EVENTS_AT_ONCE);

    private Epoll(Fd epoll) {
        this.epoll = epoll;
    }

    /**
     * {@return what waits for nothing yet}
     *
     * @throws ErrnoException EMFILE or ENFILE if no descriptor is left
     */
    public static Epoll create() throws ErrnoException {
        // int epoll_create1(int flags);
        long fd = Native.syscall(SystemCall.EPOLL_CREATE1, EPOLL_CLOEXEC);
        return new Epoll(new Fd((int) ErrnoException.check("epoll_create1", fd)));
    }

    /**
     * Watches a descriptor, until it is removed or closed.
     *
     * @param token what {@link #token} tells of it
     * @throws ErrnoException EEXIST if it is watched already, EPERM if it is of a kind that is
     *     always ready
     */
    public void add(Fd fd, long token) throws ErrnoException {
        ErrnoException.check("epoll_ctl", control(EPOLL_CTL_ADD, fd, token));
    }

    /** Ends a watch; to be called before the descriptor is closed if it has duplicates. */
    public void remove(Fd fd) throws ErrnoException {
        ErrnoException.check("epoll_ctl", control(EPOLL_CTL_DEL, fd, 0));
    }

    private long control(int operation, Fd fd, long token) {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment event = temporary.allocate(Structs.EPOLL_EVENT);
            EVENTS.set(event, 0L, EPOLLIN | EPOLLET);
            DATA.set(event, 0L, token);
            // int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
            return Native.syscall(
                    SystemCall.EPOLL_CTL, epoll.number(), operation, fd.number(), event.address());
        }
    }

    /**
     * Blocks the calling thread, a platform thread, until something has arrived somewhere or time
     * is up. One thread at a time.
     *
     * @param timeoutMillis how long to wait; negative: as long as it takes
     * @return how many descriptors there are to ask {@link #token} for; 0 if time is up or a signal
     *     came
     * @throws ErrnoException EBADF if it was closed meanwhile
     */
    public int await(int timeoutMillis) throws ErrnoException {
        // int epoll_pwait(int, struct epoll_event *, int maxevents, int timeout, const sigset_t *,
        //                 size_t);
        long n =
                Native.syscall(
                        SystemCall.EPOLL_PWAIT,
                        epoll.number(),
                        events.address(),
                        EVENTS_AT_ONCE,
                        timeoutMillis,
                        0,
                        0);
        return n == -Errno.EINTR ? 0 : (int) ErrnoException.check("epoll_pwait", n);
    }

    /** {@return the token of the descriptor that the last wait reported at this place} */
    public long token(int index) {
        return (long) DATA.get(events, index * EVENT_BYTES);
    }

    /** Ends all watches. Does not wake a thread in {@link #await}. */
    @Override
    public void close() {
        epoll.close();
    }
}
