// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

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

    /**
     * {@return processes whose arguments have these among them, one after the other}
     *
     * @throws ErrnoException EACCES if /proc cannot be read
     */
    public static List<ProcessIdentity> withArguments(List<String> arguments)
            throws ErrnoException {
        try (Stream<Path> entries = Files.list(Path.of("/proc"))) {
            return entries.map(entry -> entry.getFileName().toString())
                    .filter(name -> name.chars().allMatch(c -> c >= '0' && c <= '9'))
                    .flatMap(name -> ProcessIdentity.of(Integer.parseInt(name)).stream())
                    .filter(process ->
                            Collections.indexOfSubList(argumentsOf(process), arguments) >= 0)
                    .filter(ProcessIdentity::isAlive)
                    .toList();
        } catch (IOException e) {
            throw new ErrnoException("list /proc", Errno.EACCES);
        }
    }

    /** {@return its arguments; none if it has ended, or is not ours to look at} */
    private static List<String> argumentsOf(ProcessIdentity process) {
        Path file = Path.of("/proc", Integer.toString(process.pid()), "cmdline");
        try {
            String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
            return List.of(text.split("\0", -1));
        } catch (IOException e) {
            return List.of();
        }
    }
}
