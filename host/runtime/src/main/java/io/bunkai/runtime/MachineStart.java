// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Deadline;
import io.bunkai.vmm.Hypervisor;
import io.bunkai.vmm.VirtualMachine;
import io.bunkai.vmm.VirtualMachineSpec;

/** How a machine begins, and what became of that: {@link Templates} chooses. */
interface MachineStart {
    /**
     * {@return the machine, which waits for {@link VirtualMachine#resume}} If it fails and there is
     * another way, it can be called again, with another file server: the only guest of the first
     * one has gone.
     *
     * @throws io.bunkai.base.Fault what the hypervisor says; CANCELLED if the thread is interrupted
     */
    VirtualMachine launch(VirtualMachineSpec machine, Deadline deadline);

    /** {@return whether another attempt goes another way} */
    boolean hasAnotherWay();

    /** Its agent answers. */
    void succeeded();

    /** Its agent does not answer. */
    void failed();

    /** {@return the way a machine begins where there are no templates} */
    static MachineStart boot(Hypervisor hypervisor) {
        return new MachineStart() {
            @Override
            public VirtualMachine launch(VirtualMachineSpec machine, Deadline deadline) {
                return hypervisor.launch(machine, deadline);
            }

            @Override
            public boolean hasAnotherWay() {
                return false;
            }

            @Override
            public void succeeded() {}

            @Override
            public void failed() {}
        };
    }
}
