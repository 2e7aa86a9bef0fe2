// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What the kernel knows of a file, as {@link FileStatus} has it, read in place: to be used again
 * and again by one thread, without an allocation. {@link FileCalls#tryStatus} and {@link
 * NameCalls#tryStatus} fill it.
 *
 * @spec https://man7.org/linux/man-pages/man2/statx.2.html statx(2)
 */
public final class StatusView {
    /** In {@link #attributes}: the root of a mount. */
    public static final long ATTR_MOUNT_ROOT = 0x2000;

    static final int MASK = 0x7ff | 0x800 | 0x1000; // basic, time of birth, mount

    private static final int BIRTH = 0x800;
    private static final long MASK_AT = offset("stx_mask");
    private static final long BLKSIZE = offset("stx_blksize");
    private static final long ATTRIBUTES = offset("stx_attributes");
    private static final long NLINK = offset("stx_nlink");
    private static final long UID = offset("stx_uid");
    private static final long GID = offset("stx_gid");
    private static final long MODE = offset("stx_mode");
    private static final long INO = offset("stx_ino");
    private static final long SIZE = offset("stx_size");
    private static final long BLOCKS = offset("stx_blocks");
    private static final long ATIME = offset("stx_atime");
    private static final long BTIME = offset("stx_btime");
    private static final long CTIME = offset("stx_ctime");
    private static final long MTIME = offset("stx_mtime");
    private static final long RDEV_MAJOR = offset("stx_rdev_major");
    private static final long RDEV_MINOR = offset("stx_rdev_minor");
    private static final long DEV_MAJOR = offset("stx_dev_major");
    private static final long DEV_MINOR = offset("stx_dev_minor");
    private static final long MNT_ID = offset("stx_mnt_id");
    private static final long NANOS = Structs.offset(Structs.STATX_TIMESTAMP, "tv_nsec");

    private final MemorySegment statx = Arena.ofAuto().allocate(Structs.STATX);

    long address() {
        return statx.address();
    }

    /** {@return type and permissions, as {@code st_mode} has them} */
    public int mode() {
        return statx.get(JAVA_SHORT, MODE) & 0xffff;
    }

    /** {@return the number of the file in its file system} */
    public long inode() {
        return statx.get(JAVA_LONG, INO);
    }

    /** {@return how many names it has} */
    public int links() {
        return statx.get(JAVA_INT, NLINK);
    }

    /** {@return its owner, an unsigned number} */
    public int uid() {
        return statx.get(JAVA_INT, UID);
    }

    /** {@return its group, an unsigned number} */
    public int gid() {
        return statx.get(JAVA_INT, GID);
    }

    /** {@return its size in bytes} */
    public long size() {
        return statx.get(JAVA_LONG, SIZE);
    }

    /** {@return what it takes, in units of 512 bytes} */
    public long blocks() {
        return statx.get(JAVA_LONG, BLOCKS);
    }

    /** {@return the unit that is good to read and write} */
    public int blockBytes() {
        return statx.get(JAVA_INT, BLKSIZE);
    }

    /** {@return bits of {@code STATX_ATTR_*}} */
    public long attributes() {
        return statx.get(JAVA_LONG, ATTRIBUTES);
    }

    /** {@return when it was last read, in seconds since 1970} */
    public long accessedSeconds() {
        return statx.get(JAVA_LONG, ATIME);
    }

    /** {@return the nanoseconds of that} */
    public int accessedNanos() {
        return statx.get(JAVA_INT, ATIME + NANOS);
    }

    /** {@return when its data were last changed, in seconds since 1970} */
    public long modifiedSeconds() {
        return statx.get(JAVA_LONG, MTIME);
    }

    /** {@return the nanoseconds of that} */
    public int modifiedNanos() {
        return statx.get(JAVA_INT, MTIME + NANOS);
    }

    /** {@return when it was last changed at all, in seconds since 1970} */
    public long changedSeconds() {
        return statx.get(JAVA_LONG, CTIME);
    }

    /** {@return the nanoseconds of that} */
    public int changedNanos() {
        return statx.get(JAVA_INT, CTIME + NANOS);
    }

    /** {@return whether the file system knows when the file was made} */
    public boolean knowsBirth() {
        return (statx.get(JAVA_INT, MASK_AT) & BIRTH) != 0;
    }

    /** {@return when it was made, in seconds since 1970} */
    public long bornSeconds() {
        return statx.get(JAVA_LONG, BTIME);
    }

    /** {@return the nanoseconds of that} */
    public int bornNanos() {
        return statx.get(JAVA_INT, BTIME + NANOS);
    }

    /** {@return major part of the device that a device file stands for} */
    public int specialMajor() {
        return statx.get(JAVA_INT, RDEV_MAJOR);
    }

    /** {@return minor part of the device that a device file stands for} */
    public int specialMinor() {
        return statx.get(JAVA_INT, RDEV_MINOR);
    }

    /** {@return the file system that it is on: its device's major part above the minor one} */
    public long device() {
        return (long) statx.get(JAVA_INT, DEV_MAJOR) << 32
                | Integer.toUnsignedLong(statx.get(JAVA_INT, DEV_MINOR));
    }

    /** {@return the mount that it was found in} */
    public long mount() {
        return statx.get(JAVA_LONG, MNT_ID);
    }

    private static long offset(String field) {
        return Structs.offset(Structs.STATX, field);
    }
}
