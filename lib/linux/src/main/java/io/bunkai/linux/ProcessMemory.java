// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/** How much memory a process uses, as the kernel counts it. */
public final class ProcessMemory {
    private static final String RESIDENT = "VmRSS:";
    private static final long KIB = 1024;

    private ProcessMemory() {}

    /**
     * {@return the bytes of memory that a process has in its address space now, those among them
     * that it shares with others; empty if it is gone or has none left}
     *
     * @spec https://man7.org/linux/man-pages/man5/proc_pid_status.5.html proc_pid_status(5)
     */
    public static OptionalLong resident(int pid) {
        try {
            String status =
                    Files.readString(
                            Path.of("/proc", Integer.toString(pid), "status"),
                            StandardCharsets.ISO_8859_1);
            return status.lines()
                    .filter(line -> line.startsWith(RESIDENT))
                    .mapToLong(line -> Long.parseLong(line.strip().split("\\s+")[1]) * KIB)
                    .findFirst();
        } catch (IOException e) {
            return OptionalLong.empty(); // it ended
        }
    }
}
