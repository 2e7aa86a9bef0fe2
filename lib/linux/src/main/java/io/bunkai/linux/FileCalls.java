// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/**
 * What a file server asks of the kernel about open files. Hot faces all: they answer with a result
 * or a negated errno, and allocate nothing. Memory that is handed over is native.
 *
 * @spec https://man7.org/linux/man-pages/dir_section_2.html the manual page of the call
 */
public final class FileCalls {
    /** For {@link #putTimes}: leave this time as it is. */
    public static final long TIME_OMIT = (1L << 30) - 2;

    /** For {@link #putTimes}: the time of the call. */
    public static final long TIME_NOW = (1L << 30) - 1;

    /** Bytes of the two times that {@link #putTimes} writes. */
    public static final long TIMES_BYTES = 32;

    /** Bytes that {@link #tryLock} wants. */
    public static final long LOCK_BYTES = Structs.FLOCK.byteSize();

    /** Where in an entry of {@link #tryEntries} its inode stands, a long. */
    public static final long ENTRY_INODE = Structs.offset(Structs.DIRENT64, "d_ino");

    /** Where in an entry the offset behind it stands, a long. */
    public static final long ENTRY_NEXT = Structs.offset(Structs.DIRENT64, "d_off");

    /** Where in an entry its length stands, an unsigned short. */
    public static final long ENTRY_BYTES = Structs.offset(Structs.DIRENT64, "d_reclen");

    /** Where in an entry its type stands, a byte of {@code DT_*}. */
    public static final long ENTRY_TYPE = Structs.offset(Structs.DIRENT64, "d_type");

    /** Where in an entry its name begins, which ends with a NUL. */
    public static final long ENTRY_NAME = Structs.offset(Structs.DIRENT64, "d_name");

    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final int F_OFD_GETLK = 36;
    private static final int F_OFD_SETLK = 37;
    private static final int LOCK_NB = 4;
    private static final long LOCK_TYPE = Structs.offset(Structs.FLOCK, "l_type");
    private static final long LOCK_WHENCE = Structs.offset(Structs.FLOCK, "l_whence");
    private static final long LOCK_START = Structs.offset(Structs.FLOCK, "l_start");
    private static final long LOCK_LENGTH = Structs.offset(Structs.FLOCK, "l_len");
    private static final long LOCK_PID = Structs.offset(Structs.FLOCK, "l_pid");
    private static final MemorySegment EMPTY = java.lang.foreign.Arena.global().allocate(1);

    private FileCalls() {}

    /** Asks for the status of a file. */
    public static int tryStatus(Fd file, StatusView status) {
        // int statx(int dirfd, const char *, int flags, unsigned int mask, struct statx *);
        return (int)
                Native.syscall(
                        SystemCall.STATX,
                        file.number(),
                        EMPTY.address(),
                        AT_EMPTY_PATH,
                        StatusView.MASK,
                        status.address(),
                        0);
    }

    /**
     * Changes owner and group, also of a file that is open with {@link Fd#O_PATH}.
     *
     * @param uid -1 to leave it, as {@code gid}
     */
    public static int tryChown(Fd file, int uid, int gid) {
        // int fchownat(int dirfd, const char *pathname, uid_t owner, gid_t group, int flags);
        return (int)
                Native.syscall(
                        SystemCall.FCHOWNAT,
                        file.number(),
                        EMPTY.address(),
                        Integer.toUnsignedLong(uid),
                        Integer.toUnsignedLong(gid),
                        AT_EMPTY_PATH,
                        0);
    }

    /** Changes the size. */
    public static int tryTruncate(Fd file, long size) {
        // int ftruncate(int fd, off_t length);
        return (int) Native.syscall(SystemCall.FTRUNCATE, file.number(), size, 0);
    }

    /** Writes two times where {@link NameCalls#tryUtimens} reads them. */
    public static void putTimes(
            MemorySegment times,
            long accessedSeconds,
            long accessedNanos,
            long modifiedSeconds,
            long modifiedNanos) {
        times.set(JAVA_LONG, 0, accessedSeconds);
        times.set(JAVA_LONG, 8, accessedNanos);
        times.set(JAVA_LONG, 16, modifiedSeconds);
        times.set(JAVA_LONG, 24, modifiedNanos);
    }

    /** Makes a file durable; its data only if it is {@code dataOnly}. */
    public static int trySync(Fd file, boolean dataOnly) {
        // int fsync(int fd); int fdatasync(int fd);
        return (int)
                Native.syscall(dataOnly ? SystemCall.FDATASYNC : SystemCall.FSYNC, file.number());
    }

    /** Makes the file system durable that a file is on. */
    public static int trySyncFileSystem(Fd file) {
        // int syncfs(int fd);
        return (int) Native.syscall(SystemCall.SYNCFS, file.number());
    }

    /** Closes a copy of a descriptor: some file systems tell then that a write has failed. */
    public static int tryCloseCopy(Fd file) {
        // int fcntl(int fd, F_DUPFD_CLOEXEC, int least); int close(int fd);
        long copy = Native.syscall(SystemCall.FCNTL, file.number(), F_DUPFD_CLOEXEC, 0);
        return (int) (copy < 0 ? copy : Native.syscall(SystemCall.CLOSE, copy));
    }

    /**
     * Allocates, zeroes or removes a part of a file.
     *
     * @param mode bits of {@code FALLOC_FL_*}
     */
    public static int tryAllocate(Fd file, int mode, long offset, long length) {
        // int fallocate(int fd, int mode, off_t offset, off_t len);
        return (int) Native.syscall(SystemCall.FALLOCATE, file.number(), mode, offset, length);
    }

    /** Moves where a file is read: {@code whence} is one of {@code SEEK_*}. */
    public static long trySeek(Fd file, long offset, int whence) {
        // off_t lseek(int fd, off_t offset, int whence);
        return Native.syscall(SystemCall.LSEEK, file.number(), offset, whence);
    }

    /**
     * Copies from file to file.
     *
     * @param offsets memory for two numbers, which is overwritten
     * @return how many bytes were copied
     */
    public static long tryCopy(
            Fd from, long fromOffset, Fd to, long toOffset, long length, MemorySegment offsets) {
        offsets.set(JAVA_LONG, 0, fromOffset);
        offsets.set(JAVA_LONG, 8, toOffset);
        // ssize_t copy_file_range(int, off_t *, int, off_t *, size_t len, unsigned int flags);
        return Native.syscall(
                SystemCall.COPY_FILE_RANGE,
                from.number(),
                offsets.address(),
                to.number(),
                offsets.address() + 8,
                length,
                0);
    }

    /**
     * Reads entries of a directory from where its descriptor stands.
     *
     * @param entries where they are put, one behind the other
     * @return how many bytes of them; 0 at the end
     */
    public static int tryEntries(Fd directory, MemorySegment entries) {
        // ssize_t getdents64(int fd, void *dirp, size_t count);
        return (int)
                Native.syscall(
                        SystemCall.GETDENTS64,
                        directory.number(),
                        entries.address(),
                        entries.byteSize());
    }

    /** Asks what file system a file is on. */
    public static int tryFileSystem(Fd file, FileSystemView view) {
        // int fstatfs(int fd, struct statfs *buf);
        return (int) Native.syscall(SystemCall.FSTATFS, file.number(), view.address(), 0);
    }

    /**
     * Locks a part of a file, or unlocks it, or looks whether a lock would be in the way. The lock
     * belongs to the open file (an "OFD" lock). Never waits.
     *
     * @param lock of {@link #LOCK_BYTES}; see {@link #putLock}
     * @param test whether only to look: what is in the way is written to {@code lock}
     */
    public static int tryLock(Fd file, MemorySegment lock, boolean test) {
        // int fcntl(int fd, F_OFD_SETLK, struct flock *);
        return (int)
                Native.syscall(
                        SystemCall.FCNTL,
                        file.number(),
                        test ? F_OFD_GETLK : F_OFD_SETLK,
                        lock.address());
    }

    /**
     * Describes a lock.
     *
     * @param type F_RDLCK 0, F_WRLCK 1, F_UNLCK 2
     * @param length 0 means until the end, wherever that is
     */
    public static void putLock(MemorySegment lock, int type, long start, long length) {
        lock.set(JAVA_SHORT, LOCK_TYPE, (short) type);
        lock.set(JAVA_SHORT, LOCK_WHENCE, (short) 0);
        lock.set(JAVA_LONG, LOCK_START, start);
        lock.set(JAVA_LONG, LOCK_LENGTH, length);
        lock.set(JAVA_INT, LOCK_PID, 0);
    }

    /** {@return what kind of lock was found} */
    public static int lockType(MemorySegment lock) {
        return lock.get(JAVA_SHORT, LOCK_TYPE);
    }

    /** {@return its first byte} */
    public static long lockStart(MemorySegment lock) {
        return lock.get(JAVA_LONG, LOCK_START);
    }

    /** {@return how many bytes it covers; 0 until the end} */
    public static long lockLength(MemorySegment lock) {
        return lock.get(JAVA_LONG, LOCK_LENGTH);
    }

    /** {@return who holds it; -1 for an open file} */
    public static int lockPid(MemorySegment lock) {
        return lock.get(JAVA_INT, LOCK_PID);
    }

    /**
     * Locks a whole file as flock(2) does, or unlocks it. Never waits.
     *
     * @param operation LOCK_SH 1, LOCK_EX 2, LOCK_UN 8
     */
    public static int tryFlock(Fd file, int operation) {
        // int flock(int fd, int operation);
        return (int) Native.syscall(SystemCall.FLOCK, file.number(), operation | LOCK_NB, 0);
    }
}
