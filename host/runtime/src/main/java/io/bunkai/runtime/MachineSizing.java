// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;
import io.bunkai.config.SizingConfiguration;
import java.util.Optional;

/**
 * How large a machine is: a limit of the container's becomes the machine's size, with what the
 * guest itself needs on top; without a limit the configuration's default holds.
 */
final class MachineSizing {
    private static final long NANO_CPUS_PER_CPU = 1_000_000_000;
    private static final ByteSize SMALLEST_MEMORY = ByteSize.ofMib(6);

    private MachineSizing() {}

    /**
     * {@return the size of a machine for these limits}
     *
     * @param nanoCpus billionths of a processor; 0 for no limit
     * @param memory empty for no limit
     * @throws Fault INVALID_ARGUMENT if no machine may be that large, or no process lives in so
     *     little
     */
    static Plan.Sizing of(SizingConfiguration sizing, long nanoCpus, Optional<ByteSize> memory) {
        double processors = sizing.processors();
        String processorsFrom = "default_vcpus";
        if (nanoCpus > 0) {
            processors = (double) nanoCpus / NANO_CPUS_PER_CPU + sizing.overheadProcessors();
            processorsFrom = "the limit of the container, plus overhead_vcpus";
        }
        // A double has room for what a long of billionths can ask for, an int has not.
        double wholeProcessors = Math.max(1, Math.ceil(processors));
        if (wholeProcessors > sizing.maximumProcessors()) {
            throw Fault.invalidArgument(
                            "%.0f processors were asked for, and a machine may have %d",
                            wholeProcessors, sizing.maximumProcessors())
                    .withHint("ask for fewer, or raise default_maxvcpus in configuration.toml");
        }
        int vcpus = (int) wholeProcessors;
        ByteSize size = sizing.memory();
        String memoryFrom = "default_memory";
        if (memory.isPresent()) {
            size = checkedMemory(memory.get(), sizing);
            memoryFrom = "the limit of the container, plus overhead_memory";
        }
        return new Plan.Sizing(
                vcpus,
                size.mibCeiling(),
                "vcpus: %s; memory: %s".formatted(processorsFrom, memoryFrom));
    }

    private static ByteSize checkedMemory(ByteSize limit, SizingConfiguration sizing) {
        if (limit.compareTo(SMALLEST_MEMORY) < 0) {
            throw Fault.invalidArgument("a memory limit of %s is too small for any process", limit)
                    .withHint("ask for at least %s", SMALLEST_MEMORY);
        }
        // The limit alone is looked at first: near the largest number a sum would overflow.
        if (limit.compareTo(sizing.maximumMemory()) > 0
                || limit.plus(sizing.overheadMemory()).compareTo(sizing.maximumMemory()) > 0) {
            throw Fault.invalidArgument(
                            "a machine for a limit of %s would need %s on top, and it may have %s"
                                    + " in all",
                            limit, sizing.overheadMemory(), sizing.maximumMemory())
                    .withHint("ask for less, or raise default_maxmemory in configuration.toml");
        }
        return limit.plus(sizing.overheadMemory());
    }
}
