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
