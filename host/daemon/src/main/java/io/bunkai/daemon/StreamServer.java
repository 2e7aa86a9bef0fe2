// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.base.Fault;
import io.bunkai.linux.UnixConnection;
import io.bunkai.linux.UnixListener;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The I/O socket: one connection is one stream of one process.
 *
 * <p>A token is handed out over the control socket; whoever connects and writes it, followed by a
 * newline, has the stream. Until then the stream exists already and waits: a process can be started
 * before its client has connected. A token that nobody uses within a time is void, and so is a
 * connection that does not write one. One virtual thread accepts, one per connection reads its
 * token.
 */
final class StreamServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(StreamServer.class.getName());
    private static final int TOKEN_BYTES = 16;
    private static final int LONGEST_TOKEN_LINE = 64;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Duration patience;
    private final Map<String, Reserved> reserved = new ConcurrentHashMap<>();
    private final Set<UnixConnection> strangers = ConcurrentHashMap.newKeySet();
    private final SecureRandom random = new SecureRandom();

    private final UnixListener listener;
    private volatile boolean closed;

    private StreamServer(Path path, Duration patience) throws IOException {
        this.patience = patience;
        this.listener = UnixListener.open(path, "streams", this::welcome);
    }

    /**
     * {@return a server that accepts connections at {@code path}, in place of one that a former
     * daemon left there}
     *
     * @throws IOException if the path cannot be bound
     */
    static StreamServer open(Path path) throws IOException {
        return open(path, PATIENCE);
    }

    static StreamServer open(Path path, Duration patience) throws IOException {
        return new StreamServer(path, patience);
    }

    /** {@return the socket's path} */
    Path path() {
        return listener.path();
    }

    /** A stream that somebody will connect to. */
    static final class Reserved {
        private final String token;
        private final CompletableFuture<UnixConnection> connection = new CompletableFuture<>();

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

        /**
         * {@return what the client receives; its first write waits for the client} Closing it does
         * not: a client that comes later finds the end.
         */
        OutputStream output() {
            return new PendingOutput(this);
        }

        /** Nobody needs the stream after all: its token is void. */
        void giveUp() {
            connection.cancel(false);
        }

        private UnixConnection connected() throws IOException {
            try {
                return connection.get(); // ends in time: see reserve()
            } catch (ExecutionException e) {
                throw new IOException("nobody came for the stream", e);
            } catch (CancellationException e) {
                throw new IOException("the stream was given up", e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted", e);
            }
        }

        /** Closes the connection, now or when there is one. */
        private void closeConnection() {
            CompletableFuture<Void> _ = connection.thenAccept(UnixConnection::close);
        }
    }

    /** {@return a new stream and its token} */
    Reserved reserve() {
        byte[] bytes = new byte[TOKEN_BYTES];
        random.nextBytes(bytes);
        Reserved stream = new Reserved(HexFormat.of().formatHex(bytes));
        reserved.put(stream.token, stream);
        CompletableFuture<UnixConnection> _ =
                stream.connection
                        .orTimeout(patience.toMillis(), TimeUnit.MILLISECONDS)
                        .whenComplete((_, _) -> reserved.remove(stream.token));
        return stream;
    }

    private void welcome(UnixConnection client) {
        strangers.add(client);
        CompletableFuture<Void> _ =
                CompletableFuture.runAsync(
                        () -> turnAway(client),
                        CompletableFuture.delayedExecutor(
                                patience.toMillis(), TimeUnit.MILLISECONDS, Runnable::run));
        Reserved stream = null;
        try {
            if (closed) {
                return; // closed while this one was accepted
            }
            String token = readToken(client);
            stream = token == null ? null : reserved.remove(token);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "a stream was left reason={0}", e.getMessage());
        } finally {
            boolean known = strangers.remove(client);
            if (!known || stream == null || !stream.connection.complete(client)) {
                client.close();
            }
        }
    }

    /** Closes a connection that has not told its token in time. */
    private void turnAway(UnixConnection client) {
        if (strangers.remove(client)) {
            client.close();
        }
    }

    /** Byte by byte, since what follows the newline belongs to the stream. */
    private static @Nullable String readToken(UnixConnection client) throws IOException {
        StringBuilder token = new StringBuilder();
        InputStream in = client.input();
        while (token.length() < LONGEST_TOKEN_LINE) {
            int value = in.read();
            if (value < 0) {
                return null;
            }
            if (value == '\n') {
                return token.toString();
            }
            token.append((char) value);
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
        closed = true;
        listener.close();
        reserved.values().forEach(Reserved::giveUp);
        strangers.forEach(this::turnAway);
    }

    private static final class PendingInput extends InputStream {
        private final Reserved stream;
        private @Nullable InputStream connected; // the reader's alone

        PendingInput(Reserved stream) {
            this.stream = stream;
        }

        private InputStream delegate() throws IOException {
            InputStream known = connected;
            if (known == null) {
                known = stream.connected().input();
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

        /** Nobody reads what a client would send: one that comes later is turned away. */
        @Override
        public void close() {
            stream.giveUp();
            stream.closeConnection();
        }
    }

    private static final class PendingOutput extends OutputStream {
        private final Reserved stream;
        private @Nullable OutputStream connected; // the writer's alone

        PendingOutput(Reserved stream) {
            this.stream = stream;
        }

        private OutputStream delegate() throws IOException {
            OutputStream known = connected;
            if (known == null) {
                known = stream.connected().output();
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

        @Override
        public void close() {
            stream.closeConnection();
        }
    }
}
