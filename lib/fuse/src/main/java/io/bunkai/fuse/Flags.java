// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

/**
 * The bits of the smaller flag words, each with its name in the C header; INIT's are {@link
 * InitFlag}. Plain numbers, since they are tested and set on the way of every request.
 *
 * <p>What a request takes over from a system call (O_*, S_*, RENAME_*, FALLOC_FL_*, SEEK_*, the
 * flags of setxattr(2)) has the numbers of the peer's architecture and is not repeated here.
 *
 * @spec https://github.com/torvalds/linux/blob/v6.18/include/uapi/linux/fuse.h linux/fuse.h
 */
public final class Flags {
    // --- fuse_attr.flags ---

    /** The root of a mount of its own, to be mounted there. Since 7.32. */
    public static final int ATTR_SUBMOUNT = 1;

    /** This file can be mapped through the device's window. Since 7.36. */
    public static final int ATTR_DAX = 1 << 1;

    // --- fuse_setattr_in.valid ---

    public static final int FATTR_MODE = 1;
    public static final int FATTR_UID = 1 << 1;
    public static final int FATTR_GID = 1 << 2;
    public static final int FATTR_SIZE = 1 << 3;
    public static final int FATTR_ATIME = 1 << 4;
    public static final int FATTR_MTIME = 1 << 5;

    /** The handle is one. */
    public static final int FATTR_FH = 1 << 6;

    /** With FATTR_ATIME: the server's time, not the one in the request. */
    public static final int FATTR_ATIME_NOW = 1 << 7;

    /** With FATTR_MTIME: the server's time, not the one in the request. */
    public static final int FATTR_MTIME_NOW = 1 << 8;

    public static final int FATTR_LOCKOWNER = 1 << 9;
    public static final int FATTR_CTIME = 1 << 10;

    /** Drop set-id bits: the caller may not keep them. Since 7.33. */
    public static final int FATTR_KILL_SUIDGID = 1 << 11;

    // --- fuse_open_out.open_flags ---

    /** No page cache for this open file. */
    public static final int FOPEN_DIRECT_IO = 1;

    /** What the page cache has of it still holds. */
    public static final int FOPEN_KEEP_CACHE = 1 << 1;

    public static final int FOPEN_NONSEEKABLE = 1 << 2;

    /** The kernel may remember what this directory holds. Since 7.28. */
    public static final int FOPEN_CACHE_DIR = 1 << 3;

    public static final int FOPEN_STREAM = 1 << 4;

    /** No FLUSH when it is closed. Since 7.35. */
    public static final int FOPEN_NOFLUSH = 1 << 5;

    /** Direct writes to one file in parallel. */
    public static final int FOPEN_PARALLEL_DIRECT_WRITES = 1 << 6;

    public static final int FOPEN_PASSTHROUGH = 1 << 7;

    // --- fuse_getattr_in.getattr_flags ---

    /** The handle is one. */
    public static final int GETATTR_FH = 1;

    // --- fuse_read_in.read_flags ---

    public static final int READ_LOCKOWNER = 1 << 1;

    // --- fuse_write_in.write_flags ---

    /** From the page cache: handle and process are guesses, and O_APPEND is already applied. */
    public static final int WRITE_CACHE = 1;

    public static final int WRITE_LOCKOWNER = 1 << 1;

    /** Drop set-id bits: the caller may not keep them. Since 7.31. */
    public static final int WRITE_KILL_SUIDGID = 1 << 2;

    // --- fuse_open_in.open_flags and fuse_create_in.open_flags ---

    /** Drop set-id bits on O_TRUNC. Since 7.33. */
    public static final int OPEN_KILL_SUIDGID = 1;

    // --- fuse_release_in.release_flags ---

    public static final int RELEASE_FLUSH = 1;
    public static final int RELEASE_FLOCK_UNLOCK = 1 << 1;

    // --- fuse_fsync_in.fsync_flags ---

    /** Data only, as fdatasync(2). */
    public static final int FSYNC_FDATASYNC = 1;

    // --- fuse_setxattr_in.setxattr_flags ---

    /** Drop the set-group-id bit: the ACL came from one who may not keep it. Since 7.33. */
    public static final int SETXATTR_ACL_KILL_SGID = 1;

    // --- fuse_lk_in.lk_flags ---

    /** A lock of flock(2). */
    public static final int LK_FLOCK = 1;

    // --- fuse_ioctl_in.flags and fuse_ioctl_out.flags ---

    public static final int IOCTL_COMPAT = 1;
    public static final int IOCTL_UNRESTRICTED = 1 << 1;
    public static final int IOCTL_RETRY = 1 << 2;
    public static final int IOCTL_32BIT = 1 << 3;
    public static final int IOCTL_DIR = 1 << 4;
    public static final int IOCTL_COMPAT_X32 = 1 << 5;

    // --- fuse_poll_in.flags ---

    public static final int POLL_SCHEDULE_NOTIFY = 1;

    // --- fuse_setupmapping_in.flags ---

    public static final int SETUPMAPPING_FLAG_WRITE = 1;
    public static final int SETUPMAPPING_FLAG_READ = 1 << 1;

    // --- fuse_notify_inval_entry_out.flags ---

    public static final int EXPIRE_ONLY = 1;

    private Flags() {}
}
