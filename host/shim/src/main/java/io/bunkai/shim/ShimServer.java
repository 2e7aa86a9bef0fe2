// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.base.Closer;
import io.bunkai.base.Fault;
import io.bunkai.ttrpc.TtrpcServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Function;

/**
 * What containerd finds of this daemon: an answer for its launchers, and a socket for each owner of
 * tasks. Closing it waits a few seconds for requests of launchers under way and ends connections.
 */
public final class ShimServer implements AutoCloseable {
    private final Closer owned;

    private ShimServer(Closer owned) {
        this.owned = owned;
    }

    /**
     * Answers launchers and listens on the sockets of all owners that a former daemon has known.
     * Tasks that were to be deleted while no daemon lived are deleted before anything else is
     * answered.
     *
     * @param run the state root's directory of sockets and locks; its {@code shim} and {@code
     *     tasks} are this class's
     * @param deletion deletes a task whose connection is lost
     * @param services makes what answers the calls of one owner; called once an owner, and again if
     *     the owner's {@link TaskOwner#eventsAddress} changes
     * @throws Fault INTERNAL if the directories or sockets cannot be made
     */
    public static ShimServer open(
            Path run, TaskDeletion deletion, Function<TaskOwner, TtrpcServer> services) {
        try (Closer undo = new Closer()) {
            TaskSockets sockets = undo.own(TaskSockets.open(run.resolve("tasks"), services));
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

    /** Stops answering; tasks run on. Idempotent. */
    @Override
    public void close() {
        owned.close();
    }
}
