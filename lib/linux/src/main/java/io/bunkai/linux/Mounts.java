// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.bunkai.base.Closer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * Attaches and detaches file systems.
 *
 * @spec https://man7.org/linux/man-pages/man2/mount.2.html mount(2)
 * @spec https://man7.org/linux/man-pages/man2/umount.2.html umount2(2)
 * @spec https://man7.org/linux/man-pages/man2/mount_setattr.2.html mount_setattr(2)
 */
public final class Mounts {
    public static final long MS_RDONLY = 1;
    public static final long MS_NOSUID = 2;
    public static final long MS_NODEV = 4;
    public static final long MS_NOEXEC = 8;
    public static final long MS_SYNCHRONOUS = 16;
    public static final long MS_REMOUNT = 32;
    public static final long MS_DIRSYNC = 128;
    public static final long MS_NOSYMFOLLOW = 256;
    public static final long MS_NOATIME = 1024;
    public static final long MS_NODIRATIME = 2048;
    public static final long MS_BIND = 4096;
    public static final long MS_MOVE = 8192;
    public static final long MS_REC = 16384;
    public static final long MS_UNBINDABLE = 1 << 17;
    public static final long MS_PRIVATE = 1 << 18;
    public static final long MS_SLAVE = 1 << 19;
    public static final long MS_SHARED = 1 << 20;
    public static final long MS_RELATIME = 1 << 21;
    public static final long MS_STRICTATIME = 1 << 24;

    /** Detach now, clean up when nobody uses it any more. */
    public static final int MNT_DETACH = 2;

    /** Do not follow a symbolic link at the end of the path. */
    public static final int UMOUNT_NOFOLLOW = 8;

    private static final int AT_FDCWD = -100;
    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int OPEN_TREE_CLONE = 1;
    private static final int OPEN_TREE_CLOEXEC = 0x80000;
    private static final int AT_RECURSIVE = 0x8000;
    private static final long MOUNT_ATTR_RDONLY = 1;

    private Mounts() {}

    /**
     * Mounts a file system.
     *
     * @param source device, directory or name, as the type wants it
     * @param data options of the file system itself, separated by commas
     * @throws ErrnoException ENODEV if the kernel has no such type, ENOENT, EBUSY, EINVAL and
     *     others
     */
    public static void mount(String source, Path target, String type, long flags, String data)
            throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            // int mount(const char *, const char *, const char *, unsigned long, const void *);
            long result =
                    Native.syscall(
                            SystemCall.MOUNT,
                            Native.cString(arena, source).address(),
                            Native.cString(arena, target.toString()).address(),
                            Native.cString(arena, type).address(),
                            flags,
                            Native.cString(arena, data).address(),
                            0);
            ErrnoException.check("mount " + type + " on " + target, result);
        }
    }

    /**
     * Unmounts what is mounted at {@code target}.
     *
     * @param flags {@link #MNT_DETACH}, {@link #UMOUNT_NOFOLLOW} or 0
     * @throws ErrnoException EINVAL if nothing is mounted there, EBUSY if it is in use
     */
    public static void unmount(Path target, int flags) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            // int umount2(const char *target, int flags);
            long result =
                    Native.syscall(
                            SystemCall.UMOUNT2,
                            Native.cString(arena, target.toString()).address(),
                            flags,
                            0);
            ErrnoException.check("unmount " + target, result);
        }
    }

    /**
     * Makes read-only what is mounted at {@code target}, and all that is mounted beneath it now.
     *
     * @param propagation {@link #MS_PRIVATE}, {@link #MS_SLAVE} or {@link #MS_SHARED} for all of
     *     them from now on; 0 leaves it
     * @throws ErrnoException EINVAL if nothing is mounted there, ENOSYS before Linux 5.12
     */
    public static void makeReadOnly(Path target, long propagation) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            // struct mount_attr { u64 attr_set, attr_clr, propagation, userns_fd; };
            MemorySegment attributes = arena.allocate(JAVA_LONG, 4);
            attributes.setAtIndex(JAVA_LONG, 0, MOUNT_ATTR_RDONLY);
            attributes.setAtIndex(JAVA_LONG, 2, propagation);
            // int mount_setattr(int dfd, const char *, unsigned flags, struct mount_attr *,
            // size_t);
            long result =
                    Native.syscall(
                            SystemCall.MOUNT_SETATTR,
                            AT_FDCWD,
                            Native.cString(arena, target.toString()).address(),
                            AT_RECURSIVE,
                            attributes.address(),
                            attributes.byteSize(),
                            0);
            ErrnoException.check("make " + target + " read-only", result);
        }
    }

    /**
     * {@return a mount of its own of a directory, which has no place in any namespace: nothing
     * leads from there to what is around the directory} It is open with {@link Fd#O_PATH}, and ends
     * when it is closed.
     *
     * @throws ErrnoException EPERM without CAP_SYS_ADMIN, ENOENT
     * @spec https://man7.org/linux/man-pages/man2/open_tree.2.html open_tree(2)
     */
    public static Fd detached(Path directory) throws ErrnoException {
        return detached(AT_FDCWD, directory.toString(), 0);
    }

    /**
     * {@return a read-only mount of its own of an open file}
     *
     * @throws ErrnoException EPERM without CAP_SYS_ADMIN, EINVAL if the file was opened in another
     *     mount namespace
     */
    static Fd detachedReadOnly(int file) throws ErrnoException {
        try (Arena arena = Arena.ofConfined();
                Closer undo = new Closer()) {
            Fd mount = undo.own(detached(file, "", AT_EMPTY_PATH));
            MemorySegment attributes = arena.allocate(JAVA_LONG, 4);
            attributes.setAtIndex(JAVA_LONG, 0, MOUNT_ATTR_RDONLY);
            long result =
                    Native.syscall(
                            SystemCall.MOUNT_SETATTR,
                            mount.number(),
                            Native.cString(arena, "").address(),
                            AT_EMPTY_PATH,
                            attributes.address(),
                            attributes.byteSize(),
                            0);
            ErrnoException.check("make a mount read-only", result);
            undo.release();
            return mount;
        }
    }

    private static Fd detached(int directory, String path, int flags) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            // int open_tree(int dfd, const char *filename, unsigned int flags);
            long fd =
                    Native.syscall(
                            SystemCall.OPEN_TREE,
                            directory,
                            Native.cString(arena, path).address(),
                            flags | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
            return new Fd((int) ErrnoException.check("detach a mount of '" + path + "'", fd));
        }
    }
}
