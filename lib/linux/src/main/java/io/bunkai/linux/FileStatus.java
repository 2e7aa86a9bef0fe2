// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What the kernel knows of a file at one moment.
 *
 * @param permissions the lower twelve bits of its mode
 * @param links how many names it has
 * @param uid an unsigned number of 32 bits, as is {@code gid}
 * @param allocated how many bytes of the medium it takes, less than {@code size} if it has holes
 * @param deviceMajor of the file system that it is on, as is {@code deviceMinor}; together with
 *     {@code inode} no other file has the same while this one exists
 * @param specialMajor of the device that it stands for, as is {@code specialMinor}; 0 for others
 * @param born when it was made; null if the file system does not know
 * @spec https://man7.org/linux/man-pages/man2/statx.2.html statx(2)
 */
public record FileStatus(
        FileType type,
        int permissions,
        int links,
        int uid,
        int gid,
        long size,
        long allocated,
        int deviceMajor,
        int deviceMinor,
        long inode,
        int specialMajor,
        int specialMinor,
        Instant modified,
        Instant changed,
        @Nullable Instant born) {

    private static final int AT_FDCWD = -100;
    private static final int AT_SYMLINK_NOFOLLOW = 0x100;
    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int STATX_BASIC_STATS = 0x7ff;
    private static final int STATX_BTIME = 0x800;
    private static final int BLOCK_BYTES = 512;
    private static final byte[] EMPTY = {};

    private static final long MASK = offset("stx_mask");
    private static final long NLINK = offset("stx_nlink");
    private static final long UID = offset("stx_uid");
    private static final long GID = offset("stx_gid");
    private static final long MODE = offset("stx_mode");
    private static final long INO = offset("stx_ino");
    private static final long SIZE = offset("stx_size");
    private static final long BLOCKS = offset("stx_blocks");
    private static final long BTIME = offset("stx_btime");
    private static final long CTIME = offset("stx_ctime");
    private static final long MTIME = offset("stx_mtime");
    private static final long RDEV_MAJOR = offset("stx_rdev_major");
    private static final long RDEV_MINOR = offset("stx_rdev_minor");
    private static final long DEV_MAJOR = offset("stx_dev_major");
    private static final long DEV_MINOR = offset("stx_dev_minor");
    private static final long NANOS = Structs.offset(Structs.STATX_TIMESTAMP, "tv_nsec");

    /**
     * {@return the status of the file at a path; of what a symbolic link leads to, not of the link}
     *
     * @throws ErrnoException ENOENT, ENOTDIR, ELOOP, EACCES
     */
    public static FileStatus of(Path path) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = Native.cString(arena, path.toString());
            MemorySegment result = arena.allocate(Structs.STATX);
            long answer = statx(AT_FDCWD, name.address(), 0, result);
            ErrnoException.check("statx " + path, answer);
            return decode(result);
        }
    }

    /**
     * {@return the status of an open file}
     *
     * @throws ErrnoException what the file system answers
     */
    public static FileStatus of(Fd file) throws ErrnoException {
        return of(file, EMPTY, AT_EMPTY_PATH);
    }

    /**
     * {@return the status of a file by its name in a directory; of a symbolic link itself}
     *
     * @param name bytes without NUL or '/'
     * @throws ErrnoException ENOENT if there is none
     */
    public static FileStatus of(Fd directory, byte[] name) throws ErrnoException {
        return of(directory, name, AT_SYMLINK_NOFOLLOW);
    }

    /** {@return the unit that the file system works in; where pages are huge, their size} */
    static long blockSize(Fd file) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = Native.cString(arena, "");
            MemorySegment result = arena.allocate(Structs.STATX);
            long answer = statx(file.number(), name.address(), AT_EMPTY_PATH, result);
            ErrnoException.check("statx", answer);
            return result.get(JAVA_INT, offset("stx_blksize")) & 0xffffffffL;
        }
    }

    private static FileStatus of(Fd directory, byte[] name, int flags) throws ErrnoException {
        MemorySegment scratch = Scratch.lease();
        try {
            MemorySegment result = scratch.asSlice(Scratch.NAME_BYTES, Structs.STATX.byteSize());
            long path = Scratch.cString(scratch, name);
            ErrnoException.check("statx", statx(directory.number(), path, flags, result));
            return decode(result);
        } finally {
            Scratch.giveBack(scratch);
        }
    }

    private static long statx(int directory, long path, int flags, MemorySegment result) {
        // int statx(int dirfd, const char *, int flags, unsigned int mask, struct statx *);
        return Native.syscall(
                SystemCall.STATX,
                directory,
                path,
                flags,
                STATX_BASIC_STATS | STATX_BTIME,
                result.address(),
                0);
    }

    private static FileStatus decode(MemorySegment statx) {
        int mode = statx.get(JAVA_SHORT, MODE) & 0xffff;
        boolean knowsBirth = (statx.get(JAVA_INT, MASK) & STATX_BTIME) != 0;
        return new FileStatus(
                FileType.ofNumber(mode >> 12),
                mode & 07777,
                statx.get(JAVA_INT, NLINK),
                statx.get(JAVA_INT, UID),
                statx.get(JAVA_INT, GID),
                statx.get(JAVA_LONG, SIZE),
                statx.get(JAVA_LONG, BLOCKS) * BLOCK_BYTES,
                statx.get(JAVA_INT, DEV_MAJOR),
                statx.get(JAVA_INT, DEV_MINOR),
                statx.get(JAVA_LONG, INO),
                statx.get(JAVA_INT, RDEV_MAJOR),
                statx.get(JAVA_INT, RDEV_MINOR),
                time(statx, MTIME),
                time(statx, CTIME),
                knowsBirth ? time(statx, BTIME) : null);
    }

    private static Instant time(MemorySegment statx, long at) {
        return Instant.ofEpochSecond(statx.get(JAVA_LONG, at), statx.get(JAVA_INT, at + NANOS));
    }

    private static long offset(String field) {
        return Structs.offset(Structs.STATX, field);
    }
}
