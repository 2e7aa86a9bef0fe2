// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import java.io.InputStream;
import java.io.OutputStream;
import java.util.Map;
import java.util.Optional;

/**
 * Finds what was attached to the processes of an owner, when a later daemon goes on with them.
 * Asked before anything of their output is read.
 */
@FunctionalInterface
public interface Reattachment {
    /** Nothing is found. */
    Reattachment NONE = (_, _, _) -> Streams.NONE;

    /**
     * What is attached to a process from now on; closed by the runtime at its end.
     *
     * @param stdin where its input comes from, and the others likewise; empty if from nowhere
     */
    record Streams(
            Optional<InputStream> stdin,
            Optional<OutputStream> stdout,
            Optional<OutputStream> stderr) {
        static final Streams NONE =
                new Streams(Optional.empty(), Optional.empty(), Optional.empty());
    }

    /**
     * {@return the streams of a process}
     *
     * @param owner who its container belongs to
     * @param execId empty for the container's own process
     * @param notes what the owner noted with the process
     */
    Streams streamsOf(Owner owner, String execId, Map<String, String> notes);
}
