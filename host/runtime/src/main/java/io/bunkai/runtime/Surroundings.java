// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.NanoClock;
import io.bunkai.vmm.Hypervisor;

/** What a container needs of the daemon that holds it. */
interface Surroundings {
    Hypervisor hypervisor();

    /** {@return how the machine of a container begins} */
    MachineStart begin(Plan plan, Terms terms);

    /** {@return what starts wait at for their turn} */
    StartGate starts();

    /** {@return file servers that are warm already} */
    SpareServers spares();

    /** {@return what pods may have of the host's files together} */
    Budgets budgets();

    LayerSource layers();

    Journal journal();

    NanoClock clock();

    /** {@return milliseconds since the epoch} */
    long nowMillis();

    CrashPoints crashPoints();

    /** {@return what finds the streams of an owner's processes again} */
    Reattachment reattachment();

    /** {@return whether this daemon is about to end, so that what breaks now is not a loss} */
    boolean isClosing();

    /** The container's name and id are free. Idempotent. */
    void released(Container container);

    /** Deletes the kept output. Idempotent. */
    void deleteOutput(String id);
}
