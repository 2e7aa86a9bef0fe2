// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.ExitStatus;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.Pipe;
import io.bunkai.linux.Signals;
import io.bunkai.linux.Spawn;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a QEMU program says about itself without making a machine. */
final class QemuVersionOutput {
    private static final Pattern FIRST_LINE =
            Pattern.compile("QEMU emulator version ([0-9.]+)(?: \\((.*)\\))?");

    private QemuVersionOutput() {}

    static String ask(Path program, Deadline deadline) {
        try (Pipe pipe = Pipe.create();
                LinuxProcess process =
                        Spawn.of(program.toString(), "--version").stdout(pipe.write()).start()) {
            // Two lines fit into the pipe, so the process ends whether they are read or not.
            Optional<ExitStatus> status = process.await(deadline);
            if (status.isEmpty()) {
                process.signal(Signals.SIGKILL);
                process.await();
                throw Fault.deadlineExceeded("%s did not tell its version in time", program);
            }
            pipe.write().close();
            byte[] output = new byte[1024];
            int length = pipe.read().read(output, 0, output.length);
            return describe(program, new String(output, 0, length, StandardCharsets.UTF_8));
        } catch (ErrnoException e) {
            throw Fault.unavailable("%s cannot be run", program)
                    .causedBy(e)
                    .withHint(
                            "install QEMU (Debian: qemu-system-x86), or name one in the"
                                    + " configuration");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Fault.unavailable("%s was not waited for", program).causedBy(e);
        }
    }

    static String describe(Path program, String output) {
        Matcher matcher = FIRST_LINE.matcher(output.lines().findFirst().orElse(""));
        if (!matcher.matches()) {
            throw Fault.unavailable("%s is not QEMU", program)
                    .causedBy(new IOException("its version reads: " + output.strip()));
        }
        String name = "QEMU " + matcher.group(1);
        return matcher.group(2) == null ? name : name + " (" + matcher.group(2) + ")";
    }
}
