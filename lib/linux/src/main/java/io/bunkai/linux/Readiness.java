// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Tells whoever waits for a descriptor that it is ready. A thread that waits in the kernel is a
 * platform thread, and a virtual thread that does so takes its carrier with it; so there is one
 * platform thread for the whole process, started with the first wait, that waits for all of them.
 *
 * <p>Each watch has a number that is used once. The kernel reports that number and not the
 * descriptor's, so a report that was under way when its watch ended reaches nobody, even if the
 * descriptor's number belongs to another file by then.
 *
 * @spec https://man7.org/linux/man-pages/man7/epoll.7.html epoll(7)
 */
final class Readiness {
    /** There is something to read, or will never be again. */
    static final int TO_READ = 1;

    /** There is room to write, or nobody will read. */
    static final int TO_WRITE = 4;

    private static final int EPOLLONESHOT = 1 << 30;
    private static final int EPOLL_CLOEXEC = 0x80000;
    private static final int EPOLL_CTL_ADD = 1;
    private static final int EPOLL_CTL_DEL = 2;
    private static final int EPOLL_CTL_MOD = 3;
    private static final int EVENTS_AT_ONCE = 64;
    private static final long STACK_BYTES = 128 * 1024;
    private static final long EVENT_BYTES = Structs.EPOLL_EVENT.byteSize();
    private static final VarHandle EVENTS =
            Structs.EPOLL_EVENT.varHandle(PathElement.groupElement("events"));
    private static final VarHandle DATA =
            Structs.EPOLL_EVENT.varHandle(PathElement.groupElement("data"));

    private static final Object LOCK = new Object();
    private static @Nullable Readiness shared; // guarded by LOCK

    private final Fd epoll;
    private final Map<Long, Watch> watches = new ConcurrentHashMap<>();
    private final AtomicLong nextNumber = new AtomicLong();

    private Readiness(Fd epoll) {
        this.epoll = epoll;
    }

    /**
     * {@return the one of this process}
     *
     * @throws ErrnoException EMFILE if no descriptor is left
     */
    static Readiness shared() throws ErrnoException {
        synchronized (LOCK) {
            if (shared == null) {
                // int epoll_create1(int flags);
                long number = Native.syscall(SystemCall.EPOLL_CREATE1, EPOLL_CLOEXEC);
                shared = new Readiness(new Fd((int) ErrnoException.check("epoll_create1", number)));
                Thread thread = new Thread(null, shared::report, "readiness", STACK_BYTES);
                thread.setDaemon(true); // it has no work of its own, and ends with the process
                thread.start();
            }
            return shared;
        }
    }

    /** One descriptor that is waited for. Its owner lets one thread at a time call it. */
    final class Watch {
        private final Fd fd;
        private final int interest;
        private final Runnable report;
        private final long number = nextNumber.incrementAndGet();
        private boolean known;

        private Watch(Fd fd, int interest, Runnable report) {
            this.fd = fd;
            this.interest = interest;
            this.report = report;
        }

        /**
         * Asks for one report: at once if the descriptor is ready now, and before this returns if
         * it is of a kind that is always ready.
         *
         * @throws ErrnoException EEXIST if the descriptor has another watch, ENOSPC if this user
         *     has too many
         */
        void arm() throws ErrnoException {
            watches.put(number, this);
            long result = control(known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD);
            if (result < 0 && !known) {
                watches.remove(number);
            }
            if (result == -Errno.EPERM) {
                report.run();
                return;
            }
            ErrnoException.check("epoll_ctl", result);
            known = true;
        }

        /** Ends the watch; to be called before the descriptor is closed. Idempotent. */
        void end() {
            if (known) {
                known = false;
                control(EPOLL_CTL_DEL);
                watches.remove(number);
            }
        }

        private long control(int operation) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment event = arena.allocate(Structs.EPOLL_EVENT);
                EVENTS.set(event, 0L, interest | EPOLLONESHOT);
                DATA.set(event, 0L, number);
                // int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
                return Native.syscall(
                        SystemCall.EPOLL_CTL,
                        epoll.number(),
                        operation,
                        fd.number(),
                        event.address());
            }
        }
    }

    /**
     * {@return a watch that nothing is asked of yet}
     *
     * @param interest {@link #TO_READ} or {@link #TO_WRITE}
     * @param report run by the thread that waits for all descriptors, so it must not wait; may come
     *     once more than was asked for
     */
    Watch watch(Fd fd, int interest, Runnable report) {
        return new Watch(fd, interest, report);
    }

    /** {@return how many watches have not ended} */
    int watches() {
        return watches.size();
    }

    private void report() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment events = arena.allocate(Structs.EPOLL_EVENT, EVENTS_AT_ONCE);
            while (true) {
                // int epoll_pwait(int, struct epoll_event *, int, int, const sigset_t *, size_t);
                long n =
                        Native.syscall(
                                SystemCall.EPOLL_PWAIT,
                                epoll.number(),
                                events.address(),
                                EVENTS_AT_ONCE,
                                -1,
                                0,
                                0);
                if (n < 0 && n != -Errno.EINTR) {
                    throw new AssertionError("epoll_pwait: " + Errno.describe((int) -n));
                }
                for (int i = 0; i < n; i++) {
                    Watch watch = watches.get((long) DATA.get(events, i * EVENT_BYTES));
                    if (watch != null) {
                        watch.report.run();
                    }
                }
            }
        }
    }
}
