// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

/**
 * Numbers of the system calls this project makes.
 *
 * @spec https://github.com/torvalds/linux/blob/v6.1/arch/x86/entry/syscalls/syscall_64.tbl x86-64
 * @spec https://github.com/torvalds/linux/blob/v6.1/include/uapi/asm-generic/unistd.h AArch64
 */
final class SystemCall {
    /** Whether this is x86-64 and not AArch64. */
    static final boolean X86 = isX86();

    static final int READ = number(0, 63);
    static final int WRITE = number(1, 64);
    static final int CLOSE = number(3, 57);
    static final int LSEEK = number(8, 62);
    static final int IOCTL = number(16, 29);
    static final int SOCKET = number(41, 198);
    static final int CONNECT = number(42, 203);
    static final int SENDMSG = number(46, 211);
    static final int RECVFROM = number(45, 207);
    static final int RECVMSG = number(47, 212);
    static final int BIND = number(49, 200);
    static final int LISTEN = number(50, 201);
    static final int EXECVE = number(59, 221);
    static final int FCNTL = number(72, 25);
    static final int FLOCK = number(73, 32);
    static final int PRCTL = number(157, 167);
    static final int MOUNT = number(165, 40);
    static final int UMOUNT2 = number(166, 39);
    static final int REBOOT = number(169, 142);
    static final int SETHOSTNAME = number(170, 161);
    static final int CLOCK_SETTIME = number(227, 112);
    static final int CLOCK_GETTIME = number(228, 113);
    static final int WAITID = number(247, 95);
    static final int INOTIFY_ADD_WATCH = number(254, 27);
    static final int OPENAT = number(257, 56);
    static final int PPOLL = number(271, 73);
    static final int ACCEPT4 = number(288, 242);
    static final int PIPE2 = number(293, 59);
    static final int INOTIFY_INIT1 = number(294, 26);
    static final int RENAMEAT2 = number(316, 276);
    static final int PIDFD_SEND_SIGNAL = number(424, 424);
    static final int PIDFD_OPEN = number(434, 434);
    static final int KILL = number(62, 129);
    static final int EPOLL_CTL = number(233, 21);
    static final int EPOLL_PWAIT = number(281, 22);
    static final int EPOLL_CREATE1 = number(291, 20);
    static final int FCHDIR = number(81, 50);
    static final int LGETXATTR = number(192, 9);
    static final int FGETXATTR = number(193, 10);
    static final int LLISTXATTR = number(195, 12);
    static final int FLISTXATTR = number(196, 13);
    static final int GETDENTS64 = number(217, 61);
    static final int READLINKAT = number(267, 78);
    static final int SECCOMP = number(317, 277);
    static final int STATX = number(332, 291);
    static final int DUP3 = number(292, 24);
    static final int SETNS = number(308, 268);
    static final int UNSHARE = number(272, 97);
    static final int MOUNT_SETATTR = number(442, 442);
    static final int MMAP = number(9, 222);
    static final int MUNMAP = number(11, 215);
    static final int SHUTDOWN = number(48, 210);
    static final int SOCKETPAIR = number(53, 199);
    static final int GETSOCKOPT = number(55, 209);
    static final int FTRUNCATE = number(77, 46);
    static final int EVENTFD2 = number(290, 19);
    static final int MEMFD_CREATE = number(319, 279);
    static final int PREADV2 = number(327, 286);
    static final int PWRITEV2 = number(328, 287);
    static final int GETRUSAGE = number(98, 165);
    static final int UMASK = number(95, 166);
    static final int CHROOT = number(161, 51);
    static final int PIVOT_ROOT = number(155, 41);
    static final int PRLIMIT64 = number(302, 261);
    static final int CAPGET = number(125, 90);
    static final int CAPSET = number(126, 91);
    static final int SETFSUID = number(122, 151);
    static final int SETFSGID = number(123, 152);
    static final int SETGROUPS = number(116, 159);
    static final int NAME_TO_HANDLE_AT = number(303, 264);
    static final int OPEN_BY_HANDLE_AT = number(304, 265);
    static final int MKDIRAT = number(258, 34);
    static final int MKNODAT = number(259, 33);
    static final int FCHOWNAT = number(260, 54);
    static final int UNLINKAT = number(263, 35);
    static final int LINKAT = number(265, 37);
    static final int SYMLINKAT = number(266, 36);
    static final int FCHMODAT = number(268, 53);
    static final int UTIMENSAT = number(280, 88);
    static final int FALLOCATE = number(285, 47);
    static final int FSYNC = number(74, 82);
    static final int FDATASYNC = number(75, 83);
    static final int SYNCFS = number(306, 267);
    static final int COPY_FILE_RANGE = number(326, 285);
    static final int FSTATFS = number(138, 44);
    static final int SETXATTR = number(188, 5);
    static final int GETXATTR = number(191, 8);
    static final int LISTXATTR = number(194, 11);
    static final int REMOVEXATTR = number(197, 14);
    static final int GETEGID = number(108, 177);
    static final int SETRESUID = number(117, 147);
    static final int SETRESGID = number(119, 149);
    static final int OPEN_TREE = 428;

    /** What only root does to a system, and the ways around: the calls of {@link Seccomp}. */
    static final int[] ADMINISTRATION = {
        MOUNT,
        UMOUNT2,
        REBOOT,
        SETHOSTNAME,
        CLOCK_SETTIME,
        number(155, 41), // pivot_root
        number(161, 51), // chroot
        number(272, 97), // unshare
        number(308, 268), // setns
        number(303, 264), // name_to_handle_at
        number(304, 265), // open_by_handle_at
        number(101, 117), // ptrace
        number(310, 270), // process_vm_readv
        number(311, 271), // process_vm_writev
        number(167, 224), // swapon
        number(168, 225), // swapoff
        number(163, 89), // acct
        number(103, 116), // syslog
        number(171, 162), // setdomainname
        number(179, 60), // quotactl
        number(188, 5), // setxattr
        number(189, 6), // lsetxattr
        number(190, 7), // fsetxattr
        number(246, 104), // kexec_load
        number(175, 105), // init_module
        number(313, 273), // finit_module
        number(248, 217), // add_key
        number(250, 219), // keyctl
        number(298, 241), // perf_event_open
        number(300, 262), // fanotify_init
        number(321, 280), // bpf
        number(323, 282), // userfaultfd
        number(59, 221), // execve
        number(322, 281), // execveat
        425, // io_uring_setup, whose requests no filter sees
        428, // open_tree
        429, // move_mount
        430, // fsopen
        431, // fsconfig
        432, // fsmount
        433, // fspick
        438, // pidfd_getfd
        442, // mount_setattr
    };

    /** How the kernel calls this architecture where it tells which one a call is made for. */
    static final int AUDIT_ARCHITECTURE = number(0xc000003e, 0xc00000b7);

    private SystemCall() {}

    /** {@return the one of this machine's architecture; some flags of open(2) differ, too} */
    static int number(int x86, int aarch64) {
        return X86 ? x86 : aarch64;
    }

    private static boolean isX86() {
        String architecture = System.getProperty("os.arch", "");
        return switch (architecture) {
            case "amd64" -> true;
            case "aarch64" -> false;
            default -> throw new AssertionError("no system call numbers for " + architecture);
        };
    }
}
