// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Takes system calls away from this process, for good. For a process that needs a capability for
 * one thing and must not be able to do the many others that the same capability allows.
 *
 * @spec https://man7.org/linux/man-pages/man2/seccomp.2.html seccomp(2)
 */
public final class Seccomp {
    private static final int SECCOMP_SET_MODE_FILTER = 1;
    private static final int SECCOMP_FILTER_FLAG_TSYNC = 1;
    private static final int SIGSEGV = 11;
    private static final int SIGSYS = 31;

    // Where struct sigaction of the GNU C library has its first signals, and its flags.
    private static final long SA_MASK = 8;
    private static final long SA_FLAGS = 136;
    private static final int SA_NODEFER = 0x40000000;

    /** As much as struct sigaction of the GNU C library takes, or more. */
    private static final int SIGACTION_BYTES = 256;

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
     * From now on this process can make no system calls but these: start no program, mount nothing,
     * enter or make no namespace, trace nobody, send no signal, make or connect no socket, load no
     * code into the kernel. There is no way back.
     *
     * <p>With {@link Action#TRAP} the Java virtual machine ends as it does after an error of its
     * own: its report has the number of the call in the register that the architecture passes it in
     * (RAX; R8 on AArch64), and the stack of the thread that made it.
     *
     * @param action what happens to whoever makes another one
     * @throws ErrnoException EACCES without CAP_SYS_ADMIN or "no new privileges", EINVAL if the
     *     kernel has no filters
     */
    public static void giveUpAllBut(Set<FileServerCall> calls, Action action)
            throws ErrnoException {
        Set<FileServerCall> all = EnumSet.copyOf(calls);
        if (action == Action.TRAP) {
            reportSigsys();
            all.addAll(FileServerCall.ofReport());
        }
        install(FileServerFilter.program(all, action.result));
    }

    /**
     * The handler that the virtual machine has for its own errors writes reports of all signals.
     */
    private static void reportSigsys() throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment handler = arena.allocate(SIGACTION_BYTES, 8);
            MemorySegment sigaction = Native.symbol("sigaction");
            // int sigaction(int signum, const struct sigaction *, struct sigaction *old);
            ErrnoException.check(
                    "read a signal's handler",
                    Native.tryCall(sigaction, SIGSEGV, 0, handler.address()));
            // Calls that the report itself makes and does not have cost it a paragraph, no more.
            long mask = handler.get(JAVA_LONG, SA_MASK);
            handler.set(JAVA_LONG, SA_MASK, mask & ~(1L << (SIGSYS - 1)));
            handler.set(JAVA_INT, SA_FLAGS, handler.get(JAVA_INT, SA_FLAGS) | SA_NODEFER);
            ErrnoException.check(
                    "handle SIGSYS", Native.tryCall(sigaction, SIGSYS, handler.address(), 0));
        }
    }

    /** Makes sure that no program that this process starts has more rights than it has itself. */
    public static void allowNoNewPrivileges() throws ErrnoException {
        // int prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        ErrnoException.check(
                "no new privileges", Native.syscall(SystemCall.PRCTL, PR_SET_NO_NEW_PRIVS, 1, 0));
    }

    private static void giveUp(int[] calls, Action action) throws ErrnoException {
        List<Instruction> program = new ArrayList<>();
        int end = calls.length + 5;
        program.add(new Instruction(Instruction.LOAD, 0, 0, Instruction.ARCHITECTURE));
        program.add(
                new Instruction(
                        Instruction.JUMP_IF_EQUAL, 0, end - 2, SystemCall.AUDIT_ARCHITECTURE));
        program.add(new Instruction(Instruction.LOAD, 0, 0, Instruction.NUMBER));
        program.add(
                new Instruction(
                        Instruction.JUMP_IF_AT_LEAST, end - 4, 0, Instruction.SECOND_NUMBERS));
        for (int i = 0; i < calls.length; i++) {
            program.add(new Instruction(Instruction.JUMP_IF_EQUAL, end - 5 - i, 0, calls[i]));
        }
        program.add(new Instruction(Instruction.RETURN, 0, 0, Instruction.ALLOW));
        program.add(new Instruction(Instruction.RETURN, 0, 0, action.result));
        install(program);
    }

    /** For all threads that there are, and all that they make. */
    static void install(List<Instruction> instructions) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment filter = arena.allocate(Structs.SOCK_FILTER, instructions.size());
            for (int i = 0; i < instructions.size(); i++) {
                instructions.get(i).put(filter, i);
            }
            MemorySegment program = arena.allocate(Structs.SOCK_FPROG);
            program.set(
                    JAVA_SHORT,
                    Structs.offset(Structs.SOCK_FPROG, "len"),
                    (short) instructions.size());
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

    /** An instruction of the filter's machine. Jumps count the instructions that they leave out. */
    record Instruction(int code, int ifTrue, int ifFalse, int operand) {
        // Operations.
        static final int LOAD = 0x20;
        static final int JUMP_IF_EQUAL = 0x15;
        static final int JUMP_IF_AT_LEAST = 0x35;
        static final int RETURN = 0x06;

        // Offsets in struct seccomp_data, and what is returned to let a call pass.
        static final int NUMBER = 0;
        static final int ARCHITECTURE = 4;
        static final int ALLOW = 0x7fff0000;

        /** On x86-64 the same calls have second numbers from here on, which nobody uses. */
        static final int SECOND_NUMBERS = 0x40000000;

        Instruction {
            if (ifTrue < 0 || ifTrue > 255 || ifFalse < 0 || ifFalse > 255) {
                throw new IllegalArgumentException("a jump is too far: " + ifTrue + ", " + ifFalse);
            }
        }

        private void put(MemorySegment filter, int index) {
            long at = index * Structs.SOCK_FILTER.byteSize();
            filter.set(JAVA_SHORT, at + Structs.offset(Structs.SOCK_FILTER, "code"), (short) code);
            filter.set(JAVA_BYTE, at + Structs.offset(Structs.SOCK_FILTER, "jt"), (byte) ifTrue);
            filter.set(JAVA_BYTE, at + Structs.offset(Structs.SOCK_FILTER, "jf"), (byte) ifFalse);
            filter.set(JAVA_INT, at + Structs.offset(Structs.SOCK_FILTER, "k"), operand);
        }
    }
}
