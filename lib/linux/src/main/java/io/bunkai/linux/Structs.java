// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.MemoryLayout.paddingLayout;
import static java.lang.foreign.MemoryLayout.sequenceLayout;
import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.StructLayout;

/**
 * The kernel's structures that cross the border, 64-bit. A test holds them against the C
 * compiler's.
 */
final class Structs {
    /** Addresses are carried as machine words. */
    static final MemoryLayout POINTER = JAVA_LONG;

    static final StructLayout TIMESPEC =
            structLayout(JAVA_LONG.withName("tv_sec"), JAVA_LONG.withName("tv_nsec"));
    static final StructLayout POLLFD =
            structLayout(
                    JAVA_INT.withName("fd"),
                    JAVA_SHORT.withName("events"),
                    JAVA_SHORT.withName("revents"));
    static final StructLayout IOVEC =
            structLayout(POINTER.withName("iov_base"), JAVA_LONG.withName("iov_len"));
    static final StructLayout MSGHDR =
            structLayout(
                    POINTER.withName("msg_name"),
                    JAVA_INT.withName("msg_namelen"),
                    paddingLayout(4),
                    POINTER.withName("msg_iov"),
                    JAVA_LONG.withName("msg_iovlen"),
                    POINTER.withName("msg_control"),
                    JAVA_LONG.withName("msg_controllen"),
                    JAVA_INT.withName("msg_flags"),
                    paddingLayout(4));
    static final StructLayout CMSGHDR =
            structLayout(
                    JAVA_LONG.withName("cmsg_len"),
                    JAVA_INT.withName("cmsg_level"),
                    JAVA_INT.withName("cmsg_type"));
    static final StructLayout SOCKADDR_UN =
            structLayout(
                    JAVA_SHORT.withName("sun_family"),
                    sequenceLayout(108, JAVA_BYTE).withName("sun_path"));
    static final StructLayout WINSIZE =
            structLayout(
                    JAVA_SHORT.withName("ws_row"),
                    JAVA_SHORT.withName("ws_col"),
                    JAVA_SHORT.withName("ws_xpixel"),
                    JAVA_SHORT.withName("ws_ypixel"));

    /** Packed on x86-64, so that it is the same for 32-bit programs there; not elsewhere. */
    static final StructLayout EPOLL_EVENT =
            SystemCall.X86
                    ? structLayout(
                            JAVA_INT.withName("events"),
                            JAVA_LONG.withByteAlignment(4).withName("data"))
                    : structLayout(
                            JAVA_INT.withName("events"),
                            paddingLayout(4),
                            JAVA_LONG.withName("data"));

    /** What the kernel writes for SIGCHLD; the C library calls the same bytes siginfo_t. */
    static final StructLayout SIGINFO =
            structLayout(
                    JAVA_INT.withName("si_signo"),
                    JAVA_INT.withName("si_errno"),
                    JAVA_INT.withName("si_code"),
                    paddingLayout(4),
                    JAVA_INT.withName("si_pid"),
                    JAVA_INT.withName("si_uid"),
                    JAVA_INT.withName("si_status"),
                    paddingLayout(100));

    /** The kernel's termios, which TCGETS fills; the C library's own is larger. */
    static final StructLayout TERMIOS =
            structLayout(
                    JAVA_INT.withName("c_iflag"),
                    JAVA_INT.withName("c_oflag"),
                    JAVA_INT.withName("c_cflag"),
                    JAVA_INT.withName("c_lflag"),
                    JAVA_BYTE.withName("c_line"),
                    sequenceLayout(19, JAVA_BYTE).withName("c_cc"));

    static final StructLayout STATX_TIMESTAMP =
            structLayout(
                    JAVA_LONG.withName("tv_sec"), JAVA_INT.withName("tv_nsec"), paddingLayout(4));
    static final StructLayout STATX =
            structLayout(
                    JAVA_INT.withName("stx_mask"),
                    JAVA_INT.withName("stx_blksize"),
                    JAVA_LONG.withName("stx_attributes"),
                    JAVA_INT.withName("stx_nlink"),
                    JAVA_INT.withName("stx_uid"),
                    JAVA_INT.withName("stx_gid"),
                    JAVA_SHORT.withName("stx_mode"),
                    paddingLayout(2),
                    JAVA_LONG.withName("stx_ino"),
                    JAVA_LONG.withName("stx_size"),
                    JAVA_LONG.withName("stx_blocks"),
                    JAVA_LONG.withName("stx_attributes_mask"),
                    STATX_TIMESTAMP.withName("stx_atime"),
                    STATX_TIMESTAMP.withName("stx_btime"),
                    STATX_TIMESTAMP.withName("stx_ctime"),
                    STATX_TIMESTAMP.withName("stx_mtime"),
                    JAVA_INT.withName("stx_rdev_major"),
                    JAVA_INT.withName("stx_rdev_minor"),
                    JAVA_INT.withName("stx_dev_major"),
                    JAVA_INT.withName("stx_dev_minor"),
                    JAVA_LONG.withName("stx_mnt_id"),
                    paddingLayout(104));

    /** What getdents64 writes: of the name as much as there is, and a NUL. */
    static final StructLayout DIRENT64 =
            structLayout(
                    JAVA_LONG.withName("d_ino"),
                    JAVA_LONG.withName("d_off"),
                    JAVA_SHORT.withName("d_reclen"),
                    JAVA_BYTE.withName("d_type"),
                    sequenceLayout(256, JAVA_BYTE).withName("d_name"),
                    paddingLayout(5));

    /** A lock on bytes of a file. */
    static final StructLayout FLOCK =
            structLayout(
                    JAVA_SHORT.withName("l_type"),
                    JAVA_SHORT.withName("l_whence"),
                    paddingLayout(4),
                    JAVA_LONG.withName("l_start"),
                    JAVA_LONG.withName("l_len"),
                    JAVA_INT.withName("l_pid"),
                    paddingLayout(4));

    static final StructLayout STATFS =
            structLayout(
                    JAVA_LONG.withName("f_type"),
                    JAVA_LONG.withName("f_bsize"),
                    JAVA_LONG.withName("f_blocks"),
                    JAVA_LONG.withName("f_bfree"),
                    JAVA_LONG.withName("f_bavail"),
                    JAVA_LONG.withName("f_files"),
                    JAVA_LONG.withName("f_ffree"),
                    JAVA_LONG.withName("f_fsid"),
                    JAVA_LONG.withName("f_namelen"),
                    JAVA_LONG.withName("f_frsize"),
                    JAVA_LONG.withName("f_flags"),
                    paddingLayout(32));

    /** Only what is looked at has a name. */
    static final StructLayout RUSAGE =
            structLayout(paddingLayout(128), JAVA_LONG.withName("ru_nvcsw"), paddingLayout(8));

    static final StructLayout RLIMIT =
            structLayout(JAVA_LONG.withName("rlim_cur"), JAVA_LONG.withName("rlim_max"));

    static final StructLayout SOCK_FILTER =
            structLayout(
                    JAVA_SHORT.withName("code"),
                    JAVA_BYTE.withName("jt"),
                    JAVA_BYTE.withName("jf"),
                    JAVA_INT.withName("k"));
    static final StructLayout SOCK_FPROG =
            structLayout(JAVA_SHORT.withName("len"), paddingLayout(6), POINTER.withName("filter"));

    private Structs() {}

    /** {@return where a field begins, in bytes} */
    static long offset(StructLayout layout, String field) {
        return layout.byteOffset(PathElement.groupElement(field));
    }
}
