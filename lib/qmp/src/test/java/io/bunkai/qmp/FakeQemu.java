// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.bunkai.base.Deadline;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** The other side of a connection, which says and expects exactly what a test tells it to. */
final class FakeQemu implements AutoCloseable {
    static final String GREETING =
            "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, "
                    + "\"package\": \"\"}, \"capabilities\": [\"oob\"]}}";

    private final Path socket;
    private final ServerSocketChannel server;
    private final CompletableFuture<SocketChannel> accepted = new CompletableFuture<>();
    private final CompletableFuture<BufferedReader> reader;

    FakeQemu(Path directory) throws IOException {
        socket = directory.resolve("qmp.sock");
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(socket));
        reader =
                accepted.thenApply(channel ->
                        new BufferedReader(
                                new InputStreamReader(Channels.newInputStream(channel), UTF_8)));
        Thread.ofVirtual()
                .name("fake qemu accept")
                .start(() -> {
                    try {
                        accepted.complete(server.accept());
                    } catch (IOException e) {
                        accepted.completeExceptionally(e);
                    }
                });
    }

    Path socket() {
        return socket;
    }

    /** {@return a client that has been greeted and has negotiated} */
    QmpClient client(QmpListener listener) throws Exception {
        var client = new CompletableFuture<QmpClient>();
        Thread.ofVirtual()
                .name("connect")
                .start(() -> {
                    try {
                        client.complete(
                                QmpClient.connect(
                                        socket, listener, Deadline.after(Duration.ofSeconds(30))));
                    } catch (IOException | RuntimeException e) {
                        client.completeExceptionally(e);
                    }
                });
        say(GREETING);
        expect("{\"execute\":\"qmp_capabilities\",\"id\":1}");
        say("{\"return\": {}, \"id\": 1}");
        return client.get();
    }

    void say(String line) throws IOException {
        sayRaw(line + "\r\n");
    }

    void sayRaw(String text) throws IOException {
        OutputStream out = Channels.newOutputStream(accepted.join());
        out.write(text.getBytes(UTF_8));
        out.flush();
    }

    String hear() throws IOException {
        String line = reader.join().readLine();
        if (line == null) {
            throw new IOException("the client has hung up");
        }
        return line;
    }

    void expect(String line) throws IOException {
        String heard = hear();
        if (!heard.equals(line)) {
            throw new AssertionError("expected " + line + " and heard " + heard);
        }
    }

    /** {@return whether the client has hung up; waits for it or for a line} */
    boolean hearsTheEnd() throws IOException {
        return reader.join().read() < 0;
    }

    void hangUp() throws IOException {
        accepted.join().close();
    }

    @Override
    public void close() throws IOException {
        server.close();
        if (accepted.isDone() && !accepted.isCompletedExceptionally()) {
            accepted.join().close();
        }
    }
}
