// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * The folder that one daemon keeps everything in, and what the command line needs to know of it.
 *
 * @param path absolute
 */
record StateRoot(Path path) {
    /** What fits in the kernel's sockaddr_un, without its closing zero. */
    private static final int LONGEST_SOCKET_PATH = 107;

    StateRoot {
        path = path.normalize();
    }

    Path controlSocket() {
        return path.resolve("run/control.sock");
    }

    /** Held by the daemon as long as it lives. */
    Path daemonLock() {
        return path.resolve("run/bunkaid.lock");
    }

    /** Held by whoever starts a daemon, until that answers. */
    Path startLock() {
        return path.resolve("run/start.lock");
    }

    /** Says that a service manager starts the daemon, and nobody else may. */
    Path managed() {
        return path.resolve("run/managed");
    }

    Path log() {
        return path.resolve("log/bunkaid.log");
    }

    /**
     * Checks that a socket can live here.
     *
     * @throws Fault INVALID_ARGUMENT if the path is too long for the kernel
     */
    void check() {
        int length = controlSocket().toString().getBytes(StandardCharsets.UTF_8).length;
        if (length > LONGEST_SOCKET_PATH) {
            throw Fault.invalidArgument(
                            "the state root %s is too deep: the path of its socket has %d bytes,"
                                    + " and the kernel takes %d",
                            path, length, LONGEST_SOCKET_PATH)
                    .withHint("name a shorter one with --state-root or BUNKAI_ROOT");
        }
    }

    /** Makes the folders that are needed before there is a daemon. */
    void create() {
        try {
            var ownerOnly =
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------"));
            Files.createDirectories(path.resolve("run"), ownerOnly);
            Files.createDirectories(path.resolve("log"), ownerOnly);
        } catch (IOException e) {
            throw Fault.unavailable("the state root %s cannot be made", path).causedBy(e);
        }
    }
}
