// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

import java.time.Duration;

/** How a guest's instructions are carried out. */
public enum Accelerator {
    /** By the processor itself, through the host kernel's KVM. */
    KVM(1),
    /** By translation in software: works everywhere, and is many times slower. */
    TCG(4);

    private final int slowness;

    Accelerator(int slowness) {
        this.slowness = slowness;
    }

    /**
     * {@return how long to wait for a guest}
     *
     * @param onHardware how long to wait for it where the processor itself carries it out
     */
    public Duration patience(Duration onHardware) {
        return onHardware.multipliedBy(slowness);
    }
}
