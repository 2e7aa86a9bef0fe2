// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.linux.Fd;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.UnixConnection;
import io.bunkai.linux.UnixSockets;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Who asks to take over: a daemon of the same user, run by a program that nobody else could have
 * changed.
 */
final class Newcomer {
    private static final System.Logger LOG = System.getLogger(Newcomer.class.getName());
    private static final String MAIN = "io.bunkai.daemon/io.bunkai.daemon.BunkaidMain";
    private static final int ROOT = 0;

    private Newcomer() {}

    /** {@return the process on the other side; empty if it may not take over} */
    static Optional<ProcessIdentity> of(Fd socket) throws IOException {
        UnixConnection.Peer peer = UnixSockets.peer(socket);
        Optional<ProcessIdentity> process = ProcessIdentity.of(peer.pid());
        int self = (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        if (process.isEmpty() || peer.uid() != self) {
            return Optional.empty();
        }
        Path proc = Path.of("/proc", Integer.toString(peer.pid()));
        try {
            boolean trusted = isDaemon(proc) && isUnchangeable(proc.resolve("exe"), self);
            // Looked at by number: it has to be the same process still.
            return trusted && process.get().isAlive() ? process : Optional.empty();
        } catch (IOException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "who asks to take over cannot be looked at pid={0} reason={1}",
                    Integer.toString(peer.pid()),
                    e.getMessage());
            return Optional.empty();
        }
    }

    private static boolean isDaemon(Path proc) throws IOException {
        String line =
                new String(Files.readAllBytes(proc.resolve("cmdline")), StandardCharsets.UTF_8);
        return List.of(line.split("\0")).contains(MAIN);
    }

    /** The file that runs, whatever has become of its name. */
    private static boolean isUnchangeable(Path exe, int self) throws IOException {
        int owner = (int) Files.getAttribute(exe, "unix:uid");
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(exe);
        return (owner == ROOT || owner == self)
                && !permissions.contains(PosixFilePermission.GROUP_WRITE)
                && !permissions.contains(PosixFilePermission.OTHERS_WRITE);
    }
}
