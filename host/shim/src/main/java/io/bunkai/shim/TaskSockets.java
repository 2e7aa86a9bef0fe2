// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.base.Fault;
import io.bunkai.linux.Fd;
import io.bunkai.linux.KeptFds;
import io.bunkai.linux.UnixConnection;
import io.bunkai.linux.UnixListener;
import io.bunkai.ttrpc.TtrpcServer;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The sockets that containerd connects to: one for each owner of tasks, made when its first task is
 * started.
 *
 * <p>containerd keeps the address of a task's socket in the task's bundle and connects to it again
 * when it has restarted. So a socket's name depends on its owner alone, an owner is remembered in a
 * file beside its socket, and the next daemon listens on all of them. Where the owner wants events
 * sent to may change; what the latest launcher has said holds for connections from then on.
 *
 * <p>Nobody tells that an owner is gone for good. One costs a file and a socket, and namespaces are
 * few; so the latest {@value #MOST_OWNERS} are kept, and beyond them those that are connected,
 * since containerd holds a connection for each of its tasks.
 *
 * <p>Thread-safe.
 */
final class TaskSockets implements AutoCloseable {
    /** How many owners are remembered, besides those that are connected. */
    static final int MOST_OWNERS = 64;

    private static final System.Logger LOG = System.getLogger(TaskSockets.class.getName());
    private static final String TITLE = "bunkai owner 1";
    private static final List<String> FIELDS = List.of("address", "namespace", "events");
    private static final String OWNER = ".owner";
    private static final String SOCKET = ".sock";

    /** Listening sockets are kept as this and the socket's name: who connects finds somebody. */
    private static final String LISTENER = "listen.";

    private final Path directory;
    private final TaskConnections connections;
    private final KeptFds kept;
    private final Function<TaskOwner, TtrpcServer> services;

    private final ReentrantLock lock = new ReentrantLock(); // guards what follows
    private final Map<String, Socket> sockets = new HashMap<>(); // by name
    private boolean closed;

    private TaskSockets(
            Path directory,
            TaskConnections connections,
            KeptFds kept,
            Function<TaskOwner, TtrpcServer> services) {
        this.directory = directory;
        this.connections = connections;
        this.kept = kept;
        this.services = services;
    }

    /** An owner's socket. Guarded by the lock. */
    private static final class Socket {
        private final String name;
        private TaskOwner owner;
        private Instant usedAt;
        private @Nullable TtrpcServer server; // of this owner, made when it is needed
        private @Nullable UnixListener listener; // null until it is listened on

        Socket(String name, TaskOwner owner, Instant usedAt) {
            this.name = name;
            this.owner = owner;
            this.usedAt = usedAt;
        }
    }

    /**
     * {@return the sockets of all owners that are remembered; none of them is listened on before
     * {@link #listen}}
     *
     * @param directory made if it is not there, its owner's alone
     * @param connections serves who connects
     * @param kept where listening sockets are kept
     * @param services makes what answers an owner's connections; called again when the owner's
     *     events are to be sent elsewhere
     * @throws IOException if the directory cannot be made or read
     */
    static TaskSockets open(
            Path directory,
            TaskConnections connections,
            KeptFds kept,
            Function<TaskOwner, TtrpcServer> services)
            throws IOException {
        Files.createDirectories(directory);
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
        TaskSockets sockets = new TaskSockets(directory, connections, kept, services);
        sockets.remember();
        return sockets;
    }

    private void remember() throws IOException {
        List<String> listeners = kept.unclaimed();
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> found = Files.newDirectoryStream(directory)) {
            found.forEach(files::add);
        }
        for (Path file : files) {
            String name = file.getFileName().toString();
            Optional<TaskOwner> owner = name.endsWith(OWNER) ? read(file) : Optional.empty();
            if (owner.isPresent() && name.equals(nameOf(owner.get()) + OWNER)) {
                String socket = nameOf(owner.get());
                Instant usedAt = Files.getLastModifiedTime(file).toInstant();
                sockets.put(socket, new Socket(socket, owner.get(), usedAt));
            } else if (!name.endsWith(SOCKET)
                    || !listeners.contains(LISTENER + name.replace(SOCKET, ""))) {
                Files.delete(file); // a former daemon's socket, or half a file
            }
        }
        forgetTheOldest();
    }

    private static Optional<TaskOwner> read(Path file) throws IOException {
        try {
            Map<String, String> fields = FieldFile.parse(Files.readAllBytes(file), TITLE, FIELDS);
            return Optional.of(
                    new TaskOwner(
                            fields.getOrDefault("address", ""),
                            fields.getOrDefault("namespace", ""),
                            fields.getOrDefault("events", "")));
        } catch (Fault e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "an owner of tasks is forgotten file={0} reason={1}",
                    file,
                    e.getMessage());
            return Optional.empty();
        }
    }

    /**
     * Goes on with the connections that a former daemon has left, and listens on the sockets of all
     * owners that are remembered.
     *
     * @throws IOException if one cannot be bound
     */
    void listen() throws IOException {
        lock.lock();
        try {
            connections.deleteLostJournals();
            for (TaskConnections.Former former : connections.former()) {
                Socket socket = sockets.get(former.socket());
                if (socket == null) {
                    connections.drop(former);
                } else {
                    connections.goOn(former, serverOf(socket));
                }
            }
            for (Socket socket : sockets.values()) {
                bind(socket);
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * {@return the address of the owner's socket, which is listened on}
     *
     * @throws Fault UNAVAILABLE if the daemon ends, RESOURCE_EXHAUSTED if the file system is full,
     *     INTERNAL if the socket cannot be made
     */
    String socketFor(TaskOwner owner) {
        lock.lock();
        try {
            if (closed) {
                throw Fault.unavailable("the daemon is ending");
            }
            String name = nameOf(owner);
            Socket socket = sockets.get(name);
            if (socket == null) {
                socket = new Socket(name, owner, Instant.now());
                write(name, owner);
                sockets.put(name, socket);
                forgetTheOldest();
            } else if (!socket.owner.equals(owner)) {
                write(name, owner);
                socket.owner = owner;
                socket.server = null;
            }
            socket.usedAt = Instant.now();
            Files.setLastModifiedTime(file(name, OWNER), FileTime.from(socket.usedAt));
            bind(socket);
            return "unix://" + file(name, SOCKET);
        } catch (IOException e) {
            throw Fault.internal("the socket for namespace %s cannot be made", owner.namespace())
                    .causedBy(e);
        } finally {
            lock.unlock();
        }
    }

    /** Also if somebody has removed the socket's file: containerd could not connect. */
    private void bind(Socket socket) throws IOException {
        Path path = file(socket.name, SOCKET);
        if (socket.listener != null && Files.exists(path)) {
            return;
        }
        if (socket.listener != null) {
            socket.listener.close();
        }
        Optional<Fd> former =
                Files.exists(path) ? kept.claim(LISTENER + socket.name) : Optional.empty();
        if (former.isPresent()) {
            socket.listener =
                    UnixListener.over(former.get(), path, "tasks", client -> serve(socket, client));
        } else {
            socket.listener = UnixListener.open(path, "tasks", client -> serve(socket, client));
            kept.keep(LISTENER + socket.name, socket.listener.descriptor());
        }
    }

    private void write(String name, TaskOwner owner) {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("address", owner.address());
        fields.put("namespace", owner.namespace());
        fields.put("events", owner.eventsAddress());
        Path fresh = file(name, ".new");
        try {
            Files.writeString(fresh, FieldFile.format(TITLE, fields));
            Files.move(
                    fresh,
                    file(name, OWNER),
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            delete(fresh);
            throw Fault.resourceExhausted("%s could not be written", file(name, OWNER))
                    .causedBy(e)
                    .withHint("make room in %s", directory);
        }
    }

    private static void delete(Path half) {
        try {
            Files.deleteIfExists(half);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.WARNING, "half a file was left behind file={0}", half);
        }
    }

    private void forgetTheOldest() throws IOException {
        List<Socket> oldest =
                sockets.values().stream()
                        .filter(socket -> !connections.isConnected(socket.name))
                        .sorted(Comparator.comparing(socket -> socket.usedAt))
                        .toList();
        for (Socket socket : oldest) {
            if (sockets.size() <= MOST_OWNERS) {
                return;
            }
            LOG.log(
                    System.Logger.Level.INFO,
                    "an owner of tasks is forgotten address={0} namespace={1}",
                    socket.owner.address(),
                    socket.owner.namespace());
            sockets.remove(socket.name);
            if (socket.listener != null) {
                socket.listener.close();
                kept.drop(LISTENER + socket.name);
            }
            try {
                Files.delete(file(socket.name, OWNER));
            } catch (NoSuchFileException e) {
                // somebody else's doing
            }
        }
    }

    private void serve(Socket socket, UnixConnection client) {
        TtrpcServer server;
        lock.lock();
        try {
            server = serverOf(socket);
        } finally {
            lock.unlock();
        }
        connections.serve(socket.name, client, server);
    }

    private TtrpcServer serverOf(Socket socket) {
        TtrpcServer server = socket.server;
        if (server == null) {
            server = services.apply(socket.owner);
            socket.server = server;
        }
        return server;
    }

    private Path file(String name, String suffix) {
        return directory.resolve(name + suffix);
    }

    /** Short, since a socket's path is, and the same for ever. */
    private static String nameOf(TaskOwner owner) {
        return Digests.shortOf(owner.address(), owner.namespace());
    }

    /**
     * Stops listening here; the owners stay remembered, and whoever has kept the sockets goes on
     * with who connects meanwhile. Idempotent.
     */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            for (Socket socket : sockets.values()) {
                if (socket.listener != null) {
                    socket.listener.letGo();
                }
            }
        } finally {
            lock.unlock();
        }
    }
}
