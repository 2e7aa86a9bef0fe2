// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import com.google.protobuf.Empty;
import com.google.protobuf.MessageLite;
import io.bunkai.api.EventsMethods;
import io.bunkai.api.TaskMethods;
import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.ttrpc.Method;
import io.bunkai.ttrpc.TtrpcClient;
import io.bunkai.ttrpc.TtrpcServer;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * containerd's side of the shim protocol, for tests: calls the task service as containerd does, and
 * is told the events.
 */
final class ContainerdPeer implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final TaskMethods methods;
    private final Closer owned = new Closer();
    private final List<String> topics = new ArrayList<>(); // guarded by itself
    private final TtrpcClient client;

    /**
     * Listens for events at a socket, and calls a service.
     *
     * @param events where it listens
     */
    ContainerdPeer(
            TaskMethods methods, Path events, java.util.function.Supplier<TtrpcServer> service)
            throws IOException {
        this.methods = methods;
        listen(
                events,
                TtrpcServer.builder()
                        .method(
                                EventsMethods.FORWARD,
                                (request, _) -> {
                                    synchronized (topics) {
                                        topics.add(request.getEnvelope().getTopic());
                                        topics.notifyAll();
                                    }
                                    return Empty.getDefaultInstance();
                                })
                        .build());
        Path socket = events.resolveSibling("task.sock");
        listen(socket, service.get());
        SocketChannel channel = owned.own(SocketChannel.open(StandardProtocolFamily.UNIX));
        channel.connect(UnixDomainSocketAddress.of(socket));
        client =
                owned.own(
                        TtrpcClient.over(
                                Channels.newInputStream(channel),
                                Channels.newOutputStream(channel),
                                "the shim",
                                channel));
    }

    private void listen(Path path, TtrpcServer server) throws IOException {
        ServerSocketChannel listener =
                owned.own(ServerSocketChannel.open(StandardProtocolFamily.UNIX));
        listener.bind(UnixDomainSocketAddress.of(path));
        Thread.ofVirtual()
                .start(() -> {
                    while (listener.isOpen()) {
                        try {
                            SocketChannel channel = listener.accept();
                            Thread.ofVirtual().start(() -> serve(server, channel));
                        } catch (IOException e) {
                            return;
                        }
                    }
                });
    }

    private static void serve(TtrpcServer server, SocketChannel channel) {
        try (channel) {
            server.serve(
                    Channels.newInputStream(channel),
                    Channels.newOutputStream(channel),
                    Thread.ofVirtual().factory());
        } catch (IOException e) {
            // the other side has gone
        }
    }

    TaskMethods methods() {
        return methods;
    }

    /** Calls as containerd does. {@return the answer} */
    <Q extends MessageLite, R extends MessageLite> R call(Method<Q, R> method, Q request)
            throws IOException {
        return client.call(method, request, Deadline.after(PATIENCE));
    }

    /** Waits until so many events have come. {@return their topics, without {@code /tasks/}} */
    List<String> awaitTopics(int count) throws InterruptedException {
        synchronized (topics) {
            while (topics.size() < count) {
                topics.wait();
            }
            return topics.stream().map(topic -> topic.substring("/tasks/".length())).toList();
        }
    }

    @Override
    public void close() {
        owned.close();
    }
}
