// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A process that cannot be mistaken for a later one with the same number, within one boot of the
 * machine.
 *
 * @param pid the kernel's number
 * @param startTicks when it was started, in clock ticks since the boot: field 22 of {@code
 *     /proc/PID/stat}
 * @spec https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html proc_pid_stat(5)
 */
public record ProcessIdentity(int pid, long startTicks) {
    private static final int FIELDS_AFTER_NAME_TO_START = 19;

    /** {@return the identity of the process that has this number now; empty if none has} */
    public static Optional<ProcessIdentity> of(int pid) {
        return stat(pid).map(fields -> new ProcessIdentity(pid, startTicks(fields)));
    }

    /** {@return whether this very process exists and is not merely waiting to be reaped} */
    public boolean isAlive() {
        return stat(pid)
                .filter(fields -> startTicks(fields) == startTicks && !fields[0].equals("Z"))
                .isPresent();
    }

    private static long startTicks(String[] fieldsAfterName) {
        return Long.parseLong(fieldsAfterName[FIELDS_AFTER_NAME_TO_START]);
    }

    /**
     * The fields after the name, which is in parentheses and may itself hold spaces and
     * parentheses.
     */
    private static Optional<String[]> stat(int pid) {
        try {
            String line =
                    Files.readString(
                            Path.of("/proc", Integer.toString(pid), "stat"),
                            StandardCharsets.ISO_8859_1);
            return Optional.of(line.substring(line.lastIndexOf(')') + 2).split(" "));
        } catch (IOException e) {
            return Optional.empty(); // it ended, perhaps while it was looked at
        }
    }
}
