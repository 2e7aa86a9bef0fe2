// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * A unix socket that accepts connections, its owner's alone. One virtual thread accepts, each
 * connection is handed to a virtual thread of its own, which has to close it.
 */
public final class UnixListener implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(UnixListener.class.getName());

    /** Whatever was used up when a connection could not be accepted is not there again at once. */
    private static final Duration PAUSE = Duration.ofMillis(100);

    private final Path path;
    private final String name;
    private final ServerSocketChannel socket;
    private final Consumer<SocketChannel> handler;

    private UnixListener(
            Path path, String name, ServerSocketChannel socket, Consumer<SocketChannel> handler) {
        this.path = path;
        this.name = name;
        this.socket = socket;
        this.handler = handler;
    }

    /**
     * {@return a listener at {@code path}, in place of a socket that a former process left there}
     *
     * @param name of the threads, for whoever looks at them
     * @param handler called with each connection, blocking, on a virtual thread
     * @throws IOException if the path cannot be bound
     */
    public static UnixListener open(Path path, String name, Consumer<SocketChannel> handler)
            throws IOException {
        Files.deleteIfExists(path);
        ServerSocketChannel socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            socket.bind(UnixDomainSocketAddress.of(path));
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
        } catch (IOException e) {
            socket.close();
            throw e;
        }
        UnixListener listener = new UnixListener(path, name, socket, handler);
        Thread.ofVirtual().name(name).start(listener::accept);
        return listener;
    }

    /** {@return the socket's path} */
    public Path path() {
        return path;
    }

    /** {@return whether nobody has closed it yet} */
    public boolean isOpen() {
        return socket.isOpen();
    }

    private void accept() {
        while (socket.isOpen()) {
            try {
                SocketChannel client = socket.accept();
                Thread.ofVirtual().name(name + " client").start(() -> handler.accept(client));
            } catch (IOException e) {
                if (socket.isOpen()) {
                    LOG.log(
                            System.Logger.Level.WARNING,
                            "a connection was not accepted socket={0} reason={1}",
                            path,
                            e.getMessage());
                    pause();
                }
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Stops accepting and removes the socket's file. Connections stay.
     *
     * @throws Fault INTERNAL if the file cannot be removed
     */
    @Override
    public void close() {
        try {
            socket.close();
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw Fault.internal("socket %s could not be closed", path).causedBy(e);
        }
    }
}
