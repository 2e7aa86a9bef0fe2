// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.KeptFds;
import io.bunkai.runtime.Owner;
import io.bunkai.runtime.Reattachment;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Opens the streams of containerd's processes that a former daemon has left: those that were kept
 * go on, others are opened by their names. Whoever takes up the task takes them over. Safe for use
 * by several threads.
 */
public final class TaskReattachment implements Reattachment {
    private static final System.Logger LOG = System.getLogger(TaskReattachment.class.getName());

    /** Of streams that nobody has kept: who has gone meanwhile is not waited for. */
    private static final Duration PATIENCE = Duration.ofMillis(200);

    private final KeptFds kept;
    private final Map<Key, TaskStreams> found = new HashMap<>(); // guarded by this

    private record Key(Owner owner, String execId) {}

    /**
     * Finds streams.
     *
     * @param kept where a former daemon has left them
     */
    public TaskReattachment(KeptFds kept) {
        this.kept = kept;
    }

    @Override
    public Streams streamsOf(Owner owner, String execId, Map<String, String> notes) {
        try {
            TaskStreams streams =
                    TaskStreams.open(
                            TaskNotes.stdio(notes),
                            execId.isEmpty() ? owner.id() : execId,
                            owner.namespace(),
                            kept(owner, execId),
                            Deadline.after(PATIENCE));
            synchronized (this) {
                found.put(new Key(owner, execId), streams);
            }
            return new Streams(
                    streams.stdin().map(stream -> stream), streams.stdout(), streams.stderr());
        } catch (Fault e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "streams were not found again task={0} exec={1} reason={2}",
                    owner.id(),
                    execId,
                    e.getMessage());
            return new Streams(Optional.empty(), Optional.empty(), Optional.empty());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Streams(Optional.empty(), Optional.empty(), Optional.empty());
        }
    }

    private KeptStreams kept(Owner owner, String execId) {
        return KeptStreams.of(
                kept, new TaskOwner(owner.address(), owner.namespace(), ""), owner.id(), execId);
    }

    /** {@return where a process's streams are kept} */
    KeptStreams keptFor(TaskOwner owner, String taskId, String execId) {
        return KeptStreams.of(kept, owner, taskId, execId);
    }

    /** {@return what was found for a process; the caller's from now on} */
    synchronized Optional<TaskStreams> take(Owner owner, String execId) {
        return Optional.ofNullable(found.remove(new Key(owner, execId)));
    }
}
