// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import java.lang.foreign.Arena;
import java.nio.file.Path;

/**
 * Attaches and detaches file systems.
 *
 * @spec https://man7.org/linux/man-pages/man2/mount.2.html mount(2)
 * @spec https://man7.org/linux/man-pages/man2/umount.2.html umount2(2)
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
}
