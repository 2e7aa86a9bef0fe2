// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What the guest's kernel has to be told.
 *
 * @spec https://docs.kernel.org/admin-guide/kernel-parameters.html kernel parameters
 */
final class KernelParameters {
    /**
     * The console carries the log; a guest whose kernel panics ends at once, so that the host sees
     * it.
     */
    private static final String COMMON =
            "console=ttyS0 quiet panic=-1 oops=panic reboot=t random.trust_cpu=on cryptomgr.notests"
                    + " rcupdate.rcu_expedited=1";

    /**
     * Emulated processors have none of the leaks; their clock needs no watching, and calibrating
     * the HPET alone costs a fifth of the kernel's start. The timer of QEMU's interrupt controller
     * counts nanoseconds: our kernel believes it, others do not know the parameter. A device that
     * is plugged may take a while to be found.
     */
    private static final String TCG =
            COMMON
                    + " nokaslr mitigations=off tsc=reliable no_timer_check noreplace-smp"
                    + " hpet=disable pmtmr=0 lapic_timer_hz=1000000000"
                    + " agent.hotplug_timeout=30 bunkai.profile=tcg";

    private static final String KVM = COMMON + " bunkai.profile=kvm";

    private KernelParameters() {}

    /** {@return a command line for each accelerator} */
    static SortedMap<String, String> byAccelerator() {
        SortedMap<String, String> lines = new TreeMap<>();
        lines.put("kvm", KVM);
        lines.put("tcg", TCG);
        return lines;
    }
}
