// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.ProcessIdentity;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A process of a container: its number, its streams, its end. Lives on as a record after the
 * process has ended, until the container is removed. Thread-safe.
 */
final class GuestProcess implements AutoCloseable {
    private final String id;
    private final int pid;
    private final Exit exit;
    private final ProcessIo io;
    private final @Nullable LinuxProcess handle;

    GuestProcess(String id, int pid, Exit exit, ProcessIo io, Signal ended) {
        this.id = id;
        this.pid = pid;
        this.exit = exit;
        this.io = io;
        this.handle = adopt(pid);
        exit.onExit(() -> {
            ended.raise();
            if (handle != null) {
                handle.close();
            }
            io.closeStdin();
        });
    }

    private static @Nullable LinuxProcess adopt(int pid) {
        try {
            Optional<ProcessIdentity> identity = ProcessIdentity.of(pid);
            return identity.isEmpty() ? null : LinuxProcess.adopt(identity.get());
        } catch (ErrnoException e) {
            return null; // it has ended already
        }
    }

    String id() {
        return id;
    }

    int pid() {
        return pid;
    }

    Exit exit() {
        return exit;
    }

    ProcessIo io() {
        return io;
    }

    boolean hasEnded() {
        return exit.status().isPresent();
    }

    /** {@return whether there was a process to send the signal to} */
    boolean signal(int signal) throws ErrnoException {
        if (handle == null || hasEnded()) {
            return false;
        }
        try {
            return handle.signal(signal);
        } catch (IllegalStateException e) {
            return false; // it ended just now, and the handle was closed
        }
    }

    @Override
    public void close() {
        io.close();
    }
}
