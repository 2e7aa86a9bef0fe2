// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Whom the calling thread acts for when it works with files. Each thread has its own, so this is
 * for platform threads; and a thread that borrows another identity gives it back before it does
 * anything else. Hot faces: 0, or a negated errno.
 *
 * @spec https://man7.org/linux/man-pages/man7/credentials.7.html credentials(7)
 */
public final class Identity {
    private static final int CAPABILITY_VERSION_3 = 0x20080522;
    private static final long CAP_DAC_OVERRIDE = 1L << 1;
    private static final int CAPABILITIES = 64;
    private static final int PR_SET_KEEPCAPS = 8;
    private static final int PR_CAPBSET_READ = 23;
    private static final int PR_CAPBSET_DROP = 24;
    private static final int PR_SET_SECUREBITS = 28;

    /**
     * SECBIT_NOROOT, KEEP_CAPS_LOCKED and NO_CAP_AMBIENT_RAISE, and their locks. Not
     * NO_SETUID_FIXUP: acting for somebody else takes capabilities away.
     */
    private static final int NO_RIGHTS_BY_EXEC = 0xe3;

    /** Those that the kernel itself takes away from a thread that acts for somebody else. */
    private static final long FILE_CAPABILITIES =
            1L | CAP_DAC_OVERRIDE | 1L << 2 | 1L << 3 | 1L << 4 | 1L << 9 | 1L << 27 | 1L << 32;

    private final MemorySegment header = Arena.ofAuto().allocate(8, 4);
    private final MemorySegment data = Arena.ofAuto().allocate(24, 4);
    private final MemorySegment group = Arena.ofAuto().allocate(4, 4);
    private final long permitted;

    /** For the threads of this process, which have these capabilities and lose none later. */
    public Identity(long permitted) {
        this.permitted = permitted;
        header.set(JAVA_INT, 0, CAPABILITY_VERSION_3);
        header.set(JAVA_INT, 4, 0); // the calling thread
    }

    /** {@return a set of capabilities as /proc/self/status tells it, of the word CapPrm or so} */
    public static long capabilities(String status, String word) {
        return status.lines()
                .filter(line -> line.startsWith(word + ":"))
                .map(line -> Long.parseUnsignedLong(line.substring(word.length() + 1).strip(), 16))
                .findFirst()
                .orElse(0L);
    }

    /**
     * Leaves the calling thread these capabilities of those that it has, and no other. Threads that
     * it starts have no more.
     */
    public static int tryKeep(long capabilities) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment header = arena.allocate(8, 4);
            MemorySegment data = arena.allocate(24, 4);
            header.set(JAVA_INT, 0, CAPABILITY_VERSION_3);
            // int capget(cap_user_header_t hdrp, cap_user_data_t datap);
            long got = Native.syscall(SystemCall.CAPGET, header.address(), data.address(), 0);
            if (got < 0) {
                return (int) got;
            }
            for (int half = 0; half < 2; half++) {
                int kept =
                        data.get(JAVA_INT, 12L * half + 4) & (int) (capabilities >>> (32 * half));
                data.set(JAVA_INT, 12L * half, kept);
                data.set(JAVA_INT, 12L * half + 4, kept);
                data.set(JAVA_INT, 12L * half + 8, 0);
            }
            return (int) Native.syscall(SystemCall.CAPSET, header.address(), data.address(), 0);
        }
    }

    /**
     * Takes all capabilities from all other threads of this process, for good: those of the virtual
     * machine, which nobody can ask to give them up. They become threads of a user and a group who
     * own nothing. The calling thread stays who it is, with all that it has, and so do threads that
     * it starts from now on. For a process of root.
     *
     * <p>A thread that leaves the user 0 altogether loses its capabilities, unless it has said that
     * it wants to keep them, which is for one thread alone to say; and the C library changes the
     * user of all threads at once.
     *
     * @param nobody number of that user and group
     * @throws ErrnoException EPERM without CAP_SETUID and CAP_SETGID, EINVAL if the user namespace
     *     has no such user or group; some threads may have lost something then
     */
    public static void takeFromOtherThreads(int nobody) throws ErrnoException {
        // int prctl(PR_SET_KEEPCAPS, 1); gid_t getegid(void);
        check("keep capabilities", Native.syscall(SystemCall.PRCTL, PR_SET_KEEPCAPS, 1, 0));
        long group = Native.syscall(SystemCall.GETEGID, 0);
        // int setgroups(size_t, const gid_t *); int setresgid(gid_t, gid_t, gid_t); and so on, of
        // all threads: the C library's, and not the system call's
        check("drop groups", Native.tryCall(Native.symbol("setgroups"), 0, 0, 0));
        check(
                "change the group",
                Native.tryCall(Native.symbol("setresgid"), nobody, nobody, nobody));
        check(
                "change the user",
                Native.tryCall(Native.symbol("setresuid"), nobody, nobody, nobody));
        check("have capabilities again", tryKeep(-1));
        check("be of a group", Native.syscall(SystemCall.SETRESGID, group, group, group));
        check("be root", Native.syscall(SystemCall.SETRESUID, 0, 0, 0));
        check("keep no more", Native.syscall(SystemCall.PRCTL, PR_SET_KEEPCAPS, 0, 0));
    }

    /**
     * Makes sure that no program that the calling thread may start, and no thread that it starts,
     * ever has a capability more than it has itself, or any by being root's.
     *
     * @throws ErrnoException EPERM without CAP_SETPCAP
     */
    public static void lockCapabilities() throws ErrnoException {
        for (int number = 0; number < CAPABILITIES; number++) {
            // int prctl(PR_CAPBSET_READ, cap); int prctl(PR_CAPBSET_DROP, cap);
            if (Native.syscall(SystemCall.PRCTL, PR_CAPBSET_READ, number, 0) == 1) {
                check(
                        "give a capability up",
                        Native.syscall(SystemCall.PRCTL, PR_CAPBSET_DROP, number, 0));
            }
        }
        check(
                "give up what root has by exec",
                Native.syscall(SystemCall.PRCTL, PR_SET_SECUREBITS, NO_RIGHTS_BY_EXEC, 0));
    }

    private static void check(String what, long result) throws ErrnoException {
        ErrnoException.check(what, result);
    }

    /** Takes all supplementary groups from the calling thread, and from no other. */
    public static int tryDropGroups() {
        // int setgroups(size_t size, const gid_t *list); of the thread: glibc's is of the process
        return (int) Native.syscall(SystemCall.SETGROUPS, 0, 0, 0);
    }

    /** Makes a group the only supplementary one of the calling thread. */
    public int tryGroup(int gid) {
        group.set(JAVA_INT, 0, gid);
        return (int) Native.syscall(SystemCall.SETGROUPS, 1, group.address(), 0);
    }

    /**
     * Becomes another user and group for files. With the user root goes what root may do with
     * files.
     *
     * @param overrides whether to keep CAP_DAC_OVERRIDE all the same
     */
    public int tryBecome(int uid, int gid, boolean overrides) {
        if (gid != 0 && !setFs(SystemCall.SETFSGID, gid)) {
            return -Errno.EPERM;
        }
        if (uid != 0) {
            if (!setFs(SystemCall.SETFSUID, uid)) {
                setFs(SystemCall.SETFSGID, 0);
                return -Errno.EPERM;
            }
            if (overrides) {
                return effective(permitted & (~FILE_CAPABILITIES | CAP_DAC_OVERRIDE));
            }
        }
        return 0;
    }

    /** Is root again, with all that root may do. */
    public void back(int uid, int gid) {
        if (uid != 0) {
            setFs(SystemCall.SETFSUID, 0);
        }
        if (gid != 0) {
            setFs(SystemCall.SETFSGID, 0);
        }
    }

    /**
     * Takes a capability from what the calling thread can use, or gives it back.
     *
     * @param capability its number
     */
    public int tryWithout(int capability, boolean without) {
        return effective(without ? permitted & ~(1L << capability) : permitted);
    }

    private int effective(long set) {
        data.set(JAVA_INT, 0, (int) set);
        data.set(JAVA_INT, 4, (int) permitted);
        data.set(JAVA_INT, 8, 0);
        data.set(JAVA_INT, 12, (int) (set >>> 32));
        data.set(JAVA_INT, 16, (int) (permitted >>> 32));
        data.set(JAVA_INT, 20, 0);
        // int capset(cap_user_header_t hdrp, const cap_user_data_t datap);
        return (int) Native.syscall(SystemCall.CAPSET, header.address(), data.address(), 0);
    }

    /** These calls answer with what was before, whether they have done anything or not. */
    private static boolean setFs(int call, int id) {
        // int setfsuid(uid_t fsuid); int setfsgid(gid_t fsgid);
        Native.syscall(call, Integer.toUnsignedLong(id));
        return (int) Native.syscall(call, 0xffff_ffffL) == id;
    }
}
