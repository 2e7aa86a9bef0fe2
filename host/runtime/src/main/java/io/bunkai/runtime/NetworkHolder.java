// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Fault;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.Pipe;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Spawn;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * The process that stands for a container among the host's processes. It sleeps, in the container's
 * network namespace: hooks and tools that are told a container's number look for that namespace in
 * {@code /proc/PID/ns/net}. It is ended with the machine.
 */
final class NetworkHolder {
    /** Says a byte once it is where it should be. */
    private static final String SCRIPT = "echo; exec sleep infinity >/dev/null 2>&1";

    private static final int LONGEST_COMPLAINT = 1000;

    private NetworkHolder() {}

    /**
     * Starts the process; when this returns, it is in its namespace.
     *
     * @param procsFiles the {@code cgroup.procs} files of the control groups in which it lives
     * @throws Fault FAILED_PRECONDITION if the namespace cannot be entered, UNAVAILABLE if no
     *     process can be started
     */
    static ProcessIdentity start(Plan.Holder holder, List<Path> procsFiles) {
        try (Pipe ready = Pipe.create();
                Pipe complaints = Pipe.create()) {
            LinuxProcess process =
                    Spawn.of(command(holder))
                            .environment(List.of("PATH=/usr/sbin:/usr/bin:/sbin:/bin"))
                            .directory(Path.of("/"))
                            .newSession()
                            .cgroups(procsFiles)
                            .stdout(ready.write())
                            .stderr(complaints.write())
                            .start();
            // Reaps it, whenever it ends.
            CompletableFuture<Void> _ = process.onExit().thenRun(process::close);
            ready.write().close();
            complaints.write().close();
            if (ready.read().read(new byte[1], 0, 1) == 0) {
                throw Fault.failedPrecondition(
                                "the network namespace %s cannot be entered: %s",
                                holder.networkNamespace(), complaint(complaints.read()))
                        .withHint("make the namespace first, or name none to get a new one");
            }
            return process.identity();
        } catch (ErrnoException e) {
            throw Fault.unavailable("the process that holds the network namespace did not start")
                    .causedBy(e);
        }
    }

    private static List<String> command(Plan.Holder holder) {
        List<String> command = new ArrayList<>();
        if (holder.networkNamespace().isEmpty()) {
            command.addAll(List.of("/usr/bin/unshare", "--net", "--"));
        } else {
            command.addAll(List.of("/usr/bin/nsenter", "--net=" + holder.networkNamespace(), "--"));
        }
        command.addAll(List.of("/bin/sh", "-c", SCRIPT));
        return command;
    }

    private static String complaint(Fd from) throws ErrnoException {
        byte[] text = new byte[LONGEST_COMPLAINT];
        int length = from.read(text, 0, text.length);
        return GuestText.printable(new String(text, 0, length, StandardCharsets.UTF_8).strip());
    }
}
