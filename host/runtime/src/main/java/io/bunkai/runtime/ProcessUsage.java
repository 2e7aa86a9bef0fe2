// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.ProcessMemory;
import io.bunkai.linux.ProcessTime;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a process of the host uses.
 *
 * @param cpuNanos in steps of hundredths of a second
 * @param residentBytes what it shares with others among it: of QEMU and of a file server that is
 *     the guest's memory
 */
public record ProcessUsage(int pid, long cpuNanos, long residentBytes) {

    /** {@return what this very process uses; empty if it has ended} */
    static Optional<ProcessUsage> of(ProcessIdentity process) {
        long cpuNanos = ProcessTime.withChildren(process.pid()).toNanos();
        OptionalLong resident = ProcessMemory.resident(process.pid());
        // Asked last: if it lives now, it was no other one that was looked at.
        return resident.isPresent() && process.isAlive()
                ? Optional.of(new ProcessUsage(process.pid(), cpuNanos, resident.getAsLong()))
                : Optional.empty();
    }
}
