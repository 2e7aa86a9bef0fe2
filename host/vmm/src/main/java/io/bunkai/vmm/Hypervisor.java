// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.ProcessIdentity;
import java.nio.file.Path;
import java.util.Optional;

/** Makes machines. Usable from any thread. */
public interface Hypervisor {
    /**
     * {@return the hypervisor's name and version, for people}
     *
     * @param program the hypervisor's program
     * @throws Fault UNAVAILABLE if the program cannot be run
     */
    String description(Path program, Deadline deadline);

    /**
     * {@return exactly what {@link #launch} executes} A pure function of its arguments.
     *
     * @throws Fault INVALID_ARGUMENT if this hypervisor cannot make such a machine
     */
    LaunchCommand command(VirtualMachineSpec spec, Beginning beginning);

    /** {@return {@link #command(VirtualMachineSpec, Beginning)} of a machine that boots} */
    default LaunchCommand command(VirtualMachineSpec spec) {
        return command(spec, Beginning.BOOT);
    }

    /**
     * Makes a machine that waits before its first instruction, or the one after those of the
     * machine that it is a copy of. Its sockets listen, so that the caller can connect to them
     * before the guest runs and misses nothing; then {@link VirtualMachine#resume}. A failure
     * leaves neither process nor socket behind.
     *
     * @return a hold on the machine, owned by the caller
     * @throws Fault INVALID_ARGUMENT as {@link #command}; FAILED_PRECONDITION if the program is too
     *     old; NOT_FOUND if a file is missing; UNAVAILABLE if the machine did not come up, with
     *     what its process said as the cause; DEADLINE_EXCEEDED if it did not come up in time
     */
    VirtualMachine launch(VirtualMachineSpec spec, Beginning beginning, Deadline deadline);

    /**
     * {@return {@link #launch(VirtualMachineSpec, Beginning, Deadline)} of a machine that boots}
     */
    default VirtualMachine launch(VirtualMachineSpec spec, Deadline deadline) {
        return launch(spec, Beginning.BOOT, deadline);
    }

    /**
     * {@return the process that {@link #launch} started for a machine of this id and directory, if
     * it lives} For a caller that ended after it had started a machine and before it had written
     * down which process that is. The process may be one whose launch was never completed.
     */
    Optional<ProcessIdentity> find(VirtualMachineSpec spec);

    /**
     * Makes a new hold on a machine whose former holder has let go or has ended.
     *
     * @return a hold on the machine, owned by the caller
     * @throws Fault NOT_FOUND if the machine has ended; UNAVAILABLE or DEADLINE_EXCEEDED if it does
     *     not answer, for example because somebody else holds it
     */
    VirtualMachine adopt(VirtualMachineSpec spec, ProcessIdentity process, Deadline deadline);
}
