// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a request asks for, as {@code enum fuse_opcode} of version 7.45 has it. Numbers 7 and 19
 * were never given; what is not here is {@link FuseRequest.Unknown} and answered ENOSYS.
 *
 * @spec https://github.com/torvalds/linux/blob/v6.18/include/uapi/linux/fuse.h linux/fuse.h
 */
public enum Opcode {
    /** Look a name up in a directory, and count one lookup of the node that it names. */
    LOOKUP(1, 0, 0, Structs.ENTRY_OUT.bytes()),
    /** The kernel has forgotten a node as many times as it says. Never answered. */
    FORGET(2, 0, Structs.FORGET_IN.bytes(), Opcode.NO_REPLY),
    /** What is this file? */
    GETATTR(3, 0, Structs.GETATTR_IN.bytes(), Structs.ATTR_OUT.bytes()),
    /** Change mode, owner, size or times. */
    SETATTR(4, 0, Structs.SETATTR_IN.bytes(), Structs.ATTR_OUT.bytes()),
    /** Where does this symbolic link lead? */
    READLINK(5, 0, 0, 0),
    /** Make a symbolic link: name, then target. */
    SYMLINK(6, 0, 0, Structs.ENTRY_OUT.bytes()),
    /** Make a file of any type but a directory. */
    MKNOD(8, 0, Structs.MKNOD_IN.bytes(), Structs.ENTRY_OUT.bytes()),
    /** Make a directory. */
    MKDIR(9, 0, Structs.MKDIR_IN.bytes(), Structs.ENTRY_OUT.bytes()),
    /** Remove a name of anything but a directory. */
    UNLINK(10, 0, 0, 0),
    /** Remove an empty directory. */
    RMDIR(11, 0, 0, 0),
    /** Give a file another name: the old one, then the new. */
    RENAME(12, 0, Structs.RENAME_IN.bytes(), 0),
    /** Give a file one more name. The header names the directory. */
    LINK(13, 0, Structs.LINK_IN.bytes(), Structs.ENTRY_OUT.bytes()),
    /** Open a file that exists. */
    OPEN(14, 0, Structs.OPEN_IN.bytes(), Structs.OPEN_OUT.bytes()),
    /** Read; fewer bytes than asked for mean the end of the file. */
    READ(15, 0, Structs.READ_IN.bytes(), 0),
    /** Write. */
    WRITE(16, 0, Structs.WRITE_IN.bytes(), Structs.WRITE_OUT.bytes()),
    /** What is this file system? */
    STATFS(17, 0, 0, Structs.STATFS_OUT.bytes()),
    /** An open file is used by nobody any more. */
    RELEASE(18, 0, Structs.RELEASE_IN.bytes(), 0),
    /** Make a file durable. */
    FSYNC(20, 0, Structs.FSYNC_IN.bytes(), 0),
    /** Set an extended attribute. */
    SETXATTR(21, 0, Structs.SETXATTR_IN_COMPAT_BYTES, 0),
    /** Get an extended attribute, or only its size. */
    GETXATTR(22, 0, Structs.GETXATTR_IN.bytes(), 0),
    /** The names of the extended attributes, each with a NUL, or only their size. */
    LISTXATTR(23, 0, Structs.GETXATTR_IN.bytes(), 0),
    /** Remove an extended attribute. */
    REMOVEXATTR(24, 0, 0, 0),
    /** One of the descriptors of an open file is being closed. */
    FLUSH(25, 0, Structs.FLUSH_IN.bytes(), 0),
    /** Agree on the version and the features. */
    INIT(26, 0, Structs.INIT_IN_COMPAT_BYTES, Structs.INIT_OUT.bytes()),
    /** Open a directory. */
    OPENDIR(27, 0, Structs.OPEN_IN.bytes(), Structs.OPEN_OUT.bytes()),
    /** Entries of an open directory. */
    READDIR(28, 0, Structs.READ_IN.bytes(), 0),
    /** An open directory is used by nobody any more. */
    RELEASEDIR(29, 0, Structs.RELEASE_IN.bytes(), 0),
    /** Make a directory durable. */
    FSYNCDIR(30, 0, Structs.FSYNC_IN.bytes(), 0),
    /** Is there a lock in the way? */
    GETLK(31, 0, Structs.LK_IN.bytes(), Structs.LK_OUT.bytes()),
    /** Lock, or fail if somebody else has a lock. */
    SETLK(32, 0, Structs.LK_IN.bytes(), 0),
    /** Lock, and wait for it. */
    SETLKW(33, 0, Structs.LK_IN.bytes(), 0),
    /** May the caller do this? */
    ACCESS(34, 0, Structs.ACCESS_IN.bytes(), 0),
    /** Make a file and open it, in one step. */
    CREATE(35, 0, Structs.CREATE_IN.bytes(), Structs.ENTRY_OUT.bytes() + Structs.OPEN_OUT.bytes()),
    /**
     * The caller of an earlier request does not want to wait. Answered only with EAGAIN, ENOSYS.
     */
    INTERRUPT(36, 0, Structs.INTERRUPT_IN.bytes(), 0),
    /** Where on the disk is a block of the file? */
    BMAP(37, 0, Structs.BMAP_IN.bytes(), Structs.BMAP_OUT.bytes()),
    /** The file system is being unmounted. */
    DESTROY(38, 0, 0, 0),
    /** A call of ioctl(2). */
    IOCTL(39, 11, Structs.IOCTL_IN.bytes(), Structs.IOCTL_OUT.bytes()),
    /** Is the file ready? */
    POLL(40, 11, Structs.POLL_IN.bytes(), Structs.POLL_OUT.bytes()),
    /** The data that a notification has asked for. Never answered. */
    NOTIFY_REPLY(41, 15, Structs.NOTIFY_RETRIEVE_IN.bytes(), Opcode.NO_REPLY),
    /** Many FORGETs. Never answered. */
    BATCH_FORGET(42, 16, Structs.BATCH_FORGET_IN.bytes(), Opcode.NO_REPLY),
    /** Allocate, zero, or remove a part of the file. */
    FALLOCATE(43, 19, Structs.FALLOCATE_IN.bytes(), 0),
    /** READDIR, and LOOKUP of each entry. */
    READDIRPLUS(44, 21, Structs.READ_IN.bytes(), 0),
    /** RENAME with flags. */
    RENAME2(45, 23, Structs.RENAME2_IN.bytes(), 0),
    /** Where do the next data, or the next hole, begin? */
    LSEEK(46, 24, Structs.LSEEK_IN.bytes(), Structs.LSEEK_OUT.bytes()),
    /** Copy from file to file without the data passing through the kernel. */
    COPY_FILE_RANGE(47, 28, Structs.COPY_FILE_RANGE_IN.bytes(), Structs.WRITE_OUT.bytes()),
    /** Map a part of a file into the device's window. */
    SETUPMAPPING(48, 31, Structs.SETUPMAPPING_IN.bytes(), 0),
    /** Undo mappings. */
    REMOVEMAPPING(49, 31, Structs.REMOVEMAPPING_IN.bytes(), 0),
    /** Make all of the file system durable. */
    SYNCFS(50, 34, Structs.SYNCFS_IN.bytes(), 0),
    /** Make a file without a name and open it. */
    TMPFILE(
            51,
            37,
            Structs.CREATE_IN.bytes(),
            Structs.ENTRY_OUT.bytes() + Structs.OPEN_OUT.bytes()),
    /** What is this file, with its time of birth? */
    STATX(52, 39, Structs.STATX_IN.bytes(), Structs.STATX_OUT.bytes()),
    /** COPY_FILE_RANGE whose answer may exceed 32 bits. */
    COPY_FILE_RANGE_64(
            53, 45, Structs.COPY_FILE_RANGE_IN.bytes(), Structs.COPY_FILE_RANGE_OUT.bytes());

    /** In the place of a reply's size: there is no reply at all. */
    static final int NO_REPLY = -1;

    /**
     * INIT of a peer whose numbers are big endian: it would have to be served by another program.
     */
    public static final int INIT_BYTE_SWAPPED = 436207616;

    private static final int MOST = 53;
    private static final @Nullable Opcode[] BY_NUMBER = new @Nullable Opcode[MOST + 1];

    static {
        for (Opcode opcode : values()) {
            BY_NUMBER[opcode.number] = opcode;
        }
    }

    private final int number;
    private final int since;
    private final int requestBytes;
    private final int replyBytes;

    Opcode(int number, int since, int requestBytes, int replyBytes) {
        this.number = number;
        this.since = since;
        this.requestBytes = requestBytes;
        this.replyBytes = replyBytes;
    }

    /** {@return what a number asks for, or null if nobody knows} */
    public static @Nullable Opcode of(int number) {
        return number >= 0 && number <= MOST ? BY_NUMBER[number] : null;
    }

    /** {@return all of them, by number} */
    public static List<Opcode> all() {
        return List.of(values());
    }

    /** {@return its number on the wire} */
    public int number() {
        return number;
    }

    /** {@return the minor version of the protocol that brought it; 0 for 7.10 and before} */
    public int since() {
        return since;
    }

    /** {@return the least that a request has behind its header, without names and data} */
    public int requestBytes() {
        return requestBytes;
    }

    /** {@return what a successful reply has behind its header, without data; 0 if there is none} */
    public int replyBytes() {
        return Math.max(0, replyBytes);
    }

    /** {@return whether the peer waits for an answer at all} */
    public boolean hasReply() {
        return replyBytes != NO_REPLY;
    }
}
