// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.base.Closer;
import io.bunkai.linux.Fd;
import io.bunkai.linux.KeptFds;
import io.bunkai.runtime.Containers;
import io.bunkai.runtime.CrashPoint;
import io.bunkai.runtime.FakeNode;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * What containerd finds of one daemon, which dies at a crash point as if it had been killed: from
 * then on its threads stand still, and it neither reads nor writes any connection. What it has kept
 * is there for the next one.
 */
final class MortalShim implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final FakeNode node;
    private final @Nullable CrashPoint fatal;
    private final KeptFds kept;
    private final CompletableFuture<Void> death = new CompletableFuture<>();
    private final Closer owned = new Closer();
    private final TaskConnections connections;
    private final TaskSockets sockets;

    /**
     * Begins a life.
     *
     * @param fatal where it ends; null if it lives until it is closed
     * @param inherited what the daemon before it has kept
     */
    MortalShim(FakeNode node, @Nullable CrashPoint fatal, Map<String, Fd> inherited)
            throws IOException {
        this.node = node;
        this.fatal = fatal;
        this.kept = new KeptFds(KeptFds.Store.NONE, inherited);
        TaskReattachment streams = new TaskReattachment(kept);
        Containers containers = owned.own(node.open(this::reach, streams));
        TaskServices services =
                owned.own(
                        new TaskServices(
                                containers,
                                streams,
                                node.folder().resolve("no-cgroups"),
                                FakeNode.LONG));
        owned.onClose(kept::freeze);
        connections =
                owned.own(new TaskConnections(node.folder().resolve("calls"), kept, PATIENCE));
        sockets =
                owned.own(
                        TaskSockets.open(
                                node.folder().resolve("tasks"),
                                connections,
                                kept,
                                services::serverFor));
        sockets.listen();
    }

    String socketFor(TaskOwner owner) {
        return sockets.socketFor(owner);
    }

    private void reach(CrashPoint point) {
        if (point == fatal && !death.isDone()) {
            node.hypervisor().leaveHolderBehind();
            connections.abandon();
            death.complete(null);
        }
        if (death.isDone()) {
            stayDead();
        }
    }

    private static void stayDead() {
        CountDownLatch never = new CountDownLatch(1);
        while (true) {
            try {
                never.await();
            } catch (InterruptedException e) {
                // the dead hear nothing
            }
        }
    }

    /** Returns when it is dead. {@return what it has kept} */
    Map<String, Fd> awaitDeath() throws InterruptedException, ExecutionException {
        death.get();
        return leave();
    }

    /** Lets go in good order. {@return what it has kept} */
    Map<String, Fd> letGo() {
        owned.close();
        return leave();
    }

    private Map<String, Fd> leave() {
        Map<String, Fd> left = kept.copyOfAll();
        kept.close();
        return left;
    }

    @Override
    public void close() {
        owned.close();
        kept.close();
    }
}
