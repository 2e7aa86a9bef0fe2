// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Takes system calls away from this process, for good. For a process that needs a capability for
 * one thing and must not be able to do the many others that the same capability allows.
 *
 * @spec https://man7.org/linux/man-pages/man2/seccomp.2.html seccomp(2)
 */
public final class Seccomp {
    private static final int SECCOMP_SET_MODE_FILTER = 1;
    private static final int SECCOMP_FILTER_FLAG_TSYNC = 1;
    private static final int SECCOMP_RET_ALLOW = 0x7fff0000;

    // Offsets in struct seccomp_data.
    private static final int NUMBER = 0;
    private static final int ARCHITECTURE = 4;

    // Operations of the filter's machine.
    private static final int LOAD = 0x20;
    private static final int JUMP_IF_EQUAL = 0x15;
    private static final int JUMP_IF_AT_LEAST = 0x35;
    private static final int RETURN = 0x06;

    /** On x86-64 the same calls have second numbers from here on, for programs that nobody has. */
    private static final int SECOND_NUMBERS = 0x40000000;

    private static final int PR_SET_NO_NEW_PRIVS = 38;

    /** What happens to a process that makes a call that it gave up. */
    public enum Action {
        /** It ends, by SIGSYS. */
        KILL(0x80000000),
        /** The thread gets SIGSYS. */
        TRAP(0x00030000),
        /** The kernel's log has a line, and the call is made. */
        LOG(0x7ffc0000);

        private final int result;

        Action(int result) {
            this.result = result;
        }
    }

    private Seccomp() {}

    /**
     * From now on this process ends, by SIGSYS, when one of its threads mounts, enters or makes a
     * namespace, changes its root, opens a file by handle, traces, starts another program or does
     * anything else by which an administrator changes or explores a system. There is no way back.
     *
     * @throws ErrnoException EACCES without CAP_SYS_ADMIN or "no new privileges", EINVAL if the
     *     kernel has no filters
     */
    public static void giveUpAdministration() throws ErrnoException {
        giveUp(SystemCall.ADMINISTRATION, Action.KILL);
    }

    /**
     * From now on this process can do nothing by system calls that a file server never does: start
     * another program, mount, enter or make a namespace, change its root, trace, make a socket or
     * connect one, load code into the kernel. There is no way back.
     *
     * @param action what happens to whoever tries
     * @throws ErrnoException EACCES without CAP_SYS_ADMIN or "no new privileges", EINVAL if the
     *     kernel has no filters
     */
    public static void giveUpAllButFiles(Action action) throws ErrnoException {
        giveUp(SystemCall.NOT_FOR_FILES, action);
    }

    /** Makes sure that no program that this process starts has more rights than it has itself. */
    public static void allowNoNewPrivileges() throws ErrnoException {
        // int prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        ErrnoException.check(
                "no new privileges", Native.syscall(SystemCall.PRCTL, PR_SET_NO_NEW_PRIVS, 1, 0));
    }

    private static void giveUp(int[] calls, Action action) throws ErrnoException {
        int length = calls.length + 6;
        int end = length - 1;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment filter = arena.allocate(Structs.SOCK_FILTER, length);
            put(filter, 0, LOAD, 0, 0, ARCHITECTURE);
            put(filter, 1, JUMP_IF_EQUAL, 0, end - 2, SystemCall.AUDIT_ARCHITECTURE);
            put(filter, 2, LOAD, 0, 0, NUMBER);
            put(filter, 3, JUMP_IF_AT_LEAST, end - 4, 0, SECOND_NUMBERS);
            for (int i = 0; i < calls.length; i++) {
                put(filter, 4 + i, JUMP_IF_EQUAL, end - 5 - i, 0, calls[i]);
            }
            put(filter, end - 1, RETURN, 0, 0, SECCOMP_RET_ALLOW);
            put(filter, end, RETURN, 0, 0, action.result);
            MemorySegment program = arena.allocate(Structs.SOCK_FPROG);
            program.set(JAVA_SHORT, Structs.offset(Structs.SOCK_FPROG, "len"), (short) length);
            program.set(JAVA_LONG, Structs.offset(Structs.SOCK_FPROG, "filter"), filter.address());
            // int seccomp(unsigned int operation, unsigned int flags, void *args);
            long result =
                    Native.syscall(
                            SystemCall.SECCOMP,
                            SECCOMP_SET_MODE_FILTER,
                            SECCOMP_FILTER_FLAG_TSYNC,
                            program.address());
            if (ErrnoException.check("seccomp", result) != 0) {
                throw new ErrnoException("seccomp for another thread", Errno.EBUSY);
            }
        }
    }

    /** Jumps count the instructions that they leave out. */
    private static void put(
            MemorySegment filter, int index, int code, int ifTrue, int ifFalse, int operand) {
        long at = index * Structs.SOCK_FILTER.byteSize();
        filter.set(JAVA_SHORT, at + Structs.offset(Structs.SOCK_FILTER, "code"), (short) code);
        filter.set(JAVA_BYTE, at + Structs.offset(Structs.SOCK_FILTER, "jt"), (byte) ifTrue);
        filter.set(JAVA_BYTE, at + Structs.offset(Structs.SOCK_FILTER, "jf"), (byte) ifFalse);
        filter.set(JAVA_INT, at + Structs.offset(Structs.SOCK_FILTER, "k"), operand);
    }
}
