// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Fault;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is connected to a process's streams on this side, at most one of each. It can be connected
 * before there is a process, and is closed from here once. Safe for use by several threads; nothing
 * is read, written or closed under the lock.
 */
final class AttachedStreams {
    private @Nullable InputStream stdin; // this and the others guarded by this
    private @Nullable OutputStream stdout;
    private @Nullable OutputStream stderr;
    private boolean over;
    private final Map<OutputLog.Stream, Long> delivered = new EnumMap<>(OutputLog.Stream.class);

    /**
     * Connects streams. What is null stays as it is.
     *
     * @throws Fault FAILED_PRECONDITION if one of them is connected already, or the process has
     *     ended; nothing has been connected then
     */
    synchronized void attach(
            @Nullable InputStream input,
            @Nullable OutputStream output,
            @Nullable OutputStream error) {
        if (over) {
            throw Fault.failedPrecondition("the process has ended");
        }
        if ((input != null && stdin != null)
                || (output != null && stdout != null)
                || (error != null && stderr != null)) {
            throw Fault.failedPrecondition("somebody is connected to the process already");
        }
        stdin = input == null ? stdin : input;
        stdout = output == null ? stdout : output;
        stderr = error == null ? stderr : error;
    }

    /** {@return where input comes from, if from anywhere} */
    synchronized @Nullable InputStream input() {
        return stdin;
    }

    /** {@return where an output goes, if anywhere} */
    synchronized @Nullable OutputStream output(OutputLog.Stream stream) {
        return switch (stream) {
            case STDOUT -> stdout;
            case STDERR -> stderr;
        };
    }

    /** {@return how much of an output whoever is attached has got, counted from its beginning} */
    synchronized long delivered(OutputLog.Stream stream) {
        return delivered.getOrDefault(stream, 0L);
    }

    /** {@return the same of all outputs of which anybody has got anything} */
    synchronized Map<OutputLog.Stream, Long> delivered() {
        return Map.copyOf(delivered);
    }

    /** Notes that whoever is attached has got an output up to an offset. */
    synchronized void noteDelivered(OutputLog.Stream stream, long offset) {
        delivered.put(stream, offset);
    }

    /** Notes what whoever is attached got of a former daemon. */
    synchronized void noteDelivered(Map<OutputLog.Stream, Long> before) {
        delivered.putAll(before);
    }

    /** Ends an output: nothing more goes there. Idempotent. */
    void closeOutput(OutputLog.Stream stream) {
        close(take(stream));
    }

    private synchronized @Nullable OutputStream take(OutputLog.Stream stream) {
        OutputStream taken = output(stream);
        switch (stream) {
            case STDOUT -> stdout = null;
            case STDERR -> stderr = null;
        }
        return taken;
    }

    /** Ends all of them; nothing can be connected any more. Idempotent. */
    void closeAll() {
        InputStream input;
        synchronized (this) {
            over = true;
            input = stdin;
            stdin = null;
        }
        closeOutput(OutputLog.Stream.STDOUT);
        closeOutput(OutputLog.Stream.STDERR);
        close(input);
    }

    private static void close(@Nullable Closeable stream) {
        try {
            if (stream != null) {
                stream.close();
            }
        } catch (IOException e) {
            // nobody is there to be told
        }
    }
}
