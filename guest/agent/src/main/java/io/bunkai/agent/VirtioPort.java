// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.api.GuestChannel;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.Edges;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
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
 *
 * <p>A port can be opened once only. The init script hands it over as standard input where it is
 * there already; then the Java library can read and write it, and the first native call, whose
 * linking is a tenth of an emulated guest's start, is not on the way to an agent that answers.
 */
final class VirtioPort {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final long NAP_MILLIS = 5;

    private final InputStream in;
    private final OutputStream out;
    private final @Nullable Fd opened; // none: it is the standard input
    private @Nullable Edges edges; // once there was nothing to read; the reading thread's alone

    private VirtioPort(InputStream in, OutputStream out, @Nullable Fd opened) {
        this.in = in;
        this.out = out;
        this.opened = opened;
    }

    /**
     * Opens the port with this name. The machine's devices may still be appearing.
     *
     * @throws Fault DEADLINE_EXCEEDED if there is no such port
     */
    static VirtioPort open(String name, GuestLayout places)
            throws ErrnoException, InterruptedException {
        Deadline deadline = Deadline.after(PATIENCE);
        while (true) {
            Path node = find(name, places.sys(), places.dev());
            if (node != null && Files.exists(node)) {
                return isStandardInput(node, places.proc()) ? ofStandardInput() : open(node);
            }
            if (deadline.hasPassed()) {
                throw Fault.deadlineExceeded("no virtio-serial port %s", name);
            }
            Thread.sleep(NAP_MILLIS);
        }
    }

    private static VirtioPort ofStandardInput() {
        return new VirtioPort(
                new FileInputStream(FileDescriptor.in),
                new FileOutputStream(FileDescriptor.in),
                null);
    }

    private static VirtioPort open(Path node) throws ErrnoException {
        Fd fd = Fd.open(node, Fd.O_RDWR | Fd.O_NOCTTY);
        return new VirtioPort(fd.input(), fd.output(), fd);
    }

    static boolean isStandardInput(Path node, Path proc) {
        try {
            return Files.readSymbolicLink(proc.resolve("self/fd/0")).equals(node);
        } catch (IOException e) {
            return false; // closed, or something without a name
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
        return new GuestChannel(in, out, this::awaitHost);
    }

    private void awaitHost(int silences) {
        try {
            if (edges == null) {
                edges = Edges.of(opened == null ? Fd.standardInput() : opened);
            }
            edges.await();
        } catch (ErrnoException e) {
            throw Fault.unavailable("the port cannot be watched").causedBy(e);
        }
    }
}
