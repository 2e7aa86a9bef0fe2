// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.base.Closer;
import io.bunkai.base.Fault;
import io.bunkai.linux.KeptFds;
import io.bunkai.ttrpc.TtrpcServer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Function;

/**
 * What containerd finds of this daemon: an answer for its launchers, and a socket for each owner of
 * tasks. Closing it waits a few seconds for requests of launchers under way and ends connections.
 */
public final class ShimServer implements AutoCloseable {
    /** What calls under way may take when the daemon ends: a start takes that long. */
    private static final Duration CALLS_PATIENCE = Duration.ofSeconds(30);

    private final Closer owned;

    private ShimServer(Closer owned) {
        this.owned = owned;
    }

    /**
     * Answers launchers and listens on the sockets of all owners that a former daemon has known.
     * Tasks that were to be deleted while no daemon lived are deleted before anything else is
     * answered.
     *
     * @param run the state root's directory of sockets and locks; its {@code shim}, {@code tasks}
     *     and {@code calls} are this class's
     * @param kept where connections and listening sockets are kept for a later daemon; what a
     *     former one has left is gone on with
     * @param deletion deletes a task whose connection is lost
     * @param services makes what answers the calls of one owner; called once an owner, and again if
     *     the owner's {@link TaskOwner#eventsAddress} changes
     * @throws Fault INTERNAL if the directories or sockets cannot be made
     */
    public static ShimServer open(
            Path run,
            KeptFds kept,
            TaskDeletion deletion,
            Function<TaskOwner, TtrpcServer> services) {
        try (Closer undo = new Closer()) {
            TaskConnections connections =
                    undo.own(new TaskConnections(run.resolve("calls"), kept, CALLS_PATIENCE));
            TaskSockets sockets =
                    undo.own(TaskSockets.open(run.resolve("tasks"), connections, kept, services));
            LauncherDesk desk =
                    undo.own(LauncherDesk.open(run.resolve("shim"), launches(sockets, deletion)));
            sockets.listen();
            desk.serve();
            return new ShimServer(undo.release());
        } catch (IOException e) {
            throw Fault.internal("containerd cannot be served beneath %s", run).causedBy(e);
        }
    }

    private static Launches launches(TaskSockets sockets, TaskDeletion deletion) {
        return new Launches() {
            @Override
            public String socketFor(TaskOwner owner) {
                return sockets.socketFor(owner);
            }

            @Override
            public DeletedTask delete(TaskOwner owner, String id, Path bundle) {
                return deletion.delete(owner, id, bundle);
            }
        };
    }

    /** Stops answering, once calls under way are over; tasks run on. Idempotent. */
    @Override
    public void close() {
        owned.close();
    }
}
