// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.Closer;
import io.bunkai.base.Fault;
import io.bunkai.linux.Confinement;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.LockFile;
import io.bunkai.linux.UnixSockets;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;

/**
 * Where the machine monitor connects: a socket in the file system, or one that this process was
 * started with. One connection is served; then the process ends.
 */
final class Endpoint implements AutoCloseable {
    private final Fd socket;
    private final Optional<LockFile> lock;

    private Endpoint(Fd socket, Optional<LockFile> lock) {
        this.socket = socket;
        this.lock = lock;
    }

    /**
     * Takes a socket over, or makes one.
     *
     * @throws Fault if that is not possible
     */
    static Endpoint open(ServerOptions options) {
        try {
            if (options.fd().isPresent()) {
                return new Endpoint(Fd.inherited(options.fd().getAsInt()), Optional.empty());
            }
            Path path = options.socketPath().orElseThrow();
            try (Closer undo = new Closer()) {
                LockFile lock = undo.own(lock(path));
                Fd socket = undo.own(listen(path, options.socketGroup()));
                undo.release();
                return new Endpoint(socket, Optional.of(lock));
            }
        } catch (IOException e) {
            throw Fault.failedPrecondition("there is no socket to wait on").causedBy(e);
        }
    }

    /**
     * {@return the socket that limits are changed by, if there is to be one; the caller closes it}
     *
     * @throws Fault if it cannot be had
     */
    static Optional<Fd> openControl(ServerOptions options) {
        try {
            if (options.controlFd().isPresent()) {
                int number = options.controlFd().getAsInt();
                Fd socket = Fd.inherited(number);
                if (!UnixSockets.isListening(socket)) {
                    throw Fault.invalidArgument("--control-fd=%d does not listen", number);
                }
                return Optional.of(socket);
            }
            if (options.controlSocket().isPresent()) {
                int before = Confinement.umask(0077); // nobody else connects before the mode is set
                try {
                    return Optional.of(UnixSockets.listenForOwner(options.controlSocket().get()));
                } finally {
                    Confinement.umask(before);
                }
            }
            return Optional.empty();
        } catch (ErrnoException e) {
            throw Fault.failedPrecondition("there is no socket to be controlled by").causedBy(e);
        }
    }

    /** The lock proves that the process lives whose number the file has. */
    private static LockFile lock(Path socket) throws IOException {
        Path file = Path.of(socket + ".pid");
        LockFile lock =
                LockFile.tryAcquire(file)
                        .orElseThrow(() ->
                                Fault.alreadyExists("another process serves %s already", socket)
                                        .withHint("its number is in %s", file));
        Files.writeString(file, ProcessHandle.current().pid() + "\n", StandardCharsets.US_ASCII);
        return lock;
    }

    private static Fd listen(Path path, Optional<String> group) throws IOException {
        Files.deleteIfExists(path);
        int before = Confinement.umask(group.isPresent() ? 0007 : 0077);
        try (Closer undo = new Closer()) {
            Fd socket = undo.own(UnixSockets.listen(path));
            if (group.isPresent()) {
                GroupPrincipal principal =
                        path.getFileSystem()
                                .getUserPrincipalLookupService()
                                .lookupPrincipalByGroupName(group.get());
                PosixFileAttributeView view =
                        Files.getFileAttributeView(path, PosixFileAttributeView.class);
                view.setGroup(principal);
                view.setPermissions(PosixFilePermissions.fromString("rwxrwx---"));
            }
            undo.release();
            return socket;
        } finally {
            Confinement.umask(before);
        }
    }

    /** {@return the one connection, which the caller closes} Waits for it. */
    Fd accept() {
        try {
            if (!UnixSockets.isListening(socket)) {
                return socket.duplicate();
            }
            return UnixSockets.accept(socket);
        } catch (ErrnoException e) {
            throw Fault.unavailable("nobody could connect").causedBy(e);
        } finally {
            socket.close(); // whoever comes later is told at once that nobody listens
        }
    }

    @Override
    public void close() {
        socket.close();
        lock.ifPresent(LockFile::close);
    }
}
