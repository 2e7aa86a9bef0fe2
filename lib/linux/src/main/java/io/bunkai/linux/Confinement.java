// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** What a process does to itself before it serves somebody whom it does not trust. */
public final class Confinement {
    private static final int RLIMIT_CORE = 4;
    private static final int RLIMIT_NOFILE = 7;
    private static final int RLIMIT_MEMLOCK = 8;
    private static final int RLIMIT_MSGQUEUE = 12;
    private static final int PR_SET_DUMPABLE = 4;
    private static final int F_GETFL = 3;
    private static final int SEEK_SET = 0;
    private static final int SEEK_CUR = 1;
    private static final int O_CLOEXEC = 0x80000;
    private static final int ACCESS_MODE = 3;

    private static final Path LINKS = Path.of("/proc/self/fd");

    private Confinement() {}

    /**
     * Sets which permissions new files never get.
     *
     * @return what it was
     * @spec https://man7.org/linux/man-pages/man2/umask.2.html umask(2)
     */
    public static int umask(int mask) {
        // mode_t umask(mode_t mask);
        return (int) Native.syscall(SystemCall.UMASK, mask);
    }

    /**
     * {@return how many descriptors this process may have at most, however it asks}
     *
     * @spec https://man7.org/linux/man-pages/man2/getrlimit.2.html prlimit(2)
     */
    public static long mostDescriptors() throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment limits = arena.allocate(Structs.RLIMIT);
            // int prlimit(pid_t, int resource, const struct rlimit *, struct rlimit *old);
            ErrnoException.check(
                    "read RLIMIT_NOFILE",
                    Native.syscall(SystemCall.PRLIMIT64, 0, RLIMIT_NOFILE, 0, limits.address()));
            return limits.get(JAVA_LONG, Structs.offset(Structs.RLIMIT, "rlim_max"));
        }
    }

    /**
     * Sets how many descriptors this process may have.
     *
     * @throws ErrnoException EPERM for more than {@link #mostDescriptors} without CAP_SYS_RESOURCE,
     *     or more than the system's {@code nr_open}
     */
    public static void limitDescriptors(long count) throws ErrnoException {
        limit(RLIMIT_NOFILE, count);
    }

    private static void limit(int resource, long count) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment limits = arena.allocate(Structs.RLIMIT);
            limits.set(JAVA_LONG, 0, count);
            limits.set(JAVA_LONG, 8, count);
            ErrnoException.check(
                    "set limit " + resource + " to " + count,
                    Native.syscall(SystemCall.PRLIMIT64, 0, resource, limits.address(), 0));
        }
    }

    /**
     * Makes this process opaque: its memory is never written to a file, nobody without
     * CAP_SYS_PTRACE looks into it; and it locks no memory and makes no message queues.
     */
    public static void beOpaque() throws ErrnoException {
        limit(RLIMIT_CORE, 0);
        limit(RLIMIT_MEMLOCK, 0);
        limit(RLIMIT_MSGQUEUE, 0);
        // int prctl(PR_SET_DUMPABLE, 0);
        ErrnoException.check(
                "be not dumpable", Native.syscall(SystemCall.PRCTL, PR_SET_DUMPABLE, 0, 0));
    }

    /**
     * Makes sure that a file which is open for reading cannot be opened for writing by its entry in
     * /proc/self/fd, whatever rights the process has: the program's own files, above all. Each is
     * opened anew on a read-only mount that only the descriptor knows. One from another mount
     * namespace, which is nothing that this program needs, becomes /dev/null.
     *
     * @throws ErrnoException EPERM without CAP_SYS_ADMIN
     */
    public static void sealReadOnlyFiles() throws ErrnoException {
        for (int number : openFiles()) {
            seal(number);
        }
    }

    private static List<Integer> openFiles() throws ErrnoException {
        List<Integer> files = new ArrayList<>();
        try (Stream<Path> entries = Files.list(LINKS)) {
            for (Path entry : entries.toList()) {
                int number = Integer.parseInt(entry.getFileName().toString());
                // int fcntl(int fd, F_GETFL);
                long flags = Native.syscall(SystemCall.FCNTL, number, F_GETFL, 0);
                boolean forReading =
                        flags >= 0 && (flags & (ACCESS_MODE | Fd.O_PATH)) == Fd.O_RDONLY;
                if (forReading && Files.isRegularFile(entry)) {
                    files.add(number);
                }
            }
        } catch (IOException e) {
            throw new ErrnoException("list open files", Errno.EIO);
        }
        return files;
    }

    private static void seal(int number) throws ErrnoException {
        try (Fd again = openReadOnly(number)) {
            long at = Native.syscall(SystemCall.LSEEK, number, 0, SEEK_CUR);
            ErrnoException.check(
                    "seek", Native.syscall(SystemCall.LSEEK, again.number(), at, SEEK_SET));
            // int dup3(int oldfd, int newfd, int flags);
            ErrnoException.check(
                    "seal descriptor " + number,
                    Native.syscall(SystemCall.DUP3, again.number(), number, O_CLOEXEC));
        }
    }

    private static Fd openReadOnly(int number) throws ErrnoException {
        try (Fd mount = Mounts.detachedReadOnly(number)) {
            return Fd.open(mount.path(), Fd.O_RDONLY);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EINVAL) {
                throw e;
            }
            return Fd.open(Path.of("/dev/null"), Fd.O_RDONLY);
        }
    }

    /**
     * Makes a directory this process's root. The directory that it works in stays where it is.
     *
     * @throws ErrnoException EPERM without CAP_SYS_CHROOT
     * @spec https://man7.org/linux/man-pages/man2/chroot.2.html chroot(2)
     */
    public static void chroot(Fd directory) throws ErrnoException {
        directory.enter();
        try (Arena arena = Arena.ofConfined()) {
            // int chroot(const char *path);
            ErrnoException.check(
                    "chroot",
                    Native.syscall(SystemCall.CHROOT, Native.cString(arena, ".").address()));
        }
    }

    /**
     * Makes a directory something that can become this mount namespace's root: what is mounted
     * there and beneath. Descriptors of it that are to be good afterwards are opened after this.
     * What is mounted beneath the directory outside of the namespace later is seen here, too, but
     * nothing that is mounted here is seen outside.
     *
     * <p>Only where this process has a mount namespace of its own, which all its threads share.
     *
     * @throws ErrnoException EPERM without CAP_SYS_ADMIN
     */
    public static void makeMountPoint(Path directory) throws ErrnoException {
        Mounts.mount("none", Path.of("/"), "none", Mounts.MS_REC | Mounts.MS_SLAVE, "");
        Mounts.mount(directory.toString(), directory, "none", Mounts.MS_BIND | Mounts.MS_REC, "");
    }

    /**
     * Makes what is mounted at a directory the only thing that this mount namespace has: everything
     * else is unmounted from it.
     *
     * @param directory see {@link #makeMountPoint}
     * @throws ErrnoException EPERM without CAP_SYS_ADMIN, EINVAL in a namespace that it shares
     * @spec https://man7.org/linux/man-pages/man2/pivot_root.2.html pivot_root(2)
     */
    public static void pivotTo(Path directory) throws ErrnoException {
        try (Arena arena = Arena.ofConfined();
                Fd old = Fd.open(Path.of("/"), Fd.O_PATH | Fd.O_DIRECTORY);
                Fd target = Fd.open(directory, Fd.O_PATH | Fd.O_DIRECTORY)) {
            long here = Native.cString(arena, ".").address();
            target.enter();
            // int pivot_root(const char *new_root, const char *put_old);
            ErrnoException.check(
                    "pivot_root", Native.syscall(SystemCall.PIVOT_ROOT, here, here, 0));
            old.enter();
            // int umount2(const char *target, int flags);
            ErrnoException.check(
                    "unmount the old root",
                    Native.syscall(SystemCall.UMOUNT2, here, Mounts.MNT_DETACH, 0));
            target.enter();
        }
    }
}
