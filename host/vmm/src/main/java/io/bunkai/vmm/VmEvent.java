// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

import java.time.Instant;

/** Something that happened to a machine while it lived. Its end is a {@link VmExit}. */
public sealed interface VmEvent {
    /** {@return when it happened} */
    Instant at();

    /** Its processors were held. */
    record Paused(Instant at) implements VmEvent {}

    /** Its processors run, for the first time or again. */
    record Resumed(Instant at) implements VmEvent {}

    /** The guest's kernel panicked; the machine ends next. */
    record GuestPanicked(Instant at) implements VmEvent {}

    /**
     * The guest has opened or closed its side of the agent's port.
     *
     * @param open whether it is open now
     */
    record AgentPortChanged(Instant at, boolean open) implements VmEvent {}

    /**
     * The machine can never go on, and is ended.
     *
     * @param reason why
     */
    record Failed(Instant at, String reason) implements VmEvent {}

    /**
     * Anything else that the hypervisor tells.
     *
     * @param text one line, for people
     */
    record Notice(Instant at, String text) implements VmEvent {}
}
