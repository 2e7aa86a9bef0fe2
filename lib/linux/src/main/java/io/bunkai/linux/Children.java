// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Reaps children, any of them: for a process that is the parent of everyone whose parent has gone.
 *
 * @spec https://man7.org/linux/man-pages/man2/waitid.2.html waitid(2)
 */
public final class Children {
    static final int P_ALL = 0;
    static final int P_PIDFD = 3;
    private static final int WEXITED = 4;
    private static final int CLD_EXITED = 1;
    private static final int PR_SET_CHILD_SUBREAPER = 36;

    private Children() {}

    /**
     * A child that has ended and is gone.
     *
     * @param pid the number it had; free for reuse from now on
     * @param status how it ended
     */
    public record Reaped(int pid, ExitStatus status) {}

    /**
     * Blocks the calling thread, a platform thread, until a child has ended, and reaps it.
     *
     * @throws ErrnoException ECHILD if there is no child at all
     */
    public static Reaped awaitAny() throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            return await(P_ALL, 0, arena);
        }
    }

    /**
     * Makes orphans among this process's descendants its own children, as they are of process 1.
     */
    public static void becomeSubreaper() throws ErrnoException {
        // int prctl(int option, unsigned long arg2, ...);
        ErrnoException.check(
                "prctl PR_SET_CHILD_SUBREAPER",
                Native.syscall(SystemCall.PRCTL, PR_SET_CHILD_SUBREAPER, 1, 0));
    }

    static Reaped await(int idType, int id, Arena arena) throws ErrnoException {
        MemorySegment info = arena.allocate(Structs.SIGINFO);
        while (true) {
            // int waitid(idtype_t idtype, id_t id, siginfo_t *infop, int options, struct rusage *);
            long result = Native.syscall(SystemCall.WAITID, idType, id, info.address(), WEXITED);
            if (result == -Errno.EINTR) {
                continue;
            }
            ErrnoException.check("waitid", result);
            int code = info.get(JAVA_INT, Structs.offset(Structs.SIGINFO, "si_code"));
            int status = info.get(JAVA_INT, Structs.offset(Structs.SIGINFO, "si_status"));
            int pid = info.get(JAVA_INT, Structs.offset(Structs.SIGINFO, "si_pid"));
            return new Reaped(
                    pid,
                    code == CLD_EXITED ? new ExitStatus(status, 0) : new ExitStatus(0, status));
        }
    }
}
