// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import io.bunkai.base.Deadline;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One direction of a pipe, a FIFO or a socket, for virtual threads: where the descriptor itself
 * would block the thread in the kernel, and its carrier with it, a read or write here parks until
 * there is something to read or room to write. Files that are always ready work, too.
 *
 * <p>Owns its descriptor, which becomes non-blocking. Safe for use by several threads: closing
 * wakes whoever waits with an {@link IOException}, and nobody reaches a later file that has got the
 * same number. A thread that is interrupted while it waits gets an {@link InterruptedIOException}
 * and stays interrupted; nothing is lost by that, and the next call goes on. A stream that breaks
 * off in the middle of what it was to write says so with an {@link InterruptedIOException}, too,
 * whose {@code bytesTransferred} have been written.
 */
public final class WaitingFd implements AutoCloseable {
    private final Fd fd;
    private final int interest;

    /** Held for short calls only, so that the descriptor is not closed while it is used. */
    private final ReentrantLock lock = new ReentrantLock();

    private final Condition changed = lock.newCondition();
    private Readiness.@Nullable Watch watch; // this and the others guarded by lock
    private long changes;
    private boolean endsWhenEmpty;
    private boolean closed;

    private WaitingFd(Fd fd, int interest) {
        this.fd = fd;
        this.interest = interest;
    }

    /**
     * {@return a descriptor to read from; closing it closes {@code fd}}
     *
     * @throws ErrnoException what fcntl(2) answers; {@code fd} is still the caller's then
     */
    public static WaitingFd toRead(Fd fd) throws ErrnoException {
        fd.setNonBlocking();
        return new WaitingFd(fd, Readiness.TO_READ);
    }

    /**
     * {@return a descriptor to write to; closing it closes {@code fd}}
     *
     * @throws ErrnoException what fcntl(2) answers; {@code fd} is still the caller's then
     */
    public static WaitingFd toWrite(Fd fd) throws ErrnoException {
        fd.setNonBlocking();
        return new WaitingFd(fd, Readiness.TO_WRITE);
    }

    /**
     * Reads at most {@code length} bytes, and at most 64 KiB, once something is there.
     *
     * @return how many were read; 0 at the end of the file
     * @throws InterruptedIOException if the thread was interrupted while it waited
     * @throws IOException if this is closed before there is anything to read
     */
    public int read(byte[] buffer, int offset, int length) throws IOException {
        return read(() -> fd.tryRead(buffer, offset, length));
    }

    /**
     * As {@link #read}, from a socket, of which the bytes are not taken: they are what the next
     * read gets.
     */
    int peek(byte[] buffer, int offset, int length) throws IOException {
        return read(() -> fd.tryPeek(buffer, offset, length));
    }

    /** Accepts a connection of this listening socket, once there is one. */
    Fd accept() throws IOException {
        return new Fd(read(() -> UnixSockets.tryAccept(fd)));
    }

    private int read(IntSupplier attempt) throws IOException {
        lock.lock();
        try {
            while (true) {
                checkOpen();
                int n = attempt.getAsInt();
                if (n != -Errno.EAGAIN) {
                    return (int) ErrnoException.check("read", n);
                }
                if (endsWhenEmpty) {
                    return 0;
                }
                awaitChange();
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Writes at most {@code length} bytes, and at most 64 KiB, once there is room for some.
     *
     * @return how many were written, at least one unless {@code length} is 0
     * @throws InterruptedIOException if the thread was interrupted while it waited; nothing was
     *     written then
     * @throws ErrnoException EPIPE if nobody will read
     * @throws IOException if this is closed before there is room
     */
    public int write(byte[] buffer, int offset, int length) throws IOException {
        lock.lock();
        try {
            while (true) {
                checkOpen();
                int n = fd.tryWrite(buffer, offset, length);
                if (n != -Errno.EAGAIN) {
                    return (int) ErrnoException.check("write", n);
                }
                awaitChange();
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until a read or write would not have to wait.
     *
     * @return whether that is so; not if the deadline passes first
     * @throws InterruptedIOException if the thread was interrupted while it waited
     * @throws IOException if this is closed meanwhile
     */
    public boolean await(Deadline deadline) throws IOException {
        lock.lock();
        try {
            checkOpen();
            return awaitChange(deadline);
        } finally {
            lock.unlock();
        }
    }

    /** {@return the descriptor, for others to keep a second one of; still this object's} */
    public Fd descriptor() {
        return fd;
    }

    /**
     * From now on, the file ends where there is nothing more to read, though somebody may still
     * hold its other side: what is there by now is read first. Wakes a thread that waits for more.
     */
    public void endWhenEmpty() {
        lock.lock();
        try {
            endsWhenEmpty = true;
            change();
        } finally {
            lock.unlock();
        }
    }

    /** {@return a stream that reads from here; closing it closes this} */
    public InputStream input() {
        return new Input();
    }

    /** {@return an unbuffered stream that writes to here; closing it closes this} */
    public OutputStream output() {
        return new Output();
    }

    /** Closes the descriptor and wakes whoever waits for it. Does not wait itself. Idempotent. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            if (watch != null) {
                watch.end();
            }
            fd.close();
            change();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public String toString() {
        return fd.toString();
    }

    private void checkOpen() throws IOException {
        if (closed) {
            throw new IOException("the descriptor was closed");
        }
    }

    private void awaitChange() throws IOException {
        while (!awaitChange(Deadline.never())) {
            // Never is a hundred years.
        }
    }

    private boolean awaitChange(Deadline deadline) throws IOException {
        long before = changes;
        if (watch == null) {
            watch = Readiness.shared().watch(fd, interest, this::reportChange);
        }
        watch.arm();
        try {
            long left = deadline.remaining().toNanos();
            while (changes == before) {
                if (left <= 0) {
                    return false;
                }
                left = changed.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            InterruptedIOException failure =
                    new InterruptedIOException("interrupted while waiting for " + fd);
            failure.initCause(e);
            throw failure;
        }
        checkOpen();
        return true;
    }

    /** Run by the thread that waits for all descriptors. */
    private void reportChange() {
        lock.lock();
        try {
            change();
        } finally {
            lock.unlock();
        }
    }

    private void change() {
        changes++;
        changed.signalAll();
    }

    private final class Input extends InputStream {
        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) == 1 ? one[0] & 0xff : -1;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            Objects.checkFromIndexSize(offset, length, buffer.length);
            if (length == 0) {
                return 0;
            }
            int n = WaitingFd.this.read(buffer, offset, length);
            return n == 0 ? -1 : n;
        }

        @Override
        public void close() {
            WaitingFd.this.close();
        }
    }

    private final class Output extends OutputStream {
        @Override
        public void write(int value) throws IOException {
            write(new byte[] {(byte) value}, 0, 1);
        }

        @Override
        public void write(byte[] buffer, int offset, int length) throws IOException {
            Objects.checkFromIndexSize(offset, length, buffer.length);
            int done = 0;
            while (done < length) {
                try {
                    done += WaitingFd.this.write(buffer, offset + done, length - done);
                } catch (InterruptedIOException e) {
                    e.bytesTransferred = done;
                    throw e;
                } catch (IOException e) {
                    if (done == 0) {
                        throw e;
                    }
                    InterruptedIOException failure = new InterruptedIOException(e.getMessage());
                    failure.bytesTransferred = done;
                    failure.initCause(e);
                    throw failure;
                }
            }
        }

        @Override
        public void close() {
            WaitingFd.this.close();
        }
    }
}
