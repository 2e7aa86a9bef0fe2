// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import java.lang.foreign.MemorySegment;

/**
 * What a file is. Changeable on purpose: a thread has one, fills it for each reply, and allocates
 * nothing. What a setter was not called for is left as it was; {@link #clear} sets all to 0.
 *
 * <p>Used by one thread at a time.
 */
public final class FileAttributes {
    private static final int INO = Structs.ATTR.offset("ino");
    private static final int SIZE = Structs.ATTR.offset("size");
    private static final int BLOCKS = Structs.ATTR.offset("blocks");
    private static final int ATIME = Structs.ATTR.offset("atime");
    private static final int MTIME = Structs.ATTR.offset("mtime");
    private static final int CTIME = Structs.ATTR.offset("ctime");
    private static final int ATIMENSEC = Structs.ATTR.offset("atimensec");
    private static final int MTIMENSEC = Structs.ATTR.offset("mtimensec");
    private static final int CTIMENSEC = Structs.ATTR.offset("ctimensec");
    private static final int MODE = Structs.ATTR.offset("mode");
    private static final int NLINK = Structs.ATTR.offset("nlink");
    private static final int UID = Structs.ATTR.offset("uid");
    private static final int GID = Structs.ATTR.offset("gid");
    private static final int RDEV = Structs.ATTR.offset("rdev");
    private static final int BLKSIZE = Structs.ATTR.offset("blksize");
    private static final int FLAGS = Structs.ATTR.offset("flags");

    private long inode;
    private long size;
    private long blocks;
    private long accessedSeconds;
    private long modifiedSeconds;
    private long changedSeconds;
    private int accessedNanos;
    private int modifiedNanos;
    private int changedNanos;
    private int mode;
    private int links;
    private int uid;
    private int gid;
    private int device;
    private int blockBytes;
    private int flags;

    /** Sets everything to 0. */
    public FileAttributes clear() {
        inode(0).size(0).blocks(0).accessed(0, 0).modified(0, 0).changed(0, 0);
        return mode(0).links(0).uid(0).gid(0).device(0).blockBytes(0).flags(0);
    }

    /** Its number, which users see as {@code st_ino}; that is not its node. */
    public FileAttributes inode(long value) {
        inode = value;
        return this;
    }

    /** Its size in bytes. */
    public FileAttributes size(long value) {
        size = value;
        return this;
    }

    /** What it takes, in units of 512 bytes. */
    public FileAttributes blocks(long value) {
        blocks = value;
        return this;
    }

    /** When it was last read: seconds since 1970, and nanoseconds. */
    public FileAttributes accessed(long seconds, int nanos) {
        accessedSeconds = seconds;
        accessedNanos = nanos;
        return this;
    }

    /** When its data were last changed: seconds since 1970, and nanoseconds. */
    public FileAttributes modified(long seconds, int nanos) {
        modifiedSeconds = seconds;
        modifiedNanos = nanos;
        return this;
    }

    /** When it was last changed at all: seconds since 1970, and nanoseconds. */
    public FileAttributes changed(long seconds, int nanos) {
        changedSeconds = seconds;
        changedNanos = nanos;
        return this;
    }

    /** Its type and permissions, as {@code st_mode} has them. */
    public FileAttributes mode(int value) {
        mode = value;
        return this;
    }

    /** How many names it has. */
    public FileAttributes links(int value) {
        links = value;
        return this;
    }

    /** Its owner, an unsigned number. */
    public FileAttributes uid(int value) {
        uid = value;
        return this;
    }

    /** Its group, an unsigned number. */
    public FileAttributes gid(int value) {
        gid = value;
        return this;
    }

    /** The number of a device file: {@code minor & 0xff | major << 8 | (minor & ~0xff) << 12}. */
    public FileAttributes device(int value) {
        device = value;
        return this;
    }

    /** The size of a block that is good to read and write. */
    public FileAttributes blockBytes(int value) {
        blockBytes = value;
        return this;
    }

    /** {@link Flags#ATTR_SUBMOUNT}, {@link Flags#ATTR_DAX} or 0. */
    public FileAttributes flags(int value) {
        flags = value;
        return this;
    }

    /** Writes it as the protocol has it, {@link Structs#ATTR}. */
    void encode(MemorySegment target, long at) {
        target.set(Wire.LE64, at + INO, inode);
        target.set(Wire.LE64, at + SIZE, size);
        target.set(Wire.LE64, at + BLOCKS, blocks);
        target.set(Wire.LE64, at + ATIME, accessedSeconds);
        target.set(Wire.LE64, at + MTIME, modifiedSeconds);
        target.set(Wire.LE64, at + CTIME, changedSeconds);
        target.set(Wire.LE32, at + ATIMENSEC, accessedNanos);
        target.set(Wire.LE32, at + MTIMENSEC, modifiedNanos);
        target.set(Wire.LE32, at + CTIMENSEC, changedNanos);
        target.set(Wire.LE32, at + MODE, mode);
        target.set(Wire.LE32, at + NLINK, links);
        target.set(Wire.LE32, at + UID, uid);
        target.set(Wire.LE32, at + GID, gid);
        target.set(Wire.LE32, at + RDEV, device);
        target.set(Wire.LE32, at + BLKSIZE, blockBytes);
        target.set(Wire.LE32, at + FLAGS, flags);
    }
}
