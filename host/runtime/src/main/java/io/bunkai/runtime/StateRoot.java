// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * Where one daemon keeps everything. Two daemons never share a root.
 *
 * @param path absolute and without symbolic links
 */
public record StateRoot(Path path) {
    /** The kernel's limit for a socket's path, without the NUL. */
    private static final int LONGEST_SOCKET_PATH = 107;

    /** {@code /run/sandboxes/0123456789abcdef/console.sock}. */
    private static final int LONGEST_BELOW = 15 + 16 + 13;

    /**
     * {@return the root at {@code path}, which is made if it is not there}
     *
     * @throws Fault INVALID_ARGUMENT if the path is too long for sockets beneath it, INTERNAL if it
     *     cannot be made
     */
    public static StateRoot open(Path path) {
        try {
            Files.createDirectories(path);
            Path real = path.toRealPath();
            int bytes = real.toString().getBytes(StandardCharsets.UTF_8).length;
            if (bytes > LONGEST_SOCKET_PATH - LONGEST_BELOW) {
                throw Fault.invalidArgument(
                                "the state root %s is too long: sockets beneath it would exceed the"
                                        + " kernel's limit of %d bytes",
                                real, LONGEST_SOCKET_PATH)
                        .withHint(
                                "choose one of at most %d bytes with --state-root",
                                LONGEST_SOCKET_PATH - LONGEST_BELOW);
            }
            StateRoot root = new StateRoot(real);
            for (Path directory : new Path[] {root.run(), root.library(), root.logs()}) {
                Files.createDirectories(directory);
                Files.setPosixFilePermissions(
                        directory, PosixFilePermissions.fromString("rwx------"));
            }
            return root;
        } catch (IOException e) {
            throw Fault.internal("the state root %s cannot be used", path).causedBy(e);
        }
    }

    /** {@return what lives as long as the machine is up: sockets, locks, journals} */
    public Path run() {
        return path.resolve("run");
    }

    /** {@return what outlives a reboot: images, kept output} */
    public Path library() {
        return path.resolve("lib");
    }

    /** {@return the daemon's own logs} */
    public Path logs() {
        return path.resolve("log");
    }

    /** {@return one directory per container: its journal, its machine's sockets} */
    public Path sandboxes() {
        return run().resolve("sandboxes");
    }

    /** {@return one directory per container: what its process wrote} */
    public Path outputs() {
        return library().resolve("outputs");
    }

    /** {@return the store of image disks} */
    public Path images() {
        return library().resolve("images");
    }

    /** {@return answers that are dear to find out} */
    public Path cache() {
        return library().resolve("cache");
    }

    /** {@return the socket that commands are sent to} */
    public Path controlSocket() {
        return run().resolve("control.sock");
    }

    /** {@return the socket that streams are connected to} */
    public Path streamSocket() {
        return run().resolve("io.sock");
    }

    /** {@return the file whose lock proves that a daemon lives} */
    public Path lockFile() {
        return run().resolve("bunkaid.lock");
    }
}
