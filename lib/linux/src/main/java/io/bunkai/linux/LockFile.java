// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import io.bunkai.base.Deadline;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A lock on a file that proves that its holder lives: the kernel takes it from a process that dies,
 * and the program flock(1) sees it. Closing it lets go. The file itself stays, with whatever is
 * written in it.
 *
 * <p>Whoever looks whether the lock is held takes it for a moment, shared with others who look. So
 * a holder to be tries for a short while instead of once, and nobody who looks takes another one
 * for a holder. The lock belongs to the open file, so two holders within one process exclude each
 * other, too, and no child has it, since the descriptor is closed on exec.
 *
 * @spec https://man7.org/linux/man-pages/man2/flock.2.html flock(2)
 */
public final class LockFile implements AutoCloseable {
    private static final int LOCK_SH = 1;
    private static final int LOCK_EX = 2;
    private static final int LOCK_NB = 4;
    private static final long NAP_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private final Fd fd;

    private LockFile(Fd fd) {
        this.fd = fd;
    }

    /**
     * {@return the lock on {@code file}, which is made if it is not there; empty if somebody has
     * it}
     *
     * @throws ErrnoException if the file cannot be opened or its file system has no locks
     */
    public static Optional<LockFile> tryAcquire(Path file) throws ErrnoException {
        Fd fd = Fd.open(file, Fd.O_RDWR | Fd.O_CREAT, 0600);
        boolean acquired = false;
        try {
            acquired = tryLock(fd, LOCK_EX, file);
            return acquired ? Optional.of(new LockFile(fd)) : Optional.empty();
        } finally {
            if (!acquired) {
                fd.close();
            }
        }
    }

    /**
     * {@return the lock on {@code file}; empty if somebody still has it at the deadline, or when
     * this thread is interrupted} Parks its thread between two attempts.
     *
     * @throws ErrnoException as {@link #tryAcquire}
     */
    public static Optional<LockFile> acquire(Path file, Deadline deadline) throws ErrnoException {
        while (true) {
            Optional<LockFile> lock = tryAcquire(file);
            if (lock.isPresent()
                    || deadline.hasPassed()
                    || Thread.currentThread().isInterrupted()) {
                return lock;
            }
            LockSupport.parkNanos(NAP_NANOS);
        }
    }

    /**
     * {@return the lock that came with a descriptor of another process} It belongs to the open
     * file, so whoever has that file open has it, and it is let go when the last of them closes it.
     */
    public static LockFile takenOver(Fd locked) {
        return new LockFile(locked);
    }

    /**
     * {@return the open file that has the lock, for another process to take over; still this
     * object's}
     */
    public Fd descriptor() {
        return fd;
    }

    /**
     * {@return whether somebody has the lock on {@code file}; nobody has one on a file that is not
     * there}
     *
     * @throws ErrnoException as {@link #tryAcquire}
     */
    public static boolean isHeld(Path file) throws ErrnoException {
        try (Fd fd = Fd.open(file, Fd.O_RDONLY)) {
            return !tryLock(fd, LOCK_SH, file);
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENOENT) {
                return false;
            }
            throw e;
        }
    }

    private static boolean tryLock(Fd fd, int kind, Path file) throws ErrnoException {
        // int flock(int fd, int operation);
        long result = Native.syscall(SystemCall.FLOCK, fd.number(), kind | LOCK_NB, 0);
        if (result == -Errno.EAGAIN) {
            return false;
        }
        ErrnoException.check("lock " + file, result);
        return true;
    }

    /** Lets go. Idempotent. */
    @Override
    public void close() {
        fd.close();
    }
}
