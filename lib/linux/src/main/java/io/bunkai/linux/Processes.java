// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Processes that are known by number only, and this very one. */
public final class Processes {
    private Processes() {}

    /**
     * Sends a signal to a process that cannot have been reaped since its number was learnt.
     *
     * @return whether there was a process to send it to
     * @throws ErrnoException EPERM if this process may not, EINVAL if there is no such signal
     * @spec https://man7.org/linux/man-pages/man2/kill.2.html kill(2)
     */
    public static boolean signal(int pid, int signal) throws ErrnoException {
        // int kill(pid_t pid, int sig);
        long result = Native.syscall(SystemCall.KILL, pid, signal, 0);
        if (result == -Errno.ESRCH) {
            return false;
        }
        ErrnoException.check("kill " + pid, result);
        return true;
    }

    /**
     * Makes this process another program: same number, same descriptors (but for those that close
     * themselves), same terminal. Nothing of this program runs any more, no hook and no finally.
     *
     * @param command the program by its absolute path, and its arguments
     * @param environment its whole environment
     * @throws ErrnoException ENOENT, EACCES or ENOEXEC if the program cannot be run; this one goes
     *     on
     * @spec https://man7.org/linux/man-pages/man2/execve.2.html execve(2)
     */
    public static void become(List<String> command, Map<String, String> environment)
            throws ErrnoException {
        List<String> variables = new ArrayList<>();
        new TreeMap<>(environment).forEach((name, value) -> variables.add(name + "=" + value));
        try (Arena arena = Arena.ofConfined()) {
            // int execve(const char *pathname, char *const argv[], char *const envp[]);
            long result =
                    Native.syscall(
                            SystemCall.EXECVE,
                            Native.cString(arena, command.getFirst()).address(),
                            Spawn.vector(arena, command).address(),
                            Spawn.vector(arena, variables).address());
            ErrnoException.check("run " + command.getFirst(), result);
        }
    }
}
