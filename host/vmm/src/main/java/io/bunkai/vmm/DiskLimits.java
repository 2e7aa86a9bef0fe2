// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

import io.bunkai.base.Fault;

/**
 * What a guest may read and write of all its limited disks together, see {@link Disk#isLimited}. A
 * guest that rests saves up what it does not use, as much as a second's share and the burst.
 *
 * @param bandwidth bytes per second, reads and writes together; 0 is no limit
 * @param burst bytes that can be saved up beyond a second's
 * @param operations requests per second; 0 is no limit
 * @param operationsBurst requests that can be saved up beyond a second's
 */
public record DiskLimits(long bandwidth, long burst, long operations, long operationsBurst) {
    /** No limit at all. */
    public static final DiskLimits NONE = new DiskLimits(0, 0, 0, 0);

    /** More than any disk does; a rate, and with it what is saved up, ends there. */
    public static final long MOST = 1_000_000_000_000_000L;

    /**
     * Checks. A burst without a rate means nothing, and becomes 0; what is more than {@link #MOST}
     * becomes that.
     *
     * @throws Fault INVALID_ARGUMENT if a number is negative
     */
    public DiskLimits {
        if (bandwidth < 0 || burst < 0 || operations < 0 || operationsBurst < 0) {
            throw Fault.invalidArgument("a limit of disks cannot be negative");
        }
        bandwidth = Math.min(bandwidth, MOST);
        burst = bandwidth == 0 ? 0 : Math.min(burst, MOST - bandwidth);
        operations = Math.min(operations, MOST);
        operationsBurst = operations == 0 ? 0 : Math.min(operationsBurst, MOST - operations);
    }
}
