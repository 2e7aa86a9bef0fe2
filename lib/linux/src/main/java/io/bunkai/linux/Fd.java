// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;
import java.util.Objects;

/**
 * An open file descriptor and the duty to close it. Always closed on exec: what a child gets,
 * {@link Spawn} names.
 *
 * <p>Reading and writing block the calling thread inside a system call, so where that may last use
 * a platform thread. Closing a descriptor does not wake a thread that is blocked on it.
 */
public final class Fd implements AutoCloseable {
    /** Access modes and flags of open(2), the ones this project uses. */
    public static final int O_RDONLY = 0;

    public static final int O_WRONLY = 1;
    public static final int O_RDWR = 2;
    public static final int O_CREAT = 0x40;
    public static final int O_EXCL = 0x80;
    public static final int O_NOCTTY = 0x100;
    public static final int O_TRUNC = 0x200;
    public static final int O_APPEND = 0x400;
    public static final int O_NONBLOCK = 0x800;
    public static final int O_NOATIME = 0x40000;
    public static final int O_PATH = 0x200000;
    public static final int O_DIRECT = SystemCall.number(0x4000, 0x10000);
    public static final int O_DIRECTORY = SystemCall.number(0x10000, 0x4000);

    /** A symbolic link at the end of the name is an error instead of a way. */
    public static final int O_NOFOLLOW = SystemCall.number(0x20000, 0x8000);

    private static final int O_CLOEXEC = 0x80000;
    private static final int AT_FDCWD = -100;
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final int F_SETFD = 2;
    private static final int FD_CLOEXEC = 1;
    private static final int F_GETFL = 3;
    private static final int F_SETFL = 4;
    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;
    private static final int MSG_PEEK = 2;
    private static final int MSG_DONTWAIT = 0x40;
    private static final int CLOSED = -1;
    private static final int STREAM_BUFFER = 64 * 1024;

    private static final VarHandle NUMBER;

    static {
        try {
            NUMBER = MethodHandles.lookup().findVarHandle(Fd.class, "number", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Not an object of its own: a file server has one of these for each file that it knows. */
    private volatile int number;

    Fd(int number) {
        this.number = number;
    }

    /**
     * {@return a descriptor that a hot face has opened}
     *
     * @param number what it has answered, not negative; the caller's until now
     */
    public static Fd adopt(int number) {
        return new Fd(Objects.checkIndex(number, Integer.MAX_VALUE));
    }

    /** {@return this process's standard input; closing it closes descriptor 0} */
    public static Fd standardInput() {
        return new Fd(0);
    }

    /** {@return this process's standard output; closing it closes descriptor 1} */
    public static Fd standardOutput() {
        return new Fd(1);
    }

    /** {@return this process's standard error; closing it closes descriptor 2} */
    public static Fd standardError() {
        return new Fd(2);
    }

    /**
     * {@return a descriptor that this process was started with} It is closed on exec from now on.
     *
     * @param number as it stands on a command line
     * @throws ErrnoException EBADF if nothing is open under this number
     */
    public static Fd inherited(int number) throws ErrnoException {
        // int fcntl(int fd, F_SETFD, FD_CLOEXEC);
        long result = Native.syscall(SystemCall.FCNTL, number, F_SETFD, FD_CLOEXEC);
        ErrnoException.check("inherit descriptor " + number, result);
        return new Fd(number);
    }

    /**
     * Opens a file.
     *
     * @param flags access mode and flags, see the constants
     * @param mode permissions of a file that this call creates, before the umask
     * @throws ErrnoException ENOENT, EACCES, EEXIST, EMFILE and whatever else the file system
     *     answers
     * @spec https://man7.org/linux/man-pages/man2/open.2.html open(2)
     */
    public static Fd open(Path path, int flags, int mode) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            // int openat(int dirfd, const char *pathname, int flags, mode_t mode);
            long fd =
                    Native.syscall(
                            SystemCall.OPENAT,
                            AT_FDCWD,
                            Native.cString(arena, path.toString()).address(),
                            flags | O_CLOEXEC,
                            mode);
            return new Fd((int) ErrnoException.check("open " + path, fd));
        }
    }

    /** Opens an existing file, see {@link #open(Path, int, int)}. */
    public static Fd open(Path path, int flags) throws ErrnoException {
        return open(path, flags, 0);
    }

    /**
     * Opens an existing file by its name in a directory.
     *
     * @param name bytes without NUL or '/'
     * @param flags access mode and flags, see the constants
     * @throws ErrnoException ENOENT, ELOOP for a symbolic link with {@link #O_NOFOLLOW}, ENOTDIR
     *     for anything else with {@link #O_DIRECTORY}, and whatever else the file system answers
     * @spec https://man7.org/linux/man-pages/man2/open.2.html openat(2)
     */
    public static Fd openAt(Fd directory, byte[] name, int flags) throws ErrnoException {
        MemorySegment scratch = Scratch.lease();
        try {
            // int openat(int dirfd, const char *pathname, int flags, mode_t mode);
            long fd =
                    Native.syscall(
                            SystemCall.OPENAT,
                            directory.number(),
                            Scratch.cString(scratch, name),
                            flags | O_CLOEXEC,
                            0);
            return new Fd((int) ErrnoException.check("open", fd));
        } finally {
            Scratch.giveBack(scratch);
        }
    }

    /**
     * Makes this directory the one that the whole process works in.
     *
     * @throws ErrnoException ENOTDIR, EACCES
     * @spec https://man7.org/linux/man-pages/man2/chdir.2.html fchdir(2)
     */
    public void enter() throws ErrnoException {
        // int fchdir(int fd);
        ErrnoException.check("enter a directory", Native.syscall(SystemCall.FCHDIR, number()));
    }

    /**
     * {@return a second descriptor of the same open file, numbered {@code least} or above}
     *
     * @throws ErrnoException EMFILE if no number is left
     */
    Fd duplicate(int least) throws ErrnoException {
        // int fcntl(int fd, F_DUPFD_CLOEXEC, int least);
        long fd = Native.syscall(SystemCall.FCNTL, number(), F_DUPFD_CLOEXEC, least);
        return new Fd((int) ErrnoException.check("duplicate a descriptor", fd));
    }

    /**
     * {@return a second descriptor of the same open file}
     *
     * @throws ErrnoException EMFILE if no number is left
     */
    public Fd duplicate() throws ErrnoException {
        return duplicate(3);
    }

    /**
     * Makes a number another descriptor of the same open file, whatever it was before. Programs
     * that this process becomes or starts have it, too.
     *
     * @throws ErrnoException EBADF if no descriptor can have that number
     * @spec https://man7.org/linux/man-pages/man2/dup.2.html dup(2)
     */
    public void copyTo(int number) throws ErrnoException {
        // int dup3(int oldfd, int newfd, int flags);
        ErrnoException.check(
                "make descriptor " + number, Native.syscall(SystemCall.DUP3, number(), number, 0));
    }

    /**
     * Makes reads and writes answer EAGAIN instead of waiting. That is a property of the open file,
     * so whoever shares it through another descriptor is affected too.
     *
     * @throws ErrnoException what fcntl(2) answers
     */
    public void setNonBlocking() throws ErrnoException {
        // int fcntl(int fd, F_GETFL); int fcntl(int fd, F_SETFL, int flags);
        long flags = Native.syscall(SystemCall.FCNTL, number(), F_GETFL, 0);
        ErrnoException.check("F_GETFL", flags);
        ErrnoException.check(
                "F_SETFL", Native.syscall(SystemCall.FCNTL, number(), F_SETFL, flags | O_NONBLOCK));
    }

    /** {@return the kernel's number for it, for system calls of this module} */
    int number() {
        int now = number;
        if (now == CLOSED) {
            throw new IllegalStateException("the descriptor is closed");
        }
        return now;
    }

    /**
     * Writes the number in decimal digits, and a NUL behind: the entry of /proc/self/fd that leads
     * to the same file.
     *
     * @param at where in {@code memory} to begin; it takes at most 11 bytes
     */
    public void putDigits(MemorySegment memory, long at) {
        int value = number();
        int digits = 1;
        for (int rest = value / 10; rest > 0; rest /= 10) {
            digits++;
        }
        memory.set(ValueLayout.JAVA_BYTE, at + digits, (byte) 0);
        for (int i = digits - 1; i >= 0; i--) {
            memory.set(ValueLayout.JAVA_BYTE, at + i, (byte) ('0' + value % 10));
            value /= 10;
        }
    }

    /**
     * {@return the name under which this process, and a child that inherits the number, can open
     * the same file}
     */
    public Path path() {
        return Path.of("/proc/self/fd/" + number());
    }

    /**
     * Reads at most {@code length} bytes, and at most 64 KiB.
     *
     * @return how many were read; 0 at the end of the file
     * @throws ErrnoException EAGAIN if the descriptor is non-blocking and nothing is there, EIO and
     *     others
     * @spec https://man7.org/linux/man-pages/man2/read.2.html read(2)
     */
    public int read(byte[] buffer, int offset, int length) throws ErrnoException {
        return (int) ErrnoException.check("read", tryRead(buffer, offset, length));
    }

    /** Hot face of {@link #read}: how many bytes were read, or a negated errno. */
    int tryRead(byte[] buffer, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, buffer.length);
        MemorySegment scratch = Scratch.lease();
        try {
            return tryRead(scratch, buffer, offset, Math.min(length, Scratch.BYTES));
        } finally {
            Scratch.giveBack(scratch);
        }
    }

    /**
     * What a read of this socket would get, which stays there: how many bytes, or a negated errno,
     * EAGAIN if there is nothing.
     */
    int tryPeek(byte[] buffer, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, buffer.length);
        MemorySegment scratch = Scratch.lease();
        try {
            int most = Math.min(length, Scratch.BYTES);
            long n;
            do {
                // ssize_t recvfrom(int, void *buf, size_t len, int flags, sockaddr *, socklen_t *);
                n =
                        Native.syscall(
                                SystemCall.RECVFROM,
                                number(),
                                scratch.address(),
                                most,
                                MSG_PEEK | MSG_DONTWAIT,
                                0,
                                0);
            } while (n == -Errno.EINTR);
            MemorySegment.copy(
                    scratch, ValueLayout.JAVA_BYTE, 0, buffer, offset, (int) Math.max(0, n));
            return (int) n;
        } finally {
            Scratch.giveBack(scratch);
        }
    }

    private int tryRead(MemorySegment scratch, byte[] buffer, int offset, int length) {
        while (true) {
            // ssize_t read(int fd, void *buf, size_t count);
            int n = (int) Native.syscall(SystemCall.READ, number(), scratch.address(), length);
            if (n == -Errno.EINTR) {
                continue;
            }
            MemorySegment.copy(scratch, ValueLayout.JAVA_BYTE, 0, buffer, offset, Math.max(0, n));
            return n;
        }
    }

    /**
     * {@return where the file has data at or behind {@code from}; {@code Long.MAX_VALUE} if there
     * is only a hole until its end} Reading goes on there.
     *
     * @throws ErrnoException what the file system answers
     * @spec https://man7.org/linux/man-pages/man2/lseek.2.html lseek(2)
     */
    public long seekData(long from) throws ErrnoException {
        return seek(from, SEEK_DATA);
    }

    /**
     * {@return where the file has a hole at or behind {@code from}, at the latest its end; {@code
     * Long.MAX_VALUE} if that is behind its end} Reading goes on there.
     *
     * @throws ErrnoException what the file system answers
     */
    public long seekHole(long from) throws ErrnoException {
        return seek(from, SEEK_HOLE);
    }

    private long seek(long from, int whence) throws ErrnoException {
        // off_t lseek(int fd, off_t offset, int whence);
        long result = Native.syscall(SystemCall.LSEEK, number(), from, whence);
        return result == -Errno.ENXIO ? Long.MAX_VALUE : ErrnoException.check("lseek", result);
    }

    /**
     * Writes at most {@code length} bytes, and at most 64 KiB.
     *
     * @return how many were written, at least one unless {@code length} is 0
     * @throws ErrnoException EPIPE if nobody will read, EAGAIN, ENOSPC and others
     * @spec https://man7.org/linux/man-pages/man2/write.2.html write(2)
     */
    public int write(byte[] buffer, int offset, int length) throws ErrnoException {
        return (int) ErrnoException.check("write", tryWrite(buffer, offset, length));
    }

    /** Hot face of {@link #write}: how many bytes were written, or a negated errno. */
    int tryWrite(byte[] buffer, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, buffer.length);
        MemorySegment scratch = Scratch.lease();
        try {
            return tryWrite(scratch, buffer, offset, Math.min(length, Scratch.BYTES));
        } finally {
            Scratch.giveBack(scratch);
        }
    }

    private int tryWrite(MemorySegment scratch, byte[] buffer, int offset, int length) {
        MemorySegment.copy(buffer, offset, scratch, ValueLayout.JAVA_BYTE, 0, length);
        while (true) {
            // ssize_t write(int fd, const void *buf, size_t count);
            int n = (int) Native.syscall(SystemCall.WRITE, number(), scratch.address(), length);
            if (n != -Errno.EINTR) {
                return n;
            }
        }
    }

    /** Writes all of it, blocking as long as it takes. */
    public void writeFully(byte[] data) throws ErrnoException {
        int done = 0;
        while (done < data.length) {
            done += write(data, done, data.length - done);
        }
    }

    /**
     * {@return a stream that reads from this descriptor; closing the stream closes the descriptor}
     */
    public InputStream input() {
        return new Input();
    }

    /**
     * {@return an unbuffered stream that writes to this descriptor; closing it closes the
     * descriptor}
     */
    public OutputStream output() {
        return new Output();
    }

    /** {@return whether nobody has closed it yet} */
    public boolean isOpen() {
        return number != CLOSED;
    }

    /**
     * Closes the descriptor. Idempotent; errors that close(2) may report are of no use to anyone.
     */
    @Override
    public void close() {
        int old = (int) NUMBER.getAndSet(this, CLOSED);
        if (old != CLOSED) {
            Native.syscall(SystemCall.CLOSE, old);
        }
    }

    @Override
    public String toString() {
        int now = number;
        return now == CLOSED ? "fd (closed)" : "fd " + now;
    }

    /** One buffer outside the heap for the stream's life, so that a read allocates nothing. */
    private final class Input extends InputStream {
        private final MemorySegment scratch = Arena.ofAuto().allocate(STREAM_BUFFER);

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
            int n = tryRead(scratch, buffer, offset, Math.min(length, STREAM_BUFFER));
            return n == 0 ? -1 : (int) ErrnoException.check("read", n);
        }

        @Override
        public void close() {
            Fd.this.close();
        }
    }

    /** One buffer outside the heap for the stream's life; a lock-free stream for one writer. */
    private final class Output extends OutputStream {
        private final MemorySegment scratch = Arena.ofAuto().allocate(STREAM_BUFFER);

        @Override
        public void write(int value) throws IOException {
            write(new byte[] {(byte) value}, 0, 1);
        }

        @Override
        public void write(byte[] buffer, int offset, int length) throws IOException {
            Objects.checkFromIndexSize(offset, length, buffer.length);
            int done = 0;
            while (done < length) {
                int chunk = Math.min(length - done, STREAM_BUFFER);
                int n = tryWrite(scratch, buffer, offset + done, chunk);
                done += (int) ErrnoException.check("write", n);
            }
        }

        @Override
        public void close() {
            Fd.this.close();
        }
    }
}
