// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import java.util.List;

/**
 * Every structure of the protocol, as {@code linux/fuse.h} of version 7.45 (Linux 6.18) has it. A
 * test holds them against the C compiler's.
 *
 * <p>Requests end in {@code IN}, replies in {@code OUT}, notifications in {@code NOTIFY}. A name
 * that follows a request, data, and extensions are no part of a structure.
 *
 * @spec https://github.com/torvalds/linux/blob/v6.18/include/uapi/linux/fuse.h linux/fuse.h
 */
public final class Structs {
    // --- what begins every message ---

    /** Before every request; {@code total_extlen} counts units of eight bytes. */
    public static final Struct IN_HEADER =
            Struct.named("fuse_in_header")
                    .u32("len")
                    .u32("opcode")
                    .u64("unique")
                    .u64("nodeid")
                    .u32("uid")
                    .u32("gid")
                    .u32("pid")
                    .u16("total_extlen", 38)
                    .u16("padding")
                    .build();

    /** Before every reply; {@code error} is 0 or a negated errno. */
    public static final Struct OUT_HEADER =
            Struct.named("fuse_out_header").u32("len").u32("error").u64("unique").build();

    // --- parts of others ---

    /** What a file is. */
    public static final Struct ATTR =
            Struct.named("fuse_attr")
                    .u64("ino")
                    .u64("size")
                    .u64("blocks")
                    .u64("atime")
                    .u64("mtime")
                    .u64("ctime")
                    .u32("atimensec")
                    .u32("mtimensec")
                    .u32("ctimensec")
                    .u32("mode")
                    .u32("nlink")
                    .u32("uid")
                    .u32("gid")
                    .u32("rdev")
                    .u32("blksize")
                    .u32("flags", 32)
                    .build();

    /** What a file system is. */
    public static final Struct KSTATFS =
            Struct.named("fuse_kstatfs")
                    .u64("blocks")
                    .u64("bfree")
                    .u64("bavail")
                    .u64("files")
                    .u64("ffree")
                    .u32("bsize")
                    .u32("namelen")
                    .u32("frsize")
                    .u32("padding")
                    .bytes("spare", 24)
                    .build();

    /** A lock, from its first to its last byte. */
    public static final Struct FILE_LOCK =
            Struct.named("fuse_file_lock").u64("start").u64("end").u32("type").u32("pid").build();

    /** A moment, as statx(2) tells it. */
    public static final Struct SX_TIME =
            Struct.named("fuse_sx_time", 39).u64("tv_sec").u32("tv_nsec").u32("__reserved").build();

    /** What a file is, as statx(2) tells it. */
    public static final Struct STATX =
            Struct.named("fuse_statx", 39)
                    .u32("mask")
                    .u32("blksize")
                    .u64("attributes")
                    .u32("nlink")
                    .u32("uid")
                    .u32("gid")
                    .u16("mode")
                    .u16("__spare0")
                    .u64("ino")
                    .u64("size")
                    .u64("blocks")
                    .u64("attributes_mask")
                    .struct("atime", SX_TIME)
                    .struct("btime", SX_TIME)
                    .struct("ctime", SX_TIME)
                    .struct("mtime", SX_TIME)
                    .u32("rdev_major")
                    .u32("rdev_minor")
                    .u32("dev_major")
                    .u32("dev_minor")
                    .bytes("__spare2", 112)
                    .build();

    // --- extensions, behind the names of a request ---

    /** Begins an extension; {@code size} counts it and what follows. */
    public static final Struct EXT_HEADER =
            Struct.named("fuse_ext_header").u32("size").u32("type").build();

    /** Begins security contexts; the same bytes as {@link #EXT_HEADER}, the type being a count. */
    public static final Struct SECCTX_HEADER =
            Struct.named("fuse_secctx_header").u32("size").u32("nr_secctx").build();

    /** One security context: a name, a NUL and {@code size} bytes follow. */
    public static final Struct SECCTX =
            Struct.named("fuse_secctx").u32("size").u32("padding").build();

    /** Supplementary groups: that many numbers of 32 bits follow. */
    public static final Struct SUPP_GROUPS =
            Struct.named("fuse_supp_groups", 39).u32("nr_groups").build();

    // --- requests and their replies, by opcode ---

    /** LOOKUP and all that make a file; in READDIRPLUS before each name. Node 0: no such file. */
    public static final Struct ENTRY_OUT =
            Struct.named("fuse_entry_out")
                    .u64("nodeid")
                    .u64("generation")
                    .u64("entry_valid")
                    .u64("attr_valid")
                    .u32("entry_valid_nsec")
                    .u32("attr_valid_nsec")
                    .struct("attr", ATTR)
                    .build();

    public static final Struct FORGET_IN = Struct.named("fuse_forget_in").u64("nlookup").build();
    public static final Struct FORGET_ONE =
            Struct.named("fuse_forget_one").u64("nodeid").u64("nlookup").build();

    /** That many {@link #FORGET_ONE} follow. */
    public static final Struct BATCH_FORGET_IN =
            Struct.named("fuse_batch_forget_in").u32("count").u32("dummy").build();

    public static final Struct GETATTR_IN =
            Struct.named("fuse_getattr_in").u32("getattr_flags").u32("dummy").u64("fh").build();
    public static final Struct ATTR_OUT =
            Struct.named("fuse_attr_out")
                    .u64("attr_valid")
                    .u32("attr_valid_nsec")
                    .u32("dummy")
                    .struct("attr", ATTR)
                    .build();
    public static final Struct STATX_IN =
            Struct.named("fuse_statx_in", 39)
                    .u32("getattr_flags")
                    .u32("reserved")
                    .u64("fh")
                    .u32("sx_flags")
                    .u32("sx_mask")
                    .build();
    public static final Struct STATX_OUT =
            Struct.named("fuse_statx_out", 39)
                    .u64("attr_valid")
                    .u32("attr_valid_nsec")
                    .u32("flags")
                    .bytes("spare", 16)
                    .struct("stat", STATX)
                    .build();
    public static final Struct MKNOD_IN =
            Struct.named("fuse_mknod_in")
                    .u32("mode")
                    .u32("rdev")
                    .u32("umask")
                    .u32("padding")
                    .build();
    public static final Struct MKDIR_IN =
            Struct.named("fuse_mkdir_in").u32("mode").u32("umask").build();
    public static final Struct RENAME_IN = Struct.named("fuse_rename_in").u64("newdir").build();
    public static final Struct RENAME2_IN =
            Struct.named("fuse_rename2_in").u64("newdir").u32("flags").u32("padding").build();
    public static final Struct LINK_IN = Struct.named("fuse_link_in").u64("oldnodeid").build();
    public static final Struct SETATTR_IN =
            Struct.named("fuse_setattr_in")
                    .u32("valid")
                    .u32("padding")
                    .u64("fh")
                    .u64("size")
                    .u64("lock_owner")
                    .u64("atime")
                    .u64("mtime")
                    .u64("ctime")
                    .u32("atimensec")
                    .u32("mtimensec")
                    .u32("ctimensec")
                    .u32("mode")
                    .u32("unused4")
                    .u32("uid")
                    .u32("gid")
                    .u32("unused5")
                    .build();
    public static final Struct OPEN_IN =
            Struct.named("fuse_open_in").u32("flags").u32("open_flags", 33).build();
    public static final Struct CREATE_IN =
            Struct.named("fuse_create_in")
                    .u32("flags")
                    .u32("mode")
                    .u32("umask")
                    .u32("open_flags", 33)
                    .build();
    public static final Struct OPEN_OUT =
            Struct.named("fuse_open_out").u64("fh").u32("open_flags").u32("backing_id", 40).build();
    public static final Struct RELEASE_IN =
            Struct.named("fuse_release_in")
                    .u64("fh")
                    .u32("flags")
                    .u32("release_flags")
                    .u64("lock_owner")
                    .build();
    public static final Struct FLUSH_IN =
            Struct.named("fuse_flush_in")
                    .u64("fh")
                    .u32("unused")
                    .u32("padding")
                    .u64("lock_owner")
                    .build();
    public static final Struct READ_IN =
            Struct.named("fuse_read_in")
                    .u64("fh")
                    .u64("offset")
                    .u32("size")
                    .u32("read_flags")
                    .u64("lock_owner")
                    .u32("flags")
                    .u32("padding")
                    .build();

    /** {@code size} bytes follow. */
    public static final Struct WRITE_IN =
            Struct.named("fuse_write_in")
                    .u64("fh")
                    .u64("offset")
                    .u32("size")
                    .u32("write_flags")
                    .u64("lock_owner")
                    .u32("flags")
                    .u32("padding")
                    .build();

    public static final Struct WRITE_OUT =
            Struct.named("fuse_write_out").u32("size").u32("padding").build();
    public static final Struct STATFS_OUT =
            Struct.named("fuse_statfs_out").struct("st", KSTATFS).build();
    public static final Struct FSYNC_IN =
            Struct.named("fuse_fsync_in").u64("fh").u32("fsync_flags").u32("padding").build();

    /** Only its first {@link #SETXATTR_IN_COMPAT_BYTES} where SETXATTR_EXT was not agreed on. */
    public static final Struct SETXATTR_IN =
            Struct.named("fuse_setxattr_in")
                    .u32("size")
                    .u32("flags")
                    .u32("setxattr_flags", 33)
                    .u32("padding", 33)
                    .build();

    /** Size of {@link #SETXATTR_IN} before 7.33. */
    public static final int SETXATTR_IN_COMPAT_BYTES = 8;

    public static final Struct GETXATTR_IN =
            Struct.named("fuse_getxattr_in").u32("size").u32("padding").build();
    public static final Struct GETXATTR_OUT =
            Struct.named("fuse_getxattr_out").u32("size").u32("padding").build();
    public static final Struct LK_IN =
            Struct.named("fuse_lk_in")
                    .u64("fh")
                    .u64("owner")
                    .struct("lk", FILE_LOCK)
                    .u32("lk_flags")
                    .u32("padding")
                    .build();
    public static final Struct LK_OUT = Struct.named("fuse_lk_out").struct("lk", FILE_LOCK).build();
    public static final Struct ACCESS_IN =
            Struct.named("fuse_access_in").u32("mask").u32("padding").build();

    /** Only its first {@link #INIT_IN_COMPAT_BYTES} before 7.36. */
    public static final Struct INIT_IN =
            Struct.named("fuse_init_in")
                    .u32("major")
                    .u32("minor")
                    .u32("max_readahead")
                    .u32("flags")
                    .u32("flags2", 36)
                    .bytes("unused", 44, 36)
                    .build();

    /** Size of {@link #INIT_IN} before 7.36. */
    public static final int INIT_IN_COMPAT_BYTES = 16;

    public static final Struct INIT_OUT =
            Struct.named("fuse_init_out")
                    .u32("major")
                    .u32("minor")
                    .u32("max_readahead")
                    .u32("flags")
                    .u16("max_background")
                    .u16("congestion_threshold")
                    .u32("max_write")
                    .u32("time_gran")
                    .u16("max_pages")
                    .u16("map_alignment")
                    .u32("flags2", 36)
                    .u32("max_stack_depth", 40)
                    .u16("request_timeout", 43)
                    .bytes("unused", 22, 43)
                    .build();
    public static final Struct CUSE_INIT_IN =
            Struct.named("cuse_init_in")
                    .u32("major")
                    .u32("minor")
                    .u32("unused")
                    .u32("flags")
                    .build();
    public static final Struct CUSE_INIT_OUT =
            Struct.named("cuse_init_out")
                    .u32("major")
                    .u32("minor")
                    .u32("unused")
                    .u32("flags")
                    .u32("max_read")
                    .u32("max_write")
                    .u32("dev_major")
                    .u32("dev_minor")
                    .bytes("spare", 40)
                    .build();
    public static final Struct INTERRUPT_IN =
            Struct.named("fuse_interrupt_in").u64("unique").build();
    public static final Struct BMAP_IN =
            Struct.named("fuse_bmap_in").u64("block").u32("blocksize").u32("padding").build();
    public static final Struct BMAP_OUT = Struct.named("fuse_bmap_out").u64("block").build();

    /** {@code in_size} bytes follow. */
    public static final Struct IOCTL_IN =
            Struct.named("fuse_ioctl_in")
                    .u64("fh")
                    .u32("flags")
                    .u32("cmd")
                    .u64("arg")
                    .u32("in_size")
                    .u32("out_size")
                    .build();

    public static final Struct IOCTL_IOVEC =
            Struct.named("fuse_ioctl_iovec").u64("base").u64("len").build();
    public static final Struct IOCTL_OUT =
            Struct.named("fuse_ioctl_out")
                    .u32("result")
                    .u32("flags")
                    .u32("in_iovs")
                    .u32("out_iovs")
                    .build();
    public static final Struct POLL_IN =
            Struct.named("fuse_poll_in").u64("fh").u64("kh").u32("flags").u32("events").build();
    public static final Struct POLL_OUT =
            Struct.named("fuse_poll_out").u32("revents").u32("padding").build();
    public static final Struct FALLOCATE_IN =
            Struct.named("fuse_fallocate_in")
                    .u64("fh")
                    .u64("offset")
                    .u64("length")
                    .u32("mode")
                    .u32("padding")
                    .build();
    public static final Struct LSEEK_IN =
            Struct.named("fuse_lseek_in")
                    .u64("fh")
                    .u64("offset")
                    .u32("whence")
                    .u32("padding")
                    .build();
    public static final Struct LSEEK_OUT = Struct.named("fuse_lseek_out").u64("offset").build();
    public static final Struct COPY_FILE_RANGE_IN =
            Struct.named("fuse_copy_file_range_in")
                    .u64("fh_in")
                    .u64("off_in")
                    .u64("nodeid_out")
                    .u64("fh_out")
                    .u64("off_out")
                    .u64("len")
                    .u64("flags")
                    .build();

    /** Of COPY_FILE_RANGE_64; the older one is answered with {@link #WRITE_OUT}. */
    public static final Struct COPY_FILE_RANGE_OUT =
            Struct.named("fuse_copy_file_range_out", 45).u64("bytes_copied").build();

    public static final Struct SETUPMAPPING_IN =
            Struct.named("fuse_setupmapping_in")
                    .u64("fh")
                    .u64("foffset")
                    .u64("len")
                    .u64("flags")
                    .u64("moffset")
                    .build();

    /** That many {@link #REMOVEMAPPING_ONE} follow. */
    public static final Struct REMOVEMAPPING_IN =
            Struct.named("fuse_removemapping_in").u32("count").build();

    public static final Struct REMOVEMAPPING_ONE =
            Struct.named("fuse_removemapping_one").u64("moffset").u64("len").build();
    public static final Struct SYNCFS_IN = Struct.named("fuse_syncfs_in").u64("padding").build();

    /** A directory's entry: the name follows, and zeros up to a multiple of eight bytes. */
    public static final Struct DIRENT =
            Struct.named("fuse_dirent").u64("ino").u64("off").u32("namelen").u32("type").build();

    /** The same with what a LOOKUP of the name would have answered. */
    public static final Struct DIRENTPLUS =
            Struct.named("fuse_direntplus")
                    .struct("entry_out", ENTRY_OUT)
                    .struct("dirent", DIRENT)
                    .build();

    // --- notifications, which the server sends of itself; virtio-fs has no way for them ---

    public static final Struct NOTIFY_POLL_WAKEUP_OUT =
            Struct.named("fuse_notify_poll_wakeup_out").u64("kh").build();
    public static final Struct NOTIFY_INVAL_INODE_OUT =
            Struct.named("fuse_notify_inval_inode_out").u64("ino").u64("off").u64("len").build();

    /** A name and a NUL follow. */
    public static final Struct NOTIFY_INVAL_ENTRY_OUT =
            Struct.named("fuse_notify_inval_entry_out")
                    .u64("parent")
                    .u32("namelen")
                    .u32("flags", 38)
                    .build();

    /** A name and a NUL follow. */
    public static final Struct NOTIFY_DELETE_OUT =
            Struct.named("fuse_notify_delete_out")
                    .u64("parent")
                    .u64("child")
                    .u32("namelen")
                    .u32("padding")
                    .build();

    /** {@code size} bytes follow. */
    public static final Struct NOTIFY_STORE_OUT =
            Struct.named("fuse_notify_store_out")
                    .u64("nodeid")
                    .u64("offset")
                    .u32("size")
                    .u32("padding")
                    .build();

    public static final Struct NOTIFY_RETRIEVE_OUT =
            Struct.named("fuse_notify_retrieve_out")
                    .u64("notify_unique")
                    .u64("nodeid")
                    .u64("offset")
                    .u32("size")
                    .u32("padding")
                    .build();

    /** What answers a retrieval, as a request: {@code size} bytes follow. */
    public static final Struct NOTIFY_RETRIEVE_IN =
            Struct.named("fuse_notify_retrieve_in")
                    .u64("dummy1")
                    .u64("offset")
                    .u32("size")
                    .u32("dummy2")
                    .u64("dummy3")
                    .u64("dummy4")
                    .build();

    /** That many node ids of 64 bits follow. */
    public static final Struct NOTIFY_PRUNE_OUT =
            Struct.named("fuse_notify_prune_out", 45)
                    .u32("count")
                    .u32("padding")
                    .u64("spare")
                    .build();

    private Structs() {}

    /** {@return all of them, in the order of this page} */
    public static List<Struct> all() {
        return List.of(
                IN_HEADER,
                OUT_HEADER,
                ATTR,
                KSTATFS,
                FILE_LOCK,
                SX_TIME,
                STATX,
                EXT_HEADER,
                SECCTX_HEADER,
                SECCTX,
                SUPP_GROUPS,
                ENTRY_OUT,
                FORGET_IN,
                FORGET_ONE,
                BATCH_FORGET_IN,
                GETATTR_IN,
                ATTR_OUT,
                STATX_IN,
                STATX_OUT,
                MKNOD_IN,
                MKDIR_IN,
                RENAME_IN,
                RENAME2_IN,
                LINK_IN,
                SETATTR_IN,
                OPEN_IN,
                CREATE_IN,
                OPEN_OUT,
                RELEASE_IN,
                FLUSH_IN,
                READ_IN,
                WRITE_IN,
                WRITE_OUT,
                STATFS_OUT,
                FSYNC_IN,
                SETXATTR_IN,
                GETXATTR_IN,
                GETXATTR_OUT,
                LK_IN,
                LK_OUT,
                ACCESS_IN,
                INIT_IN,
                INIT_OUT,
                CUSE_INIT_IN,
                CUSE_INIT_OUT,
                INTERRUPT_IN,
                BMAP_IN,
                BMAP_OUT,
                IOCTL_IN,
                IOCTL_IOVEC,
                IOCTL_OUT,
                POLL_IN,
                POLL_OUT,
                FALLOCATE_IN,
                LSEEK_IN,
                LSEEK_OUT,
                COPY_FILE_RANGE_IN,
                COPY_FILE_RANGE_OUT,
                SETUPMAPPING_IN,
                REMOVEMAPPING_IN,
                REMOVEMAPPING_ONE,
                SYNCFS_IN,
                DIRENT,
                DIRENTPLUS,
                NOTIFY_POLL_WAKEUP_OUT,
                NOTIFY_INVAL_INODE_OUT,
                NOTIFY_INVAL_ENTRY_OUT,
                NOTIFY_DELETE_OUT,
                NOTIFY_STORE_OUT,
                NOTIFY_RETRIEVE_OUT,
                NOTIFY_RETRIEVE_IN,
                NOTIFY_PRUNE_OUT);
    }
}
