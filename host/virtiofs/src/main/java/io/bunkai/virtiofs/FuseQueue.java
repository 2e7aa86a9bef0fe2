// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.fuse.Admission;
import io.bunkai.fuse.FuseExchange;
import io.bunkai.fuse.FuseServer;
import io.bunkai.fuse.Ranges;
import io.bunkai.fuse.RequestView;
import io.bunkai.virtio.Chain;
import io.bunkai.virtio.GuestBuffer;
import io.bunkai.virtio.QueueHandler;

/** Between a virtqueue and FUSE: a chain is a request, and the room for its reply. */
final class FuseQueue implements QueueHandler {
    private final FuseServer server;
    private final Throttle throttle;

    FuseQueue(FuseServer server, Throttle throttle) {
        this.server = server;
        this.throttle = throttle;
    }

    /** What is kept with a chain, and used again with it. */
    private final class Message extends Ticket implements Admission {
        private final Chain chain;
        private final FuseExchange exchange = new FuseExchange(this::deliver);

        Message(Chain chain) {
            this.chain = chain;
        }

        @Override
        public boolean admits(RequestView request) {
            return throttle.admits(request, this);
        }

        @Override
        void carryOut() {
            server.resume(exchange);
        }

        private void deliver(FuseExchange finished, int length) {
            throttle.settle(this, finished.moved());
            finished.request().clear();
            finished.reply().clear();
            chain.complete(length);
        }
    }

    @Override
    public void serve(Chain chain) {
        Message message = (Message) chain.attachment();
        if (message == null) {
            message = new Message(chain);
            chain.attach(message);
        }
        Worker.current().backlog = chain.backlog();
        fill(chain.readable(), message.exchange.request());
        fill(chain.writable(), message.exchange.reply());
        server.serve(message.exchange, throttle.limits() ? message : Admission.FREE);
    }

    private static void fill(GuestBuffer from, Ranges to) {
        for (int i = 0; i < from.ranges(); i++) {
            to.add(from.memory(i), from.offset(i), from.length(i));
        }
    }

    @Override
    public void stopping() {
        throttle.hurry();
    }
}
