// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The I/O socket: one connection is one stream of one process.
 *
 * <p>A token is handed out over the control socket; whoever connects and writes it, followed by a
 * newline, has the stream. Until then the stream exists already and waits: a process can be started
 * before its client has connected. A token that nobody uses within a time is void. One virtual
 * thread accepts, one per connection reads its token.
 */
final class StreamServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(StreamServer.class.getName());
    private static final int TOKEN_BYTES = 16;
    private static final int LONGEST_TOKEN_LINE = 64;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Path path;
    private final ServerSocketChannel server;
    private final Map<String, Reserved> reserved = new ConcurrentHashMap<>();
    private final SecureRandom random = new SecureRandom();

    private StreamServer(Path path, ServerSocketChannel server) {
        this.path = path;
        this.server = server;
    }

    /**
     * {@return a server that accepts connections at {@code path}, in place of one that a former
     * daemon left there}
     *
     * @throws IOException if the path cannot be bound
     */
    static StreamServer open(Path path) throws IOException {
        Files.deleteIfExists(path);
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            server.bind(UnixDomainSocketAddress.of(path));
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
        } catch (IOException e) {
            server.close();
            throw e;
        }
        StreamServer streams = new StreamServer(path, server);
        Thread.ofVirtual().name("streams").start(streams::accept);
        return streams;
    }

    /** {@return the socket's path} */
    Path path() {
        return path;
    }

    /** A stream that somebody will connect to. */
    static final class Reserved {
        private final String token;
        private final CompletableFuture<SocketChannel> connection = new CompletableFuture<>();

        Reserved(String token) {
            this.token = token;
        }

        /** {@return what the client writes to get this stream} */
        String token() {
            return token;
        }

        /** {@return what the client sends; its first read waits for the client} */
        InputStream input() {
            return new PendingInput(this);
        }

        /** {@return what the client receives; its first write waits for the client} */
        OutputStream output() {
            return new PendingOutput(this);
        }

        private SocketChannel connected() throws IOException {
            try {
                return connection.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                throw new IOException("nobody came for the stream", e);
            } catch (ExecutionException e) {
                throw new IOException("the stream was given up", e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted", e);
            }
        }

        private void giveUp() throws IOException {
            if (!connection.completeExceptionally(new IOException("closed"))
                    && !connection.isCompletedExceptionally()) {
                connection.join().close();
            }
        }
    }

    /** {@return a new stream and its token} */
    Reserved reserve() {
        byte[] bytes = new byte[TOKEN_BYTES];
        random.nextBytes(bytes);
        Reserved stream = new Reserved(HexFormat.of().formatHex(bytes));
        reserved.put(stream.token, stream);
        CompletableFuture<SocketChannel> _ =
                stream.connection
                        .orTimeout(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
                        .whenComplete((_, _) -> reserved.remove(stream.token));
        return stream;
    }

    private void accept() {
        while (server.isOpen()) {
            try {
                SocketChannel client = server.accept();
                Thread.ofVirtual().name("stream token").start(() -> welcome(client));
            } catch (IOException e) {
                if (server.isOpen()) {
                    LOG.log(System.Logger.Level.WARNING, "a stream was not accepted", e);
                }
            }
        }
    }

    private void welcome(SocketChannel client) {
        try {
            String token = readToken(client);
            Reserved stream = token == null ? null : reserved.remove(token);
            if (stream == null || !stream.connection.complete(client)) {
                client.close();
            }
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "a stream's client left reason={0}", e.getMessage());
        }
    }

    /** Byte by byte, since what follows the newline belongs to the stream. */
    private static @Nullable String readToken(SocketChannel client) throws IOException {
        StringBuilder token = new StringBuilder();
        ByteBuffer one = ByteBuffer.allocate(1);
        while (token.length() < LONGEST_TOKEN_LINE) {
            if (client.read(one.clear()) != 1) {
                return null;
            }
            byte value = one.get(0);
            if (value == '\n') {
                return token.toString();
            }
            token.append(new String(new byte[] {value}, StandardCharsets.ISO_8859_1));
        }
        return null;
    }

    /**
     * Stops accepting. Streams that are connected stay connected.
     *
     * @throws Fault INTERNAL if the socket's file cannot be removed
     */
    @Override
    public void close() {
        try {
            server.close();
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw Fault.internal("socket %s could not be closed", path).causedBy(e);
        }
        reserved.values().forEach(stream -> stream.connection.cancel(false));
    }

    private static final class PendingInput extends InputStream {
        private final Reserved stream;
        private @Nullable InputStream connected;

        PendingInput(Reserved stream) {
            this.stream = stream;
        }

        private InputStream delegate() throws IOException {
            InputStream known = connected;
            if (known == null) {
                known = Channels.newInputStream(stream.connected());
                connected = known;
            }
            return known;
        }

        @Override
        public int read() throws IOException {
            return delegate().read();
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            return delegate().read(buffer, offset, length);
        }

        @Override
        public void close() throws IOException {
            stream.giveUp();
        }
    }

    private static final class PendingOutput extends OutputStream {
        private final Reserved stream;
        private @Nullable OutputStream connected;

        PendingOutput(Reserved stream) {
            this.stream = stream;
        }

        private OutputStream delegate() throws IOException {
            OutputStream known = connected;
            if (known == null) {
                known = Channels.newOutputStream(stream.connected());
                connected = known;
            }
            return known;
        }

        @Override
        public void write(int value) throws IOException {
            delegate().write(value);
        }

        @Override
        public void write(byte[] buffer, int offset, int length) throws IOException {
            delegate().write(buffer, offset, length);
        }

        /** An output that nobody came for yet is waited for a moment: its end is news, too. */
        @Override
        public void close() throws IOException {
            if (connected == null) {
                try {
                    delegate();
                } catch (IOException e) {
                    return; // nobody came: there is nobody to tell
                }
            }
            stream.giveUp();
        }
    }
}
