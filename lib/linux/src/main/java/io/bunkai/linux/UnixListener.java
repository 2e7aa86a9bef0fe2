// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
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
    private final Fd socket;
    private final WaitingFd waiting;
    private final Consumer<UnixConnection> handler;
    private final AtomicBoolean closed = new AtomicBoolean();

    private UnixListener(
            Path path,
            String name,
            Fd socket,
            WaitingFd waiting,
            Consumer<UnixConnection> handler) {
        this.path = path;
        this.name = name;
        this.socket = socket;
        this.waiting = waiting;
        this.handler = handler;
    }

    /**
     * {@return a listener at {@code path}, in place of a socket that a former process left there}
     *
     * @param name of the threads, for whoever looks at them
     * @param handler called with each connection, blocking, on a virtual thread
     * @throws IOException if the path cannot be bound
     */
    public static UnixListener open(Path path, String name, Consumer<UnixConnection> handler)
            throws IOException {
        Fd socket = UnixSockets.listenForOwner(path);
        return over(socket, path, name, handler);
    }

    /**
     * {@return a listener that goes on with a socket which listens at {@code path} already, and
     * belongs to it from now on} Who has connected meanwhile is accepted first.
     *
     * @throws IOException if the socket cannot be used; it is closed then
     */
    public static UnixListener over(
            Fd socket, Path path, String name, Consumer<UnixConnection> handler)
            throws IOException {
        WaitingFd waiting;
        try {
            waiting = WaitingFd.toRead(socket);
        } catch (IOException e) {
            socket.close();
            throw e;
        }
        UnixListener listener = new UnixListener(path, name, socket, waiting, handler);
        Thread.ofVirtual().name(name).start(listener::accept);
        return listener;
    }

    /** {@return the socket's path} */
    public Path path() {
        return path;
    }

    /** {@return whether nobody has closed it yet} */
    public boolean isOpen() {
        return !closed.get();
    }

    /** {@return the socket, for others to keep a second descriptor of; still this object's} */
    public Fd descriptor() {
        return socket;
    }

    private void accept() {
        while (isOpen()) {
            try {
                UnixConnection client = UnixConnection.of(waiting.accept());
                Thread.ofVirtual().name(name + " client").start(() -> handler.accept(client));
            } catch (IOException e) {
                if (isOpen()) {
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
     * Stops accepting, and leaves the socket's file: another descriptor of the socket goes on.
     * Idempotent.
     */
    public void letGo() {
        closed.set(true);
        waiting.close();
    }

    /**
     * Stops accepting and removes the socket's file. Connections stay. Idempotent.
     *
     * @throws Fault INTERNAL if the file cannot be removed
     */
    @Override
    public void close() {
        boolean first = !closed.getAndSet(true);
        waiting.close();
        if (!first) {
            return;
        }
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw Fault.internal("socket %s could not be closed", path).causedBy(e);
        }
    }
}
