// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import java.util.Arrays;
import java.util.Locale;

/**
 * Moments at which a death would leave most behind, by name, so that tests can let the daemon, the
 * machine or its guest die just there. Every write of the journal and every step that touches the
 * outside has one on either side.
 */
public enum CrashPoint {
    /** The container is in the journal; nothing else exists. */
    CREATE_JOURNALED,
    /** The journal says that a start has begun. */
    START_JOURNALED,
    /** The control groups exist and are empty. */
    START_CGROUPS_MADE,
    /** The file server runs, and the journal does not know it yet. */
    START_SERVER_LAUNCHED,
    /** The journal knows the file server; nobody asks it for anything yet. */
    START_SERVER_JOURNALED,
    /** QEMU runs, and the journal does not know it yet. */
    START_MACHINE_LAUNCHED,
    /** The journal knows QEMU; the guest has not run its first instruction. */
    START_MACHINE_JOURNALED,
    /** The guest's agent has answered. */
    START_AGENT_READY,
    /** The container exists in the guest; its process has not been started. */
    START_CONTAINER_CREATED,
    /** The journal says that the container exists and waits to be started. */
    START_PREPARED,
    /** The process runs, and the journal does not know it yet. */
    START_PROCESS_STARTED,
    /** The journal says that the container runs. */
    START_FINISHED,
    /** A piece of output has come from the guest, and nobody else has it yet. */
    OUTPUT_RECEIVED,
    /** It is in the kept output; who is attached does not have it. */
    OUTPUT_KEPT,
    /** Everybody has it; the guest does not know that yet. */
    OUTPUT_DELIVERED,
    /** The journal names a further process; the guest does not know of it. */
    EXEC_JOURNALED,
    /** The further process runs, and nobody has been told. */
    EXEC_STARTED,
    /** The further process has ended, and the journal says that it runs. */
    EXEC_ENDED,
    /** A signal is to be sent; the guest does not know of it. */
    KILL_REQUESTED,
    /** The guest has sent the signal, and nobody has been told. */
    KILL_DELIVERED,
    /** The process has ended, and the journal does not know it yet. */
    STOP_PROCESS_ENDED,
    /** The journal holds the exit code; everything else still exists. */
    STOP_JOURNALED,
    /** QEMU is gone; its control groups and files are not. */
    STOP_MACHINE_GONE,
    /** Only the journal and the kept output are left. */
    STOP_FINISHED,
    /** The journal says that the container is to be removed. */
    REMOVE_JOURNALED,
    /** The kept output is gone; the journal is not. */
    REMOVE_OUTPUT_GONE,
    /** A newer daemon is to take over; this one still holds everything. */
    TAKEOVER_ACCEPTED,
    /** The former daemon has let go of everything, and nobody else has it. */
    TAKEOVER_LET_GO,
    /** The newer daemon has everything, and does nothing with it yet. */
    TAKEOVER_RECEIVED,
    /** The newer daemon goes on with everything, and the former does not know it yet. */
    TAKEOVER_TAKEN;

    /** {@return the name that a person writes: {@code start-machine-launched}} */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /**
     * {@return the point with this label}
     *
     * @throws io.bunkai.base.Fault INVALID_ARGUMENT if there is none
     */
    public static CrashPoint ofLabel(String label) {
        return Arrays.stream(values())
                .filter(point -> point.label().equals(label))
                .findFirst()
                .orElseThrow(() ->
                        io.bunkai.base.Fault.invalidArgument(
                                "there is no crash point '%s'", label));
    }
}
