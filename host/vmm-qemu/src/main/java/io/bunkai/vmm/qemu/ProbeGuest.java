// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.ExitStatus;
import io.bunkai.linux.Fd;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.Pipe;
import io.bunkai.linux.Signals;
import io.bunkai.linux.Spawn;
import io.bunkai.vmm.Accelerator;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Runs the {@link ProbeFirmware} in a QEMU of its own, which is gone when the answer is there. */
final class ProbeGuest {
    /** What QEMU prints when KVM gives up on a guest; it then stays, with the guest held. */
    private static final String GIVEN_UP = "KVM internal error";

    /** More than the firmware and all of QEMU's complaints need. */
    private static final int MOST_CHARS = 64 * 1024;

    private static final int FIRMWARE_DESCRIPTOR = 3;

    private ProbeGuest() {}

    /** How a guest fared. */
    sealed interface Outcome {
        /** It did all that it was to do. */
        record Ran() implements Outcome {}

        /**
         * It did not.
         *
         * @param reason one clause, for people
         */
        record Failed(String reason) implements Outcome {}

        /**
         * It was not done in time, so it either hangs, or the machine is very busy.
         *
         * @param reason one clause, for people
         */
        record Late(String reason) implements Outcome {}
    }

    static List<String> command(Path qemu, Accelerator accelerator) {
        Profile profile = Profile.of(accelerator);
        return List.of(
                qemu.toString(),
                "-no-user-config",
                "-nodefaults",
                "-display",
                "none",
                "-no-reboot",
                "-machine",
                "q35,usb=off,vmport=off,smbus=off,sata=off,hpet=off,smm=off,dump-guest-core=off",
                "-accel",
                profile.accelerator(),
                "-cpu",
                profile.cpu(List.of()),
                "-m",
                "16M",
                "-bios",
                "/proc/self/fd/" + FIRMWARE_DESCRIPTOR,
                "-chardev",
                "stdio,id=steps,signal=off",
                "-device",
                "isa-debugcon,iobase=0x%x,chardev=steps".formatted(ProbeFirmware.STEP_PORT),
                "-device",
                "isa-debug-exit,iobase=0x%x,iosize=4".formatted(ProbeFirmware.EXIT_PORT));
    }

    /**
     * Runs the guest.
     *
     * @throws ErrnoException if QEMU cannot be started
     * @throws IOException if the firmware cannot be put anywhere
     * @throws InterruptedException if the calling thread was interrupted; the guest is gone then
     *     too
     */
    static Outcome run(Path qemu, Accelerator accelerator, Deadline deadline)
            throws IOException, InterruptedException {
        try (var owned = new Closer()) {
            Pipe output = owned.own(Pipe.create());
            Pipe errors = owned.own(Pipe.create());
            LinuxProcess process = owned.own(start(qemu, accelerator, output, errors));
            owned.onClose(() -> end(process));
            output.write().close();
            errors.write().close();
            var givenUp = new CompletableFuture<String>();
            CompletableFuture<String> steps = collect(output.read(), "steps", givenUp);
            CompletableFuture<String> complaints = collect(errors.read(), "errors", givenUp);

            Optional<ExitStatus> status = awaitEndOr(givenUp, process, deadline);
            end(process);
            return judge(status, steps.join().replaceAll("[^a-z]", ""), complaints.join());
        }
    }

    private static LinuxProcess start(Path qemu, Accelerator accelerator, Pipe output, Pipe errors)
            throws IOException {
        Path file = Files.createTempFile("bunkai-probe", ".bin");
        try {
            Files.write(file, ProbeFirmware.image());
            try (Fd firmware = Fd.open(file, Fd.O_RDONLY)) {
                return Spawn.of(command(qemu, accelerator))
                        .newSession()
                        .descriptor(FIRMWARE_DESCRIPTOR, firmware)
                        .stdout(output.write())
                        .stderr(errors.write())
                        .start();
            }
        } finally {
            Files.delete(file); // QEMU reads it through the descriptor
        }
    }

    /** Reads to the end on a thread of its own, since a read of a pipe blocks in the kernel. */
    private static CompletableFuture<String> collect(
            Fd pipe, String what, CompletableFuture<String> givenUp) {
        var all = new CompletableFuture<String>();
        Thread.ofPlatform()
                .daemon()
                .name("probe " + what)
                .start(() -> {
                    var text = new StringBuilder();
                    try (var reader =
                            new BufferedReader(
                                    new InputStreamReader(
                                            pipe.input(), StandardCharsets.ISO_8859_1))) {
                        for (String line = reader.readLine();
                                line != null;
                                line = reader.readLine()) {
                            if (text.length() + line.length() < MOST_CHARS) {
                                text.append(line).append('\n');
                            }
                            if (line.contains(GIVEN_UP)) {
                                givenUp.complete(line);
                            }
                        }
                    } catch (IOException e) {
                        text.append(e.getMessage());
                    }
                    all.complete(text.toString());
                });
        return all;
    }

    /** {@return how QEMU ended by itself, if it did} */
    private static Optional<ExitStatus> awaitEndOr(
            CompletableFuture<String> givenUp, LinuxProcess process, Deadline deadline)
            throws InterruptedException {
        try {
            CompletableFuture.anyOf(givenUp, process.onExit())
                    .get(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            return Optional.empty();
        } catch (ExecutionException e) {
            throw new IllegalStateException("QEMU could not be waited for", e);
        }
        return givenUp.isDone() ? Optional.empty() : Optional.of(process.await());
    }

    private static void end(LinuxProcess process) throws ErrnoException, InterruptedException {
        process.signal(Signals.SIGKILL);
        process.await();
    }

    private static Outcome judge(Optional<ExitStatus> status, String steps, String complaints) {
        if (status.equals(Optional.of(new ExitStatus(ProbeFirmware.EXIT_STATUS, 0)))
                && steps.equals(ProbeFirmware.ALL_STEPS)) {
            return new Outcome.Ran();
        }
        String where = "a probe guest stopped " + ProbeFirmware.lastStep(steps);
        String firstComplaint = firstComplaint(complaints);
        if (complaints.contains(GIVEN_UP)) {
            return new Outcome.Failed(where + ": " + firstComplaint);
        }
        if (status.isEmpty()) {
            return new Outcome.Late(where + ": it was not done in time");
        }
        String why = firstComplaint.isEmpty() ? status.get().toString() : firstComplaint;
        return new Outcome.Failed(where + ": " + why);
    }

    /** The first line that is more than a warning; the last ones are often only about a crash. */
    private static String firstComplaint(String complaints) {
        return complaints
                .lines()
                .filter(line -> !line.isBlank() && !line.contains("warning: "))
                .findFirst()
                .map(line -> line.replaceFirst("^qemu-system-[a-z0-9_]+: ", ""))
                .orElse("");
    }
}
