// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import com.google.protobuf.Empty;
import io.bunkai.api.EventsMethods;
import io.bunkai.api.containerd.Envelope;
import io.bunkai.api.containerd.ForwardRequest;
import io.bunkai.ttrpc.Call;
import io.bunkai.ttrpc.TtrpcServer;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;

/** containerd's events service on a socket of its own, which remembers what it was told. */
final class FakeContainerd implements AutoCloseable {
    private final Path socket;
    private final ServerSocketChannel listener;
    private final List<SocketChannel> connections = new CopyOnWriteArrayList<>();
    private final ConcurrentLinkedQueue<Behaviour> behaviours = new ConcurrentLinkedQueue<>();
    private final BlockingQueue<Envelope> taken = new LinkedBlockingQueue<>();
    private final TtrpcServer server =
            TtrpcServer.builder().method(EventsMethods.FORWARD, this::forward).build();

    /** What to do instead of taking an event. */
    interface Behaviour {
        void before(Envelope envelope, FakeContainerd containerd) throws Exception;
    }

    private FakeContainerd(Path socket) throws IOException {
        this.socket = socket;
        this.listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        listener.bind(UnixDomainSocketAddress.of(socket));
    }

    static FakeContainerd listenOn(Path socket) throws IOException {
        FakeContainerd containerd = new FakeContainerd(socket);
        Thread.ofVirtual().name("containerd").start(containerd::accept);
        return containerd;
    }

    private void accept() {
        try {
            while (true) {
                SocketChannel connection = listener.accept();
                connections.add(connection);
                Thread.ofVirtual().start(() -> serve(connection));
            }
        } catch (IOException e) {
            // closed
        }
    }

    private void serve(SocketChannel connection) {
        try (connection) {
            server.serve(
                    Channels.newInputStream(connection),
                    Channels.newOutputStream(connection),
                    Thread.ofVirtual().factory());
        } catch (IOException e) {
            // the publisher went, or the test hung up
        }
    }

    private Empty forward(ForwardRequest request, Call call) throws Exception {
        Behaviour behaviour = behaviours.poll();
        if (behaviour != null) {
            behaviour.before(request.getEnvelope(), this);
        }
        taken.add(request.getEnvelope());
        return Empty.getDefaultInstance();
    }

    /** For one event that comes; what is said first is done first. Throwing is the answer then. */
    void next(Behaviour behaviour) {
        behaviours.add(behaviour);
    }

    /** {@return the next event that was taken, once there is one} */
    Envelope taken() throws InterruptedException {
        return taken.take();
    }

    int notLookedAt() {
        return taken.size();
    }

    int connections() {
        return connections.size();
    }

    void hangUp() throws IOException {
        for (SocketChannel connection : connections) {
            connection.close();
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
        hangUp();
        Files.deleteIfExists(socket);
    }
}
