// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/**
 * A system call that a server of files makes after it has its connection, and why. Everything else
 * it gives up, see {@link Seccomp#giveUpAllBut}. Where arguments matter, the filter looks at them;
 * it cannot look at memory, so a call whose meaning stands there is not on this list.
 */
public enum FileServerCall {
    // Those of each request come first: an old kernel looks through the list from its beginning.
    STATX(332, 291, "attributes of files"),
    PREADV2(327, 286, "reads of the guest"),
    PWRITEV2(328, 287, "writes of the guest"),
    READ(0, 63, "events of queues; classes that are loaded late"),
    WRITE(1, 64, "events for the guest; the log"),
    OPENAT(257, 56, "files and directories of the share"),
    CLOSE(3, 57, "files that nobody uses any more"),
    FUTEX(202, 98, "threads that wait for each other"),
    GETRUSAGE(98, 165, "whether a thread had to wait for a disk"),
    EPOLL_PWAIT(281, 22, "waits for queues and the machine monitor"),

    // Threads and memory of Java.
    MMAP(9, 222, "memory; memory of the guest"),
    MUNMAP(11, 215, "memory that is given back"),
    MPROTECT(10, 226, "memory of threads, guard pages"),
    MADVISE(28, 233, "memory that is given back to the system"),
    BRK(12, 214, "memory of the C library"),
    CLONE(
            56,
            220,
            Rule.THREAD,
            "threads, and no processes: only the C library's flags of a thread"),
    CLONE3(
            435,
            435,
            Rule.MISSING,
            "answers ENOSYS: its flags stand in memory, CLONE is asked then"),
    EXIT(60, 93, "threads that end"),
    EXIT_GROUP(231, 94, "the end"),
    SET_ROBUST_LIST(273, 99, "threads that begin"),
    RSEQ(334, 293, "threads that begin"),
    GETTID(186, 178, "threads that begin"),
    SCHED_GETAFFINITY(204, 123, "threads that begin; processors"),
    PRCTL(157, 167, Rule.THREAD_NAME, "names of threads, nothing else"),
    RT_SIGPROCMASK(14, 135, "threads that begin and end"),
    RT_SIGRETURN(15, 139, "SIGTERM, SIGQUIT; pauses for the collector"),
    SCHED_YIELD(24, 124, "threads that wait for a moment"),
    CLOCK_NANOSLEEP(230, 115, "threads that wait for a while"),
    CLOCK_GETTIME(228, 113, "time, where it cannot be read without a call"),
    RESTART_SYSCALL(219, 128, "waiting goes on after SIGSTOP and SIGCONT"),
    PREAD64(17, 67, "classes that are loaded late"),
    LSEEK(8, 62, "holes of files; classes that are loaded late; directories"),

    // What the virtual machine and the C library try seldom, and do without.
    MREMAP(25, 216, Rule.MISSING, "answers ENOSYS: memory is copied then"),
    NEWFSTATAT(262, 79, Rule.MISSING, "answers ENOSYS: files of the system, which are not there"),
    FSTAT(5, 80, Rule.MISSING, "answers ENOSYS: the same"),
    SYSINFO(99, 179, Rule.MISSING, "answers ENOSYS: how many compiler threads are worth it"),

    // The machine monitor.
    ACCEPT4(288, 242, "the one connection"),
    GETSOCKOPT(55, 209, "whether a socket listens; who is at the other end"),
    RECVMSG(47, 212, "messages of the machine monitor, with memory and events"),
    RECVFROM(45, 207, "reads of a control socket, whether the other end has gone"),
    SENDTO(44, 206, "writes of a control socket"),
    SENDMSG(46, 211, "answers to the machine monitor"),
    SHUTDOWN(48, 210, "the end of a connection to a control socket"),
    PPOLL(271, 73, "waits for a message with a limit"),
    EPOLL_CREATE1(291, 20, "a queue that is started"),
    EPOLL_CTL(233, 21, "a queue that is started"),
    EVENTFD2(290, 19, "a queue that is stopped"),
    FCNTL(
            72,
            25,
            Rule.COPY,
            "a copy of a descriptor, nothing else: the end of a write that fails late"),

    // Files.
    GETDENTS64(217, 61, "listings"),
    READLINKAT(267, 78, "targets of symbolic links"),
    FSTATFS(138, 44, "what is free"),
    MKDIRAT(258, 34, "directories of the guest"),
    MKNODAT(259, 33, "FIFOs, sockets, whiteouts; devices only with CAP_MKNOD"),
    SYMLINKAT(266, 36, "symbolic links of the guest"),
    LINKAT(265, 37, "hard links"),
    UNLINKAT(263, 35, "what the guest removes"),
    RENAMEAT2(316, 276, "what the guest renames"),
    FTRUNCATE(77, 46, "sizes"),
    FALLOCATE(285, 47, "space, holes"),
    FCHMODAT(268, 53, "permissions"),
    FCHOWNAT(260, 54, "owners"),
    UTIMENSAT(280, 88, "times"),
    FSYNC(74, 82, "what is to be durable"),
    FDATASYNC(75, 83, "what is to be durable"),
    SYNCFS(306, 267, "a file system that is to be durable"),
    COPY_FILE_RANGE(326, 285, "copies that the guest does not have to read"),
    GETXATTR(191, 8, "extended attributes"),
    SETXATTR(188, 5, "extended attributes"),
    LISTXATTR(194, 11, "extended attributes"),
    REMOVEXATTR(197, 14, "extended attributes"),

    // In whose name.
    SETFSUID(122, 151, "files belong to the guest's user"),
    SETFSGID(123, 152, "files belong to the guest's group"),
    SETGROUPS(116, 159, "the one group that the guest tells"),
    CAPSET(126, 91, "less than it has, for a moment"),

    // Only for the report of a call that is not on the list.
    RT_SIGACTION(
            13,
            134,
            "only with --seccomp=trap: the report is written while signals are handled otherwise"),
    GETPID(39, 172, "only with --seccomp=trap: the report has it"),

    // Only with file handles.
    NAME_TO_HANDLE_AT(303, 264, "the handle of a file that is known and not open"),
    OPEN_BY_HANDLE_AT(304, 265, "a file by its handle");

    /** What is looked at besides the number. */
    enum Rule {
        ANY,
        /** The flags with which the C library makes a thread, all of them and no other. */
        THREAD,
        /** Answered with ENOSYS. */
        MISSING,
        /** The first argument is PR_SET_NAME. */
        THREAD_NAME,
        /** The second argument is F_DUPFD_CLOEXEC. */
        COPY
    }

    private final int number;
    private final Rule rule;
    private final String reason;

    FileServerCall(int x86, int aarch64, String reason) {
        this(x86, aarch64, Rule.ANY, reason);
    }

    FileServerCall(int x86, int aarch64, Rule rule, String reason) {
        this.number = SystemCall.number(x86, aarch64);
        this.rule = rule;
        this.reason = reason;
    }

    /** {@return those that only the report of a call needs that is not on the list} */
    public static Set<FileServerCall> ofReport() {
        return EnumSet.of(RT_SIGACTION, GETPID);
    }

    /** {@return its number on this machine} */
    int number() {
        return number;
    }

    Rule rule() {
        return rule;
    }

    /** {@return what a server of files needs it for} */
    public String reason() {
        return reason;
    }

    /** {@return its name in the manual} */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
