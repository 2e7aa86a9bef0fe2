// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

/** Signals to processes that the caller knows by number only, because it reaps them itself. */
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
}
