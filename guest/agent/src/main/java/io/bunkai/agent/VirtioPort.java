// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.api.GuestChannel;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.Edges;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The virtio-serial port to the host.
 *
 * <p>While no host process is connected the port reads as empty and polls as ready, for ever; what
 * tells that one has come is a change, so it is changes that are waited for. A waiting agent uses
 * no processor time and answers at once.
 */
final class VirtioPort {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final long NAP_MILLIS = 5;

    private final Fd fd;
    private final Edges edges;

    private VirtioPort(Fd fd, Edges edges) {
        this.fd = fd;
        this.edges = edges;
    }

    /**
     * Opens the port with this name. The machine's devices may still be appearing.
     *
     * @throws Fault DEADLINE_EXCEEDED if there is no such port
     */
    static VirtioPort open(String name, Path sys, Path dev)
            throws ErrnoException, InterruptedException {
        Deadline deadline = Deadline.after(PATIENCE);
        while (true) {
            Path node = find(name, sys, dev);
            if (node != null && Files.exists(node)) {
                Fd fd = Fd.open(node, Fd.O_RDWR | Fd.O_NOCTTY);
                return new VirtioPort(fd, Edges.of(fd));
            }
            if (deadline.hasPassed()) {
                throw Fault.deadlineExceeded("no virtio-serial port %s", name);
            }
            Thread.sleep(NAP_MILLIS);
        }
    }

    static @Nullable Path find(String name, Path sys, Path dev) {
        Path ports = sys.resolve("class/virtio-ports");
        String[] nodes = ports.toFile().list();
        if (nodes != null) {
            for (String node : nodes) {
                try {
                    Path file = ports.resolve(node).resolve("name");
                    if (Files.readString(file, StandardCharsets.UTF_8).strip().equals(name)) {
                        return dev.resolve(node);
                    }
                } catch (IOException e) {
                    // a port without a name
                }
            }
        }
        return null;
    }

    /** {@return the agent's end of the protocol that tells sessions apart} */
    GuestChannel channel() {
        return new GuestChannel(fd.input(), fd.output(), this::awaitHost);
    }

    private void awaitHost(int silences) {
        try {
            edges.await();
        } catch (ErrnoException e) {
            throw Fault.unavailable("the port cannot be watched").causedBy(e);
        }
    }
}
