// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.oci.RuntimeSpec;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * What the journal holds of a further process of a container.
 *
 * @param stage how far it had come
 * @param process as its owner has described it, until it has been started; empty for one of this
 *     daemon's own users
 * @param stdin whether standard input stays open for somebody to write to
 * @param terminal whether it has a terminal
 * @param notes what the owner wants to find again, see {@link Terms}
 * @param delivered how much of each output whoever is attached has, if it was noted
 * @param exit how it ended, once it has
 * @param finishedAtMillis when, since the epoch; 0 if it has not
 */
public record ExecRecord(
        String id,
        Stage stage,
        Optional<RuntimeSpec.ContainerProcess> process,
        boolean stdin,
        boolean terminal,
        Map<String, String> notes,
        Map<OutputLog.Stream, Long> delivered,
        Optional<ProcessExit> exit,
        long finishedAtMillis) {
    /** How far a process has come. */
    public enum Stage {
        /** It can be started. */
        PREPARED,
        /** The guest has been asked to start it, and perhaps has. */
        STARTING,
        /** It runs. */
        STARTED,
        ENDED
    }

    /** Checks, since it is also made from a file. */
    public ExecRecord {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(stage, "stage");
        notes = Map.copyOf(notes);
        delivered = Map.copyOf(delivered);
    }
}
