// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A daemon that dies at a crash point. The thread that comes there never comes back, no other one
 * gets beyond its own next crash point, and the machines do not know the daemon any more.
 */
final class MortalDaemon {
    private final FakeNode node;
    private final CrashPoint fatal;
    private final AtomicInteger timesLeft;
    private final CompletableFuture<Void> death = new CompletableFuture<>();
    private final CompletableFuture<Containers> containers = new CompletableFuture<>();

    /** Begins a life on this node; it may end while it finds its containers again. */
    MortalDaemon(FakeNode node, CrashPoint fatal) {
        this(node, fatal, 1);
    }

    /** One that comes to the point so often before it dies there. */
    MortalDaemon(FakeNode node, CrashPoint fatal, int times) {
        this.node = node;
        this.fatal = fatal;
        this.timesLeft = new AtomicInteger(times);
        Thread.ofVirtual()
                .name("daemon that dies at " + fatal.label())
                .start(() -> {
                    try {
                        containers.complete(node.open(this::reach));
                    } catch (RuntimeException e) {
                        containers.completeExceptionally(e);
                    }
                });
    }

    private void reach(CrashPoint point) {
        if (point == fatal && timesLeft.decrementAndGet() == 0) {
            node.hypervisor().leaveHolderBehind();
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

    /** Does something with its containers, on a thread that may die in it. */
    void live(Life life) {
        Thread.ofVirtual()
                .name("life")
                .start(() -> {
                    try {
                        life.live(containers.get());
                    } catch (Exception e) {
                        death.completeExceptionally(e);
                    }
                });
    }

    /** What is done with the containers. */
    @FunctionalInterface
    interface Life {
        void live(Containers containers) throws Exception;
    }

    /** Returns when it is dead. */
    void awaitDeath() throws InterruptedException, ExecutionException {
        death.get();
    }
}
