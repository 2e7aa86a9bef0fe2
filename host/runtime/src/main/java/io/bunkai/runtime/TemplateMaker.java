// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.api.HostChannel;
import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.NanoClock;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.ProcessTime;
import io.bunkai.linux.SharedMemory;
import io.bunkai.linux.Signals;
import io.bunkai.vmm.Beginning;
import io.bunkai.vmm.Hypervisor;
import io.bunkai.vmm.VirtualMachine;
import io.bunkai.vmm.VirtualMachineSpec;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/**
 * Makes templates: boots a machine up to an agent that answers, lets it have a container that
 * nobody has asked for, and freezes it.
 *
 * <p>Its machine has a folder of its own, {@code run/templates/<key>}, from before it is started
 * until after it has ended, so that a later daemon finds what this one has left.
 */
final class TemplateMaker {
    private static final System.Logger LOG = System.getLogger(TemplateMaker.class.getName());
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration END = Duration.ofSeconds(10);

    /** A guest is quiet that computes no more than this in so long. An idle one needs 0.5 ms. */
    private static final Duration QUIET = Duration.ofMillis(2);

    private static final Duration QUIET_WINDOW = Duration.ofMillis(100);
    private static final Duration QUIET_PATIENCE = Duration.ofSeconds(3);
    private static final String PROCESS = "process";
    private static final String GROUP = "template-";

    private final Path machines;
    private final TemplateStore store;
    private final Hypervisor hypervisor;
    private final HostCgroups cgroups;
    private final NanoClock clock;

    TemplateMaker(
            Path machines,
            TemplateStore store,
            Hypervisor hypervisor,
            HostCgroups cgroups,
            NanoClock clock) {
        this.machines = machines;
        this.store = store;
        this.hypervisor = hypervisor;
        this.cgroups = cgroups;
        this.clock = clock;
    }

    /**
     * {@return a template for machines like this one}
     *
     * @throws Fault what booting it throws; nothing is left of it then
     * @throws IOException if it cannot be kept; likewise
     */
    TemplateStore.Template make(TemplateShape shape, VirtualMachineSpec like) throws IOException {
        Path home = machines.resolve(shape.key());
        List<Path> groups = cgroups.of(GROUP + shape.key());
        VirtualMachineSpec machine =
                shape.template(
                        like,
                        GROUP + shape.key(),
                        home,
                        HostCgroups.procsFiles(groups),
                        store.empty());
        Deadline deadline = Deadline.after(like.accelerator().patience(PATIENCE));
        try (Closer undo = new Closer()) {
            Path folder = store.begin(shape);
            undo.onClose(() -> TemplateStore.discard(folder));
            Files.createDirectories(home);
            undo.onClose(() -> remove(home));
            HostCgroups.create(groups);
            HostCgroups.putIntoBackground(groups); // containers come first
            Fd memory = undo.own(FrozenMemory.create(like.memory().size().bytes()));
            freeze(machine, memory, folder, deadline);
            SharedMemory.seal(memory);
            return store.complete(shape, folder, memory);
        }
    }

    private void freeze(VirtualMachineSpec spec, Fd memory, Path folder, Deadline deadline)
            throws IOException {
        try (VirtualMachine machine =
                hypervisor.launch(spec, new Beginning.Template(memory.path()), deadline)) {
            ProcessIdentity process = machine.identity();
            Files.writeString(
                    spec.directory().resolve(PROCESS), process.pid() + " " + process.startTicks());
            try (AgentConnection agent =
                    new AgentConnection(
                            spec.id(), machine.agentSocket(), HostChannel.Wire.FRESH, clock)) {
                machine.resume(deadline);
                agent.awaitReady(deadline);
                WarmUp.run(agent, spec, deadline);
            }
            awaitQuiet(process);
            machine.freeze(TemplateStore.devicesIn(folder), deadline);
            end(process, deadline); // memory that somebody can write to cannot be sealed
        }
    }

    /** Waits until the guest has done what it still had to: each clone would do it anew. */
    private static void awaitQuiet(ProcessIdentity process) {
        Deadline patience = Deadline.after(QUIET_PATIENCE);
        Duration before = ProcessTime.ofThreads(process.pid());
        while (!patience.hasPassed()) {
            LockSupport.parkNanos(QUIET_WINDOW.toNanos());
            Duration now = ProcessTime.ofThreads(process.pid());
            if (now.minus(before).compareTo(QUIET) < 0) {
                return;
            }
            before = now;
        }
    }

    /** Removes what a former daemon has left of machines that were to become templates. */
    void removeRemains() {
        try {
            Files.createDirectories(machines);
            try (DirectoryStream<Path> homes = Files.newDirectoryStream(machines)) {
                for (Path home : homes) {
                    remove(home);
                }
            }
        } catch (IOException e) {
            throw Fault.internal("%s cannot be used", machines).causedBy(e);
        }
    }

    /**
     * Ends a machine and removes what it left on the host, also on a thread that is interrupted.
     */
    private void remove(Path home) throws IOException {
        boolean interrupted = Thread.interrupted();
        try {
            removeNow(home);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void removeNow(Path home) throws IOException {
        List<Path> groups = cgroups.of(GROUP + home.getFileName());
        List<ProcessIdentity> processes = new ArrayList<>();
        noted(home).ifPresent(processes::add);
        for (int pid : HostCgroups.processes(groups)) {
            ProcessIdentity.of(pid).ifPresent(processes::add);
        }
        Deadline deadline = Deadline.after(END);
        for (ProcessIdentity process : processes) {
            end(process, deadline);
        }
        HostCgroups.remove(groups, deadline);
        try (DirectoryStream<Path> files = Files.newDirectoryStream(home)) {
            for (Path file : files) {
                Files.deleteIfExists(file);
            }
        }
        Files.deleteIfExists(home);
    }

    private static Optional<ProcessIdentity> noted(Path home) {
        try {
            String[] words = Files.readString(home.resolve(PROCESS)).split(" ", -1);
            ProcessIdentity process =
                    new ProcessIdentity(Integer.parseInt(words[0]), Long.parseLong(words[1]));
            return process.isAlive() ? Optional.of(process) : Optional.empty();
        } catch (IOException | RuntimeException e) {
            return Optional.empty(); // it had not been started yet, or not been noted
        }
    }

    private static void end(ProcessIdentity process, Deadline deadline) {
        try (LinuxProcess handle = LinuxProcess.adopt(process)) {
            handle.signal(Signals.SIGKILL);
            handle.await(deadline);
        } catch (ErrnoException e) {
            LOG.log(System.Logger.Level.DEBUG, "process has gone pid={0}", process.pid());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
