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
    static final int IOCTL = number(16, 29);
    static final int SOCKET = number(41, 198);
    static final int CONNECT = number(42, 203);
    static final int SENDMSG = number(46, 211);
    static final int RECVMSG = number(47, 212);
    static final int BIND = number(49, 200);
    static final int LISTEN = number(50, 201);
    static final int EXECVE = number(59, 221);
    static final int FCNTL = number(72, 25);
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
    static final int STATX = number(332, 291);

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
