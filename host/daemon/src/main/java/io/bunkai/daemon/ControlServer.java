// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.base.Fault;
import io.bunkai.linux.UnixConnection;
import io.bunkai.linux.UnixListener;
import io.bunkai.ttrpc.TtrpcServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.ThreadFactory;

/** The control socket: one virtual thread accepts, one serves each connection, one each call. */
final class ControlServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(ControlServer.class.getName());

    private final UnixListener listener;

    private ControlServer(UnixListener listener) {
        this.listener = listener;
    }

    /**
     * {@return a server that answers at {@code path}, in place of one that a former daemon left
     * there}
     *
     * @throws IOException if the path cannot be bound
     */
    static ControlServer open(Path path, TtrpcServer server) throws IOException {
        ThreadFactory handlers = Thread.ofVirtual().name("call ", 0).factory();
        return new ControlServer(
                UnixListener.open(path, "control", client -> serve(client, server, handlers)));
    }

    private static void serve(UnixConnection client, TtrpcServer server, ThreadFactory handlers) {
        try (client) {
            server.serve(client.input(), client.output(), handlers);
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
        listener.close();
    }
}
