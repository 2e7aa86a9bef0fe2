// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Amount;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.vmm.DiskLimits;
import io.bunkai.vmm.VirtualMachine;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * The limits of a machine's disks, in the words of those of its file server, so that one change
 * means both. What they are is the machine's to know: a later daemon asks it.
 */
final class DiskControl {
    private static final String BANDWIDTH = "fs-bw-size";
    private static final String BURST = "fs-bw-burst";
    private static final String OPERATIONS = "fs-ops-size";
    private static final String OPERATIONS_BURST = "fs-ops-burst";

    /** The limits of a file server that disks have, too. */
    static final Set<String> NAMES = Set.of(BANDWIDTH, BURST, OPERATIONS, OPERATIONS_BURST);

    private final VirtualMachine machine;

    DiskControl(VirtualMachine machine) {
        this.machine = machine;
    }

    /**
     * {@return what the limits will be; nothing is changed yet}
     *
     * @param changes values by the limits' names; others than {@link #NAMES} mean nothing to disks
     * @throws Fault INVALID_ARGUMENT if a value makes no sense
     */
    DiskLimits with(Map<String, String> changes, Deadline deadline) {
        DiskLimits now = machine.diskLimits(deadline);
        return new DiskLimits(
                rate(changes, BANDWIDTH, now.bandwidth(), BURST),
                amount(changes, BURST, now.burst()),
                rate(changes, OPERATIONS, now.operations(), OPERATIONS_BURST),
                amount(changes, OPERATIONS_BURST, now.operationsBurst()));
    }

    private static long rate(Map<String, String> changes, String name, long now, String burst) {
        long rate = amount(changes, name, now);
        if (rate == 0 && amount(changes, burst, 0) > 0) {
            throw Fault.invalidArgument("%s makes no sense without %s", burst, name)
                    .withHint("set both");
        }
        return rate;
    }

    private static long amount(Map<String, String> changes, String name, long otherwise) {
        String text = changes.get(name);
        if (text == null) {
            return otherwise;
        }
        long number =
                Amount.of(text)
                        .orElseThrow(() ->
                                Fault.invalidArgument(
                                                "'%s' is no amount for %s",
                                                GuestText.printable(text), name)
                                        .withHint(
                                                "write a number up to 2^50, with k, M, G, Ki, Mi or"
                                                        + " Gi behind it or without"));
        return Math.min(number, DiskLimits.MOST);
    }

    void set(DiskLimits limits, Deadline deadline) {
        machine.limitDisks(limits, deadline);
    }

    /** {@return the limits that there are, by name} */
    Map<String, String> figures(Deadline deadline) {
        DiskLimits limits = machine.diskLimits(deadline);
        Map<String, String> figures = new LinkedHashMap<>();
        put(figures, "disk-bw-size", limits.bandwidth());
        put(figures, "disk-bw-burst", limits.burst());
        put(figures, "disk-ops-size", limits.operations());
        put(figures, "disk-ops-burst", limits.operationsBurst());
        return figures;
    }

    private static void put(Map<String, String> figures, String name, long value) {
        if (value > 0) {
            figures.put("limits." + name, Long.toString(value));
        }
    }
}
