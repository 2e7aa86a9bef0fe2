// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;

/**
 * A machine's memory.
 *
 * @param size how much there is; a whole number of MiB
 * @param shared whether other processes can map it, as devices served outside of the hypervisor
 *     need
 */
public record MemorySpec(ByteSize size, boolean shared) {
    /**
     * Checks.
     *
     * @throws Fault INVALID_ARGUMENT if the size is zero or no whole number of MiB
     */
    public MemorySpec {
        if (size.bytes() == 0 || !ByteSize.ofMib(size.mibCeiling()).equals(size)) {
            throw Fault.invalidArgument("a machine cannot have %d bytes of memory", size.bytes())
                    .withHint("give a whole number of MiB");
        }
    }
}
