// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

/**
 * Whether a machine's processors run, and if not, why not.
 *
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP RunState
 */
public enum RunState {
    /** The processors run. */
    RUNNING("running"),
    /** Held by the {@code stop} command. */
    PAUSED("paused"),
    /** Not started yet: the machine waits for {@code cont}. */
    PRELAUNCH("prelaunch"),
    /** Waits for a migration to come in. */
    INMIGRATE("inmigrate"),
    /** A migration out has ended. */
    POSTMIGRATE("postmigrate"),
    /** A migration out is being completed. */
    FINISH_MIGRATE("finish-migrate"),
    /** The state is being saved. */
    SAVE_VM("save-vm"),
    /** The state is being restored. */
    RESTORE_VM("restore-vm"),
    /** The guest sleeps. */
    SUSPENDED("suspended"),
    /** The guest has switched itself off, and QEMU was told to stay. */
    SHUTDOWN("shutdown"),
    /** The accelerator cannot go on: an error of the host, or an instruction it cannot emulate. */
    INTERNAL_ERROR("internal-error"),
    /** A disk failed, and the device was told to hold the machine then. */
    IO_ERROR("io-error"),
    /** The guest's kernel panicked. */
    GUEST_PANICKED("guest-panicked"),
    /** The watchdog fired. */
    WATCHDOG("watchdog"),
    /** Held by a debugger. */
    DEBUG("debug"),
    /** Held by replicated execution. */
    COLO("colo"),
    /** A state that this program does not know. */
    UNKNOWN("");

    private final String wire;

    RunState(String wire) {
        this.wire = wire;
    }

    static RunState ofWire(String text) {
        for (RunState state : values()) {
            if (state.wire.equals(text)) {
                return state;
            }
        }
        return UNKNOWN;
    }

    /** {@return the protocol's word for it; empty for {@link #UNKNOWN}} */
    public String wire() {
        return wire;
    }
}
