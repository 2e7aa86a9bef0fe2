// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import java.util.EnumSet;
import java.util.Set;

/**
 * The features that INIT agrees on. The first 32 bits travel in {@code flags}, the others in {@code
 * flags2}, which a kernel has that offers {@link #INIT_EXT}.
 *
 * @spec https://github.com/torvalds/linux/blob/v6.18/include/uapi/linux/fuse.h linux/fuse.h
 */
public enum InitFlag {
    /** Several reads of one open file at once. */
    ASYNC_READ(0, 6),
    /** POSIX locks are the server's affair: GETLK, SETLK, SETLKW come. */
    POSIX_LOCKS(1, 7),
    /** The kernel would send handles with more requests; it never does. */
    FILE_OPS(2, 9),
    /** The server truncates when it opens with O_TRUNC. */
    ATOMIC_O_TRUNC(3, 9),
    /**
     * The server looks "." and ".." up, so that nodes can be found again after the kernel forgot.
     */
    EXPORT_SUPPORT(4, 10),
    /** Writes may be larger than 4 KiB. */
    BIG_WRITES(5, 10),
    /** The server applies the caller's umask, not the kernel. */
    DONT_MASK(6, 12),
    /** The device can be written with splice(2). */
    SPLICE_WRITE(7, 14),
    /** The device can take pages over. */
    SPLICE_MOVE(8, 14),
    /** The device can be read with splice(2). */
    SPLICE_READ(9, 14),
    /** BSD locks are the server's affair. */
    FLOCK_LOCKS(10, 17),
    /** IOCTL comes for directories, too. */
    HAS_IOCTL_DIR(11, 18),
    /** The kernel drops cached pages when size or time of a file turn out to have changed. */
    AUTO_INVAL_DATA(12, 20),
    /** READDIRPLUS comes in the place of READDIR. */
    DO_READDIRPLUS(13, 21),
    /** The kernel decides between the two, call by call. */
    READDIRPLUS_AUTO(14, 21),
    /** Direct I/O in parallel. */
    ASYNC_DIO(15, 22),
    /** The kernel collects writes; sizes and times are its own, and it reads what it writes. */
    WRITEBACK_CACHE(16, 23),
    /** ENOSYS to OPEN means: no OPEN and no RELEASE any more, all works without. */
    NO_OPEN_SUPPORT(17, 23),
    /** LOOKUP and READDIR in one directory in parallel. */
    PARALLEL_DIROPS(18, 25),
    /** The server drops set-id bits on write, truncate and chown. */
    HANDLE_KILLPRIV(19, 26),
    /** The server knows POSIX ACLs; the kernel checks by them. */
    POSIX_ACL(20, 26),
    /** Reading the device after an abort answers ECONNABORTED. */
    ABORT_ERROR(21, 27),
    /** {@code max_pages} of the reply counts. */
    MAX_PAGES(22, 28),
    /** The kernel remembers where symbolic links lead. */
    CACHE_SYMLINKS(23, 28),
    /** ENOSYS to OPENDIR means: no OPENDIR and no RELEASEDIR any more. */
    NO_OPENDIR_SUPPORT(24, 29),
    /** Cached pages are dropped only when the server says so. */
    EXPLICIT_INVAL_DATA(25, 30),
    /** {@code map_alignment} of the reply counts. */
    MAP_ALIGNMENT(26, 31),
    /** The kernel mounts what the server marks as the root of a mount of its own. */
    SUBMOUNTS(27, 32),
    /** As HANDLE_KILLPRIV, by the rules of Linux, where a request says so. */
    HANDLE_KILLPRIV_V2(28, 33),
    /** SETXATTR comes with flags. */
    SETXATTR_EXT(29, 33),
    /** There are 64 of these bits. */
    INIT_EXT(30, 36),
    /** Never to be used. */
    INIT_RESERVED(31, 36),
    /** Requests that make files bring security contexts. */
    SECURITY_CTX(32, 36),
    /** DAX is decided file by file. */
    HAS_INODE_DAX(33, 36),
    /** Requests that make files bring the one group that counts for a set-group-id directory. */
    CREATE_SUPP_GROUP(34, 39),
    /** The kernel knows notifications that let an entry expire. */
    HAS_EXPIRE_ONLY(35, 38),
    /** Files with FOPEN_DIRECT_IO can be mapped shared. */
    DIRECT_IO_ALLOW_MMAP(36, 39),
    /** The kernel may be given files to read and write itself. */
    PASSTHROUGH(37, 40),
    /** The server could not find nodes again: no export over NFS. */
    NO_EXPORT_SUPPORT(38, 40),
    /** The kernel can be told to send pending requests once more. */
    HAS_RESEND(39, 40),
    /** Mounts may translate ids. */
    ALLOW_IDMAP(40, 41),
    /** Requests may come by io_uring. */
    OVER_IO_URING(41, 42),
    /** The kernel aborts if a request takes longer than {@code request_timeout} of the reply. */
    REQUEST_TIMEOUT(42, 43);

    private final int bit;
    private final int since;

    InitFlag(int bit, int since) {
        this.bit = bit;
        this.since = since;
    }

    /** {@return its place, from 0 to 63} */
    public int bit() {
        return bit;
    }

    /** {@return the minor version of the protocol that a C header must have to know it} */
    public int since() {
        return since;
    }

    /** {@return a word with this bit set} */
    public long mask() {
        return 1L << bit;
    }

    /** {@return the flags of a word; bits that nobody knows are left out} */
    public static Set<InitFlag> of(long word) {
        EnumSet<InitFlag> flags = EnumSet.noneOf(InitFlag.class);
        for (InitFlag flag : values()) {
            if ((word & flag.mask()) != 0) {
                flags.add(flag);
            }
        }
        return flags;
    }

    /** {@return a word with the bits of all these flags} */
    public static long word(Set<InitFlag> flags) {
        long word = 0;
        for (InitFlag flag : flags) {
            word |= flag.mask();
        }
        return word;
    }
}
