// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.ExitStatus;
import io.bunkai.linux.Fd;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Processes;
import io.bunkai.linux.Signals;
import io.bunkai.linux.Spawn;
import io.bunkai.linux.UnixSockets;
import io.bunkai.qmp.QmpVersion;
import io.bunkai.vmm.Beginning;
import io.bunkai.vmm.Hypervisor;
import io.bunkai.vmm.LaunchCommand;
import io.bunkai.vmm.LaunchCommand.Inherited;
import io.bunkai.vmm.VirtualMachine;
import io.bunkai.vmm.VirtualMachineSpec;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Makes machines of QEMU processes.
 *
 * <p>QEMU gets a session of its own, and only the environment and the descriptors that its command
 * names. Its sockets are made and begin to listen before it starts, so connecting to it never needs
 * a second attempt.
 */
public final class QemuHypervisor implements Hypervisor {
    /** QEMU often says what went wrong on one line, and what that means on the next. */
    private static final int LINES_IN_CAUSE = 3;

    private static final Duration REAP = Duration.ofSeconds(10);

    /** The program, {@code -name}, and the machine's name. */
    private static final int WORDS_OF_IDENTITY = 3;

    private final QemuVersions versions = new QemuVersions(QemuVersionOutput::ask);

    @Override
    public String description(Path program, Deadline deadline) {
        return versions.of(program, deadline);
    }

    @Override
    public LaunchCommand command(VirtualMachineSpec spec, Beginning beginning) {
        return QemuCommandLine.of(spec, beginning);
    }

    @Override
    public VirtualMachine launch(VirtualMachineSpec spec, Beginning beginning, Deadline deadline) {
        LaunchCommand command = command(spec, beginning);
        long started = System.nanoTime();
        prepareDirectory(spec);
        try (var undo = new Closer()) {
            undo.onClose(() -> QemuMachine.removeSockets(spec));
            Diagnostics.Start output = Diagnostics.create();
            Diagnostics diagnostics = undo.own(output.diagnostics());
            LinuxProcess process = undo.own(start(spec, command, output.standardError()));
            undo.onClose(() -> end(process));
            try {
                QemuMachine machine = QemuMachine.connect(spec, process, diagnostics, deadline);
                if (beginning instanceof Beginning.Copy) {
                    machine.thaw(QemuCommandLine.devices(command), deadline);
                }
                undo.release(); // the machine owns all of it
                return machine;
            } catch (InterruptedIOException e) {
                throw Fault.deadlineExceeded("machine %s did not come up in time", spec.id())
                        .causedBy(e);
            } catch (IOException e) {
                throw didNotComeUp(spec, process, diagnostics, started, e);
            }
        } catch (ErrnoException e) {
            throw notStarted(spec, e);
        }
    }

    /** Only its owner can reach the sockets, whatever their own permissions were at some moment. */
    private static void prepareDirectory(VirtualMachineSpec spec) {
        try {
            Files.createDirectories(spec.directory());
            Files.setPosixFilePermissions(
                    spec.directory(), PosixFilePermissions.fromString("rwx------"));
        } catch (IOException e) {
            throw Fault.internal(
                            "machine %s has no directory for its sockets: %s",
                            spec.id(), spec.directory())
                    .causedBy(e);
        }
        QemuMachine.removeSockets(spec);
    }

    private static LinuxProcess start(
            VirtualMachineSpec spec, LaunchCommand command, Fd standardError)
            throws ErrnoException {
        Spawn spawn =
                Spawn.of(command.arguments())
                        .environment(command.environment())
                        .directory(command.directory())
                        .newSession()
                        .cgroups(spec.cgroupProcsFiles())
                        .stderr(standardError);
        try (var open = new Closer()) {
            open.own(standardError);
            for (Inherited inherited : command.inherited()) {
                spawn.descriptor(inherited.descriptor(), open.own(open(inherited)));
            }
            return spawn.start();
        }
    }

    private static Fd open(Inherited inherited) throws ErrnoException {
        return switch (inherited.mode()) {
            case READ -> Fd.open(inherited.file(), Fd.O_RDONLY | Fd.O_NOCTTY);
            case READ_WRITE -> Fd.open(inherited.file(), Fd.O_RDWR | Fd.O_NOCTTY);
            case CLAIM -> claim(inherited.file());
            case LISTEN -> UnixSockets.listenForOwner(inherited.file());
            case CONNECT -> UnixSockets.connect(inherited.file());
        };
    }

    /** What is claimed stays so while QEMU has it open. */
    private static Fd claim(Path device) throws ErrnoException {
        try {
            return Fd.open(device, Fd.O_RDWR | Fd.O_EXCL | Fd.O_NOCTTY);
        } catch (ErrnoException e) {
            Fault fault =
                    switch (e.errno()) {
                        case Errno.EBUSY ->
                                Fault.failedPrecondition(
                                                "the block device %s is in use: it is mounted or"
                                                        + " swapped to, a part of it is, or another"
                                                        + " machine writes to it",
                                                device)
                                        .withHint(
                                                "unmount it, or give it to the container for"
                                                        + " reading only");
                        case Errno.EACCES, Errno.EROFS, Errno.EPERM ->
                                Fault.failedPrecondition(
                                                "the block device %s cannot be written to", device)
                                        .withHint("give it to the container for reading only");
                        default -> throw e;
                    };
            throw fault.causedBy(e);
        }
    }

    /** The connection broke: QEMU has ended, or is about to, and has said why. */
    private static Fault didNotComeUp(
            VirtualMachineSpec spec,
            LinuxProcess process,
            Diagnostics diagnostics,
            long started,
            IOException cause) {
        Optional<ExitStatus> status = awaitQuietly(process, Deadline.after(Duration.ofSeconds(1)));
        long millis = Duration.ofNanos(System.nanoTime() - started).toMillis();
        diagnostics.drain();
        String said =
                diagnostics.lastLines().stream()
                        .skip(Math.max(0, diagnostics.lastLines().size() - LINES_IN_CAUSE))
                        .map(line -> readable(line, spec))
                        .collect(Collectors.joining("; "));
        IOException why = said.isEmpty() ? cause : new IOException(said, cause);
        String how =
                status.map(ended -> "QEMU " + ended + " after " + millis + " ms")
                        .orElse("QEMU hung up");
        return Fault.unavailable("machine %s did not come up: %s", spec.id(), how).causedBy(why);
    }

    /**
     * {@code 2026-11-23T00:46:52.002287Z qemu-system-x86_64: why}: the reason is the last part. The
     * files that it speaks of get their own names back.
     */
    private static String readable(String line, VirtualMachineSpec spec) {
        String text =
                line.replaceFirst("^[0-9T:.Z-]+ ", "")
                        .replaceFirst("^qemu(-system-[a-z0-9_]+)?: ", "");
        for (int set = spec.disks().size(); set >= 1; set--) {
            String file = spec.disks().get(set - 1).file().toString();
            text = text.replace(QemuCommandLine.setPath(set), file);
        }
        for (Inherited inherited :
                QemuCommandLine.of(spec, Beginning.BOOT).inherited().reversed()) {
            text =
                    text.replace(
                            QemuCommandLine.descriptorPath(inherited.descriptor()),
                            inherited.file().toString());
        }
        return text;
    }

    private static Fault notStarted(VirtualMachineSpec spec, ErrnoException e) {
        Fault fault =
                e.errno() == Errno.ENOENT
                        ? Fault.notFound(
                                        "machine %s was not started: its kernel, a disk or the"
                                                + " hypervisor is missing",
                                        spec.id())
                                .withHint(
                                        "build the guest anew, or correct kernel, image and path in"
                                                + " configuration.toml")
                        : Fault.unavailable("machine %s was not started", spec.id());
        return fault.causedBy(e);
    }

    private static void end(LinuxProcess process) throws ErrnoException {
        process.signal(Signals.SIGKILL);
        awaitQuietly(process, Deadline.after(REAP));
    }

    private static Optional<ExitStatus> awaitQuietly(LinuxProcess process, Deadline deadline) {
        try {
            return process.await(deadline);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }

    @Override
    public Optional<ProcessIdentity> find(VirtualMachineSpec spec) {
        // What differs between a machine that boots and a copy comes later.
        List<String> wanted = command(spec).arguments().subList(0, WORDS_OF_IDENTITY);
        try {
            return Processes.withArguments(wanted).stream()
                    .filter(process -> worksIn(process, spec.directory()))
                    .findFirst();
        } catch (ErrnoException e) {
            throw Fault.internal("the machine's processes cannot be listed").causedBy(e);
        }
    }

    /**
     * Before it becomes QEMU, the process may still be the shell that enters the cgroups, which has
     * QEMU's arguments after its own. The directory tells two machines of different state roots
     * apart.
     */
    private static boolean worksIn(ProcessIdentity process, Path directory) {
        try {
            return Files.readSymbolicLink(Path.of("/proc", Integer.toString(process.pid()), "cwd"))
                    .equals(directory.toRealPath());
        } catch (IOException e) {
            return false; // it has ended, or is not ours to look at
        }
    }

    @Override
    public VirtualMachine adopt(
            VirtualMachineSpec spec, ProcessIdentity identity, Deadline deadline) {
        try (var undo = new Closer()) {
            LinuxProcess process = undo.own(LinuxProcess.adopt(identity));
            Diagnostics diagnostics = undo.own(Diagnostics.of(identity));
            QemuMachine machine = QemuMachine.connect(spec, process, diagnostics, deadline);
            undo.release();
            return machine;
        } catch (ErrnoException e) {
            throw Fault.notFound("machine %s, process %d, has ended", spec.id(), identity.pid())
                    .causedBy(e);
        } catch (InterruptedIOException e) {
            throw Fault.deadlineExceeded("machine %s did not answer in time", spec.id())
                    .causedBy(e)
                    .withHint("see that no other daemon holds it");
        } catch (IOException e) {
            throw Fault.unavailable("machine %s cannot be reached", spec.id()).causedBy(e);
        }
    }

    static String describe(QmpVersion version) {
        String name = "QEMU " + version;
        return version.distribution().isEmpty() ? name : name + " (" + version.distribution() + ")";
    }
}
