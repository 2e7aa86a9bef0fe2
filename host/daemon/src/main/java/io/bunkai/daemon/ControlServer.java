// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.base.Fault;
import io.bunkai.ttrpc.TtrpcServer;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.ThreadFactory;

/** The control socket: one virtual thread accepts, one serves each connection, one each call. */
final class ControlServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(ControlServer.class.getName());

    private final Path path;
    private final ServerSocketChannel socket;
    private final TtrpcServer server;
    private final ThreadFactory handlers = Thread.ofVirtual().name("call ", 0).factory();

    private ControlServer(Path path, ServerSocketChannel socket, TtrpcServer server) {
        this.path = path;
        this.socket = socket;
        this.server = server;
    }

    /**
     * {@return a server that answers at {@code path}, in place of one that a former daemon left
     * there}
     *
     * @throws IOException if the path cannot be bound
     */
    static ControlServer open(Path path, TtrpcServer server) throws IOException {
        Files.deleteIfExists(path);
        ServerSocketChannel socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            socket.bind(UnixDomainSocketAddress.of(path));
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
        } catch (IOException e) {
            socket.close();
            throw e;
        }
        ControlServer control = new ControlServer(path, socket, server);
        Thread.ofVirtual().name("control").start(control::accept);
        return control;
    }

    private void accept() {
        while (socket.isOpen()) {
            try {
                SocketChannel client = socket.accept();
                Thread.ofVirtual().name("control client").start(() -> serve(client));
            } catch (IOException e) {
                if (socket.isOpen()) {
                    LOG.log(System.Logger.Level.WARNING, "a client was not accepted", e);
                    AcceptPause.take();
                }
            }
        }
    }

    private void serve(SocketChannel client) {
        try (client) {
            server.serve(
                    Channels.newInputStream(client), Channels.newOutputStream(client), handlers);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "a client left reason={0}", e.getMessage());
        }
    }

    /**
     * Stops accepting.
     *
     * @throws Fault INTERNAL if the socket's file cannot be removed
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
