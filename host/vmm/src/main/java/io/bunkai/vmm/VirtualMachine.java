// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.ProcessIdentity;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A hold on a machine. The machine is a process of its own: it lives on when the hold is closed and
 * when this process ends, and {@link Hypervisor#adopt} makes a new hold on it.
 *
 * <p>Usable from any thread. Every operation throws a {@link Fault}: UNAVAILABLE if the machine has
 * ended or cannot be reached, DEADLINE_EXCEEDED if it does not answer in time, FAILED_PRECONDITION
 * if the hold is closed.
 */
public interface VirtualMachine extends AutoCloseable {
    /** {@return what the machine was made from} */
    VirtualMachineSpec spec();

    /** {@return the machine's process} */
    ProcessIdentity identity();

    /** {@return the hypervisor and its version, for people} */
    String description();

    /** {@return where whoever serves the guest's agent connects, one at a time} */
    default Path agentSocket() {
        return spec().agentSocket();
    }

    /** {@return where whoever reads the guest's serial console connects, one at a time} */
    default Path consoleSocket() {
        return spec().consoleSocket();
    }

    /** Lets the processors run: the machine's first instruction, or the one it was held at. */
    void resume(Deadline deadline);

    /** Holds the processors. Does nothing to a machine that never ran. */
    void pause(Deadline deadline);

    /**
     * Holds the processors for good and writes everything that is not memory to a file. With the
     * file of its memory it is what {@link Beginning.Copy} begins with. Nobody may be connected to
     * the agent's socket; the machine is of no more use, and is to be killed.
     *
     * @param devices a file that is not there yet; its owner's alone
     * @throws Fault FAILED_PRECONDITION if the machine was not launched as {@link
     *     Beginning.Template}; INTERNAL if the file cannot be written
     */
    void freeze(Path devices, Deadline deadline);

    /**
     * {@return what the guest may read and write of its limited disks}
     *
     * @throws Fault FAILED_PRECONDITION if it has none
     */
    DiskLimits diskLimits(Deadline deadline);

    /**
     * Changes what the guest may read and write of its limited disks; what waits is bound by it,
     * too.
     *
     * @throws Fault FAILED_PRECONDITION if it has none
     */
    void limitDisks(DiskLimits limits, Deadline deadline);

    /** {@return where the machine is in its life} */
    VmStatus status(Deadline deadline);

    /** Presses the power button. Whether and when the guest follows is up to the guest. */
    void powerOff(Deadline deadline);

    /**
     * Ends the machine, whatever it does, and waits until its process is gone. Does nothing to a
     * machine that has ended.
     *
     * @throws Fault DEADLINE_EXCEEDED if the process is not gone in time
     */
    void kill(Deadline deadline);

    /** {@return how the machine ended, if it has} */
    Optional<VmExit> exit();

    /**
     * {@return how the machine ended; empty if it still lives when the deadline passes}
     *
     * @throws Fault CANCELLED if the thread is interrupted, which it then still is
     */
    Optional<VmExit> awaitExit(Deadline deadline);

    /**
     * Adds a listener. It hears of what happens from now on; if the machine has already ended, of
     * that at once.
     */
    void listen(VmListener listener);

    /** {@return the latest of what happened since this hold was made, oldest first; bounded} */
    List<VmEvent> events();

    /** Lets go of the machine, which lives on. Listeners hear nothing more. Idempotent. */
    @Override
    void close();
}
