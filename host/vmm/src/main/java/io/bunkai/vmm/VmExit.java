// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

import io.bunkai.linux.ExitStatus;
import java.time.Instant;
import java.util.List;

/**
 * How a machine ended.
 *
 * @param reason why
 * @param status how its process ended; unknown if that was not a child of this process
 * @param at when this was noticed
 * @param diagnostics the last lines that the process wrote for people, oldest first; what a guest
 *     can provoke the process to write is among them
 */
public record VmExit(Reason reason, ExitStatus status, Instant at, List<String> diagnostics) {
    /** Copies. */
    public VmExit {
        diagnostics = List.copyOf(diagnostics);
    }

    /** Why a machine ended. */
    public enum Reason {
        /** The guest switched itself off. */
        GUEST_POWERED_OFF("the guest switched itself off"),
        /** The guest wanted to start anew, which ends a machine here; kernels do so on a panic. */
        GUEST_REBOOTED("the guest rebooted"),
        /** The guest's kernel panicked and said so. */
        GUEST_PANICKED("the guest's kernel panicked"),
        /** {@link VirtualMachine#kill} was called. */
        KILLED("it was killed on request"),
        /** The accelerator could not carry out the guest's instructions. */
        ACCELERATOR_FAILED("the accelerator failed"),
        /** The hypervisor's process ended by itself, or was ended by somebody else. */
        LOST("the hypervisor's process was lost");

        private final String text;

        Reason(String text) {
            this.text = text;
        }

        /** {@return the reason for people, as a clause} */
        public String text() {
            return text;
        }
    }

    /** {@return why and how, in one clause} */
    public String describe() {
        return switch (reason) {
            case GUEST_POWERED_OFF, GUEST_REBOOTED, GUEST_PANICKED, KILLED -> reason.text();
            case ACCELERATOR_FAILED, LOST -> reason.text() + " (" + status + ")";
        };
    }
}
