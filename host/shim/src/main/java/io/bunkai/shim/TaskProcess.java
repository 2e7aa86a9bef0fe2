// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.runtime.ProcessExit;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A task's process as containerd sees it: where its streams lead, and how it ended. Its start is
 * told before its end, however short it lived: both are told under the same lock.
 */
final class TaskProcess {
    private final String execId;
    private final Stdio stdio;
    private final CompletableFuture<Ended> ended = new CompletableFuture<>();
    private final ReentrantLock telling = new ReentrantLock(); // held from a start to its event
    private @Nullable TaskStreams streams; // guarded by this
    private boolean inputClosed; // guarded by this
    private boolean forgotten; // guarded by this
    private volatile boolean started;

    /** How a process ended, and when. */
    record Ended(int status, Instant at) {}

    /**
     * Describes a process.
     *
     * @param execId empty for the container's own
     */
    TaskProcess(String execId, Stdio stdio) {
        this.execId = execId;
        this.stdio = stdio;
    }

    String execId() {
        return execId;
    }

    Stdio stdio() {
        return stdio;
    }

    /** Takes over the streams, which are closed once the process has ended, or is forgotten. */
    void own(TaskStreams opened) {
        synchronized (this) {
            if (!forgotten) {
                streams = opened;
                if (inputClosed) {
                    opened.closeInput();
                }
                return;
            }
        }
        opened.close();
    }

    /** {@return the streams, if this daemon has opened them} */
    synchronized Optional<TaskStreams> streams() {
        return Optional.ofNullable(streams);
    }

    /** Ends the input: of streams that are not open yet, once they are. */
    synchronized void closeInput() {
        inputClosed = true;
        if (streams != null) {
            streams.closeInput();
        }
    }

    /** {@return whether containerd has been told that it runs} */
    boolean wasStarted() {
        return started;
    }

    /** Notes that containerd has been told that it runs. */
    void markStarted() {
        started = true;
    }

    /** Closes the streams. Idempotent. */
    void closeStreams() {
        TaskStreams last;
        synchronized (this) {
            forgotten = true;
            last = streams;
            streams = null;
        }
        if (last != null) {
            last.close();
        }
    }

    /** {@return completed once the process has ended} */
    CompletableFuture<Ended> ended() {
        return ended;
    }

    /** Starts the process and tells of it; nobody tells of its end meanwhile. */
    <T> T telling(Supplier<T> start) {
        telling.lock();
        try {
            return start.get();
        } finally {
            telling.unlock();
        }
    }

    /**
     * The process has ended: whoever waits learns it, then containerd. At once if its start has
     * been told; else that is waited for on another thread, since the caller has a machine to tear
     * down.
     */
    void end(ProcessExit exit, Instant at, Runnable tell) {
        ended.complete(new Ended(exit.code(), at));
        if (telling.tryLock()) {
            try {
                tell.run();
            } finally {
                telling.unlock();
            }
        } else {
            Thread.ofVirtual()
                    .name("tell the end of " + execId)
                    .start(() ->
                            telling(() -> {
                                tell.run();
                                return true;
                            }));
        }
    }
}
