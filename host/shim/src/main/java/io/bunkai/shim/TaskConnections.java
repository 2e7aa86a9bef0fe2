// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.KeptFds;
import io.bunkai.linux.UnixConnection;
import io.bunkai.ttrpc.TtrpcServer;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The connections of containerds. containerd takes a closed connection for the death of the task,
 * so each is kept beyond this process, and its calls are journaled: a later daemon goes on with it
 * as if nothing had happened.
 *
 * <p>Kept as {@code conn.<socket>.<number>}, journaled in a directory of the same name. Safe for
 * use by several threads.
 */
final class TaskConnections implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(TaskConnections.class.getName());
    private static final String PREFIX = "conn.";
    private static final int NUMBER_BYTES = 4;

    private final Path directory;
    private final KeptFds kept;
    private final Duration patience;
    private final SecureRandom random = new SecureRandom();
    private final ThreadFactory handlers = Thread.ofVirtual().name("task call ", 0).factory();

    private final ReentrantLock lock = new ReentrantLock(); // guards what follows
    private final Map<String, Open> connections = new HashMap<>(); // by name
    private boolean closed;

    private record Open(String socket, CallJournal calls) {}

    /**
     * Keeps connections.
     *
     * @param directory of the journals; made if it is not there, its owner's alone
     * @param patience how long calls under way may take when this daemon ends
     * @throws IOException if the directory cannot be made
     */
    TaskConnections(Path directory, KeptFds kept, Duration patience) throws IOException {
        this.directory = directory;
        this.kept = kept;
        this.patience = patience;
        Files.createDirectories(directory);
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
    }

    /** A connection that a former daemon has left. */
    record Former(String name, String socket) {}

    /** {@return the connections that a former daemon has left} */
    List<Former> former() {
        List<Former> found = new ArrayList<>();
        for (String name : kept.unclaimed()) {
            if (name.startsWith(PREFIX)) {
                int end = name.lastIndexOf('.');
                found.add(new Former(name, name.substring(PREFIX.length(), Math.max(end, 5))));
            }
        }
        return found;
    }

    /** Serves a new connection, until it ends or this daemon does. */
    void serve(String socket, UnixConnection client, TtrpcServer server) {
        byte[] number = new byte[NUMBER_BYTES];
        random.nextBytes(number);
        String name = PREFIX + socket + "." + HexFormat.of().formatHex(number);
        try {
            kept.keep(name, client.descriptor());
        } catch (Fault e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "a connection is not kept for a later daemon reason={0}",
                    e.getMessage());
        }
        serve(name, socket, client, server);
    }

    /** Goes on with a connection on a thread of its own. What cannot be gone on with is closed. */
    void goOn(Former former, TtrpcServer server) {
        Optional<UnixConnection> client = claim(former.name());
        if (client.isEmpty()) {
            drop(former);
            return;
        }
        Thread.ofVirtual()
                .name("tasks client")
                .start(() -> serve(former.name(), former.socket(), client.get(), server));
    }

    private Optional<UnixConnection> claim(String name) {
        try {
            var fd = kept.claim(name);
            return fd.isEmpty() ? Optional.empty() : Optional.of(UnixConnection.of(fd.get()));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** Closes a connection that nobody serves. */
    void drop(Former former) {
        kept.drop(former.name());
        CallJournal.delete(directory.resolve(former.name()));
    }

    /** Deletes the journals of connections that nobody has kept. */
    void deleteLostJournals() throws IOException {
        List<String> left = kept.unclaimed();
        try (DirectoryStream<Path> journals = Files.newDirectoryStream(directory)) {
            for (Path journal : journals) {
                if (!left.contains(journal.getFileName().toString())) {
                    CallJournal.delete(journal);
                }
            }
        }
    }

    private void serve(String name, String socket, UnixConnection client, TtrpcServer server) {
        boolean over = true;
        try (client) {
            CallJournal calls = CallJournal.open(directory.resolve(name), client);
            if (!join(name, new Open(socket, calls))) {
                over = false;
                return; // the next daemon's
            }
            server.serveOn(
                    calls.requests(),
                    client.output(),
                    task -> handlers.newThread(task).start(),
                    calls);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "containerd left reason={0}", e.getMessage());
        } finally {
            if (over && leave(name)) {
                kept.drop(name);
                CallJournal.delete(directory.resolve(name));
            }
        }
    }

    private boolean join(String name, Open connection) {
        lock.lock();
        try {
            if (!closed) {
                connections.put(name, connection);
            }
            return !closed;
        } finally {
            lock.unlock();
        }
    }

    /** {@return whether the connection has ended, rather than this daemon} */
    private boolean leave(String name) {
        lock.lock();
        try {
            connections.remove(name);
            return !closed;
        } finally {
            lock.unlock();
        }
    }

    /** {@return whether anybody is connected to a socket} */
    boolean isConnected(String socket) {
        lock.lock();
        try {
            return connections.values().stream().anyMatch(open -> open.socket().equals(socket));
        } finally {
            lock.unlock();
        }
    }

    /** Stops at once, as a death would: nothing is read, written or deleted any more. */
    void abandon() {
        stop().forEach(CallJournal::end);
    }

    private List<CallJournal> stop() {
        lock.lock();
        try {
            closed = true;
            return connections.values().stream().map(Open::calls).toList();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes no more requests, waits for calls under way, and lets go of the connections: whoever
     * has kept them goes on, and answers what has not been answered. Idempotent.
     */
    @Override
    public void close() {
        List<CallJournal> all = stop();
        all.forEach(CallJournal::pause);
        Deadline deadline = Deadline.after(patience);
        try {
            for (CallJournal calls : all) {
                if (!calls.awaitIdle(deadline)) {
                    LOG.log(
                            System.Logger.Level.WARNING,
                            "a call under way is left to the next daemon");
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        all.forEach(CallJournal::end);
    }
}
