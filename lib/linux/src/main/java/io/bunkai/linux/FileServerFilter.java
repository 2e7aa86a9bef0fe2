// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import io.bunkai.linux.Seccomp.Instruction;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The filter that lets pass what is on a list. Calls without a rule of their own cost nothing on a
 * kernel that has learned them (5.11 and later), whatever their place.
 *
 * @spec https://man7.org/linux/man-pages/man2/seccomp.2.html seccomp(2)
 */
final class FileServerFilter {
    private static final int ERRNO = 0x00050000;
    private static final int FIRST_ARGUMENT = 16;
    private static final int ARGUMENT_BYTES = 8;
    private static final int PR_SET_NAME = 15;

    /**
     * CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID and CHILD_CLEARTID: the
     * GNU C library's flags since 2.1.
     */
    private static final int THREAD = 0x003d0f00;

    private static final int F_DUPFD_CLOEXEC = 1030;

    private FileServerFilter() {}

    /**
     * {@return the filter's program}
     *
     * @param otherwise what the kernel does at any other call
     */
    static List<Instruction> program(Set<FileServerCall> calls, int otherwise) {
        List<Instruction> program = new ArrayList<>();
        Instruction refuse = new Instruction(Instruction.RETURN, 0, 0, otherwise);
        program.add(load(Instruction.ARCHITECTURE));
        program.add(
                new Instruction(Instruction.JUMP_IF_EQUAL, 1, 0, SystemCall.AUDIT_ARCHITECTURE));
        program.add(refuse);
        program.add(load(Instruction.NUMBER));
        for (FileServerCall call : calls) {
            List<Instruction> decision = decide(call.rule(), refuse);
            program.add(
                    new Instruction(Instruction.JUMP_IF_EQUAL, 0, decision.size(), call.number()));
            program.addAll(decision);
        }
        program.add(refuse); // second numbers as well, since none of them is on a list
        return program;
    }

    /** {@return what is done with a call of this number; it ends in each case} */
    private static List<Instruction> decide(FileServerCall.Rule rule, Instruction refuse) {
        return switch (rule) {
            case ANY -> List.of(pass());
            case MISSING ->
                    List.of(new Instruction(Instruction.RETURN, 0, 0, ERRNO | Errno.ENOSYS));
            case THREAD -> onlyIf(0, refuse, THREAD);
            case THREAD_NAME -> onlyIf(0, refuse, PR_SET_NAME);
            case COPY -> onlyIf(1, refuse, F_DUPFD_CLOEXEC);
        };
    }

    /** These arguments are 32 bits wide: the kernel does not look at the others either. */
    private static List<Instruction> onlyIf(int argument, Instruction refuse, int value) {
        return List.of(
                load(FIRST_ARGUMENT + ARGUMENT_BYTES * argument),
                new Instruction(Instruction.JUMP_IF_EQUAL, 1, 0, value),
                refuse,
                pass());
    }

    private static Instruction load(int offset) {
        return new Instruction(Instruction.LOAD, 0, 0, offset);
    }

    private static Instruction pass() {
        return new Instruction(Instruction.RETURN, 0, 0, Instruction.ALLOW);
    }
}
