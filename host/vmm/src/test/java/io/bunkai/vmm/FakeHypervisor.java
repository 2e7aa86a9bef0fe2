// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.ProcessIdentity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A hypervisor for tests: its machines are {@link FakeMachine}s, which live as long as this object
 * whatever becomes of the holds on them. Whether one lives is asked with {@link #find} and {@link
 * #adopt}; its identity is that of no process.
 */
public final class FakeHypervisor implements Hypervisor {
    static final String DESCRIPTION = "Fake 1.0";

    /** Beyond the largest number that Linux gives to a process. */
    private static final int FIRST_PID = 1 << 23;

    private final Guest guest;
    private final Map<ProcessIdentity, FakeMachine> machines = new LinkedHashMap<>();
    private @Nullable Fault nextFailure;

    /** What runs in a machine, on a thread of its own, from the first time it is resumed. */
    @FunctionalInterface
    public interface Guest {
        /**
         * Plays the guest; when it returns the machine idles, when it throws the machine panics.
         */
        void run(FakeMachine machine) throws Exception;
    }

    /** A hypervisor all of whose machines run this guest. */
    public FakeHypervisor(Guest guest) {
        this.guest = guest;
    }

    /** The next launch fails like this. */
    public synchronized void failNextLaunch(Fault failure) {
        nextFailure = failure;
    }

    /** {@return the machines that live, in the order of their launch} */
    public synchronized List<FakeMachine> living() {
        return machines.values().stream().filter(machine -> !machine.exit().isDone()).toList();
    }

    @Override
    public String description(Path program, Deadline deadline) {
        return DESCRIPTION;
    }

    @Override
    public LaunchCommand command(VirtualMachineSpec spec, Beginning beginning) {
        return new LaunchCommand(
                List.of(spec.hypervisor().toString(), spec.id()),
                List.of(),
                spec.directory(),
                List.of());
    }

    @Override
    public synchronized VirtualMachine launch(
            VirtualMachineSpec spec, Beginning beginning, Deadline deadline) {
        if (nextFailure != null) {
            Fault failure = nextFailure;
            nextFailure = null;
            throw failure;
        }
        for (Path file : files(spec)) {
            if (!Files.exists(file)) {
                throw Fault.notFound("machine %s was not started: %s is missing", spec.id(), file);
            }
        }
        try {
            var identity = new ProcessIdentity(FIRST_PID + machines.size(), 1);
            var machine = new FakeMachine(spec, identity, guest);
            machines.put(identity, machine);
            return hold(machine);
        } catch (IOException e) {
            throw Fault.unavailable("machine %s was not started", spec.id()).causedBy(e);
        }
    }

    private static List<Path> files(VirtualMachineSpec spec) {
        List<Path> files = new ArrayList<>();
        files.add(spec.boot().kernel());
        spec.boot().initrd().ifPresent(files::add);
        spec.disks().forEach(disk -> files.add(disk.file()));
        return files;
    }

    @Override
    public synchronized Optional<ProcessIdentity> find(VirtualMachineSpec spec) {
        return living().stream()
                .filter(machine -> machine.spec().equals(spec))
                .map(FakeMachine::identity)
                .findFirst();
    }

    @Override
    public VirtualMachine adopt(
            VirtualMachineSpec spec, ProcessIdentity process, Deadline deadline) {
        FakeMachine machine;
        synchronized (this) {
            machine = machines.get(process);
        }
        if (machine == null || machine.exit().isDone()) {
            throw Fault.notFound("machine %s has ended", spec.id());
        }
        return hold(machine);
    }

    private static FakeHold hold(FakeMachine machine) {
        var hold = new FakeHold(machine);
        if (!machine.hold(hold)) {
            throw Fault.deadlineExceeded("machine %s is held", machine.spec().id());
        }
        return hold;
    }
}
