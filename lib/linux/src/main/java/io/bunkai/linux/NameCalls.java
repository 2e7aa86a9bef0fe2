// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import java.lang.foreign.MemorySegment;

/**
 * What a file server asks of the kernel about names in directories. Hot faces all: they answer with
 * a result or a negated errno, and allocate nothing.
 *
 * <p>A name is given as native memory and where in it the name begins; it ends with a NUL, and it
 * is the caller who knows that there is no '/' in it. No call follows a symbolic link that the name
 * itself is.
 *
 * @spec https://man7.org/linux/man-pages/dir_section_2.html the manual page of the call
 */
public final class NameCalls {
    /** For {@link #tryUnlink}: it is a directory. */
    public static final int REMOVE_DIRECTORY = 0x200;

    private static final int SYMLINK_NOFOLLOW = 0x100;
    private static final int SYMLINK_FOLLOW = 0x400;
    private static final int NO_AUTOMOUNT = 0x800;
    private static final int O_CLOEXEC = 0x80000;

    private NameCalls() {}

    /**
     * Opens a file; a symbolic link only with {@link Fd#O_PATH}.
     *
     * @return a number for {@link Fd#adopt}
     */
    public static int tryOpen(Fd directory, MemorySegment name, long at, int flags, int mode) {
        // int openat(int dirfd, const char *pathname, int flags, mode_t mode);
        return (int)
                Native.syscall(
                        SystemCall.OPENAT,
                        directory.number(),
                        name.address() + at,
                        flags | Fd.O_NOFOLLOW | O_CLOEXEC,
                        mode);
    }

    /**
     * Opens the file behind a magic link, an entry of /proc/self/fd, anew.
     *
     * @param links /proc/self/fd
     * @return a number for {@link Fd#adopt}
     */
    public static int tryReopen(Fd links, MemorySegment link, long at, int flags) {
        // int openat(int dirfd, const char *pathname, int flags, mode_t mode);
        return (int)
                Native.syscall(
                        SystemCall.OPENAT,
                        links.number(),
                        link.address() + at,
                        flags | O_CLOEXEC,
                        0);
    }

    /** Looks a file up. */
    public static int tryStatus(Fd directory, MemorySegment name, long at, StatusView status) {
        // int statx(int dirfd, const char *, int flags, unsigned int mask, struct statx *);
        return (int)
                Native.syscall(
                        SystemCall.STATX,
                        directory.number(),
                        name.address() + at,
                        SYMLINK_NOFOLLOW | NO_AUTOMOUNT,
                        StatusView.MASK,
                        status.address(),
                        0);
    }

    /** Makes a directory; the process's umask applies. */
    public static int tryMkdir(Fd directory, MemorySegment name, long at, int mode) {
        // int mkdirat(int dirfd, const char *pathname, mode_t mode);
        return (int)
                Native.syscall(SystemCall.MKDIRAT, directory.number(), name.address() + at, mode);
    }

    /** Makes a file, a device, a pipe or a socket; the process's umask applies. */
    public static int tryMknod(Fd directory, MemorySegment name, long at, int mode, int device) {
        // int mknodat(int dirfd, const char *pathname, mode_t mode, dev_t dev);
        return (int)
                Native.syscall(
                        SystemCall.MKNODAT,
                        directory.number(),
                        name.address() + at,
                        mode,
                        Integer.toUnsignedLong(device));
    }

    /** Makes a symbolic link. The target stands in {@code name}'s memory, too. */
    public static int trySymlink(Fd directory, MemorySegment memory, long targetAt, long nameAt) {
        // int symlinkat(const char *target, int newdirfd, const char *linkpath);
        return (int)
                Native.syscall(
                        SystemCall.SYMLINKAT,
                        memory.address() + targetAt,
                        directory.number(),
                        memory.address() + nameAt);
    }

    /**
     * Gives the file behind a magic link, an entry of /proc/self/fd, one more name.
     *
     * @param links /proc/self/fd
     * @param link memory that has the entry's name
     */
    public static int tryLink(
            Fd links, MemorySegment link, long linkAt, Fd directory, MemorySegment name, long at) {
        // int linkat(int olddirfd, const char *, int newdirfd, const char *, int flags);
        return (int)
                Native.syscall(
                        SystemCall.LINKAT,
                        links.number(),
                        link.address() + linkAt,
                        directory.number(),
                        name.address() + at,
                        SYMLINK_FOLLOW,
                        0);
    }

    /**
     * Removes a name.
     *
     * @param flags 0 or {@link #REMOVE_DIRECTORY}
     */
    public static int tryUnlink(Fd directory, MemorySegment name, long at, int flags) {
        // int unlinkat(int dirfd, const char *pathname, int flags);
        return (int)
                Native.syscall(SystemCall.UNLINKAT, directory.number(), name.address() + at, flags);
    }

    /** Gives a file another name. Both names stand in the same memory. */
    public static int tryRename(
            Fd from, MemorySegment memory, long fromAt, Fd to, long toAt, int flags) {
        // int renameat2(int, const char *, int, const char *, unsigned int);
        return (int)
                Native.syscall(
                        SystemCall.RENAMEAT2,
                        from.number(),
                        memory.address() + fromAt,
                        to.number(),
                        memory.address() + toAt,
                        flags,
                        0);
    }

    /**
     * Reads where a symbolic link leads.
     *
     * @param link open with {@link Fd#O_PATH}
     * @param empty memory that has a NUL at {@code at}
     * @return how many bytes were written to {@code target}
     */
    public static int tryReadlink(Fd link, MemorySegment empty, long at, MemorySegment target) {
        // ssize_t readlinkat(int dirfd, const char *pathname, char *buf, size_t bufsiz);
        return (int)
                Native.syscall(
                        SystemCall.READLINKAT,
                        link.number(),
                        empty.address() + at,
                        target.address(),
                        target.byteSize());
    }

    /** Changes permissions of the file behind a name; follows a magic link. */
    public static int tryChmod(Fd directory, MemorySegment name, long at, int mode) {
        // int fchmodat(int dirfd, const char *pathname, mode_t mode);
        return (int)
                Native.syscall(SystemCall.FCHMODAT, directory.number(), name.address() + at, mode);
    }

    /**
     * Changes times of the file behind a name; follows a magic link.
     *
     * @param times two of {@code struct timespec}: access and modification
     */
    public static int tryUtimens(Fd directory, MemorySegment name, long at, MemorySegment times) {
        // int utimensat(int dirfd, const char *, const struct timespec times[2], int flags);
        return (int)
                Native.syscall(
                        SystemCall.UTIMENSAT,
                        directory.number(),
                        name.address() + at,
                        times.address(),
                        0);
    }
}
