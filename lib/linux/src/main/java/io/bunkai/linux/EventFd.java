// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A counter in the kernel by which one process, or thread, wakes another. Owns its descriptor.
 *
 * @spec https://man7.org/linux/man-pages/man2/eventfd.2.html eventfd(2)
 */
public final class EventFd implements AutoCloseable {
    private static final int EFD_CLOEXEC = 0x80000;
    private static final int EFD_NONBLOCK = 0x800;

    /** What is added with each signal. Never written. */
    private static final MemorySegment ONE = Arena.global().allocateFrom(JAVA_LONG, 1L);

    private final Fd fd;

    private EventFd(Fd fd) {
        this.fd = fd;
    }

    /**
     * {@return a counter at 0, non-blocking}
     *
     * @throws ErrnoException EMFILE or ENFILE if no descriptor is left
     */
    public static EventFd create() throws ErrnoException {
        // int eventfd2(unsigned int initval, int flags);
        long fd = Native.syscall(SystemCall.EVENTFD2, 0, EFD_CLOEXEC | EFD_NONBLOCK, 0);
        return new EventFd(new Fd((int) ErrnoException.check("eventfd", fd)));
    }

    /** {@return the counter behind a descriptor that came from elsewhere, which it owns now} */
    public static EventFd of(Fd fd) {
        return new EventFd(fd);
    }

    /** {@return the descriptor, to be sent or waited for; owned by this} */
    public Fd fd() {
        return fd;
    }

    /**
     * Hot face of {@link #signal}: 0, or a negated errno. EAGAIN means that the counter is full,
     * and so that whoever waits for it is awake. Allocates nothing.
     */
    public int trySignal() {
        // ssize_t write(int fd, const void *buf, size_t count);
        long n = Native.syscall(SystemCall.WRITE, fd.number(), ONE.address(), Long.BYTES);
        return n < 0 ? (int) n : 0;
    }

    /**
     * Adds one, which wakes whoever waits for the counter.
     *
     * @throws ErrnoException EAGAIN if the counter is full, EINVAL if the descriptor is none
     */
    public void signal() throws ErrnoException {
        ErrnoException.check("signal an eventfd", trySignal());
    }

    /**
     * {@return what was added since the last call, 0 if nothing was} For a descriptor that is
     * non-blocking; another one makes this wait.
     *
     * @throws ErrnoException EINVAL if the descriptor is no counter
     */
    public long take() throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment count = arena.allocate(JAVA_LONG);
            // ssize_t read(int fd, void *buf, size_t count);
            long n = Native.syscall(SystemCall.READ, fd.number(), count.address(), Long.BYTES);
            if (n == -Errno.EAGAIN) {
                return 0;
            }
            ErrnoException.check("read an eventfd", n);
            return count.get(JAVA_LONG, 0);
        }
    }

    @Override
    public void close() {
        fd.close();
    }
}
