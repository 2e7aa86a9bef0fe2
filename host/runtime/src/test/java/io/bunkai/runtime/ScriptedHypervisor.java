// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.vmm.Beginning;
import io.bunkai.vmm.DiskLimits;
import io.bunkai.vmm.Hypervisor;
import io.bunkai.vmm.LaunchCommand;
import io.bunkai.vmm.VirtualMachine;
import io.bunkai.vmm.VirtualMachineSpec;
import io.bunkai.vmm.VmEvent;
import io.bunkai.vmm.VmExit;
import io.bunkai.vmm.VmListener;
import io.bunkai.vmm.VmStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Makes {@link ScriptedMachine}s; they outlive the holds on them. */
public final class ScriptedHypervisor implements Hypervisor {
    private volatile String description = "Scripted 1.0";
    private final Map<String, ScriptedMachine> machines = new ConcurrentHashMap<>();
    private final BlockingQueue<ScriptedMachine> launched = new LinkedBlockingQueue<>();
    private final Map<String, DiskLimits> diskLimits = new ConcurrentHashMap<>();
    private final Map<String, Beginning> beginnings = new ConcurrentHashMap<>();
    private volatile BiConsumer<VirtualMachineSpec, Beginning> beforeBeginning = (_, _) -> {};
    private volatile ScriptedProcess.Program program = process -> process.exit(0);
    private volatile Consumer<ScriptedAgent> prepared = _ -> {};
    private volatile Consumer<VirtualMachineSpec> beforeLaunch = _ -> {};
    private volatile Consumer<ScriptedMachine> beforeResume = _ -> {};

    /** What the containers' own processes do from now on. */
    public void program(ScriptedProcess.Program other) {
        program = other;
    }

    /** Done to each agent before its guest runs. */
    public void prepare(Consumer<ScriptedAgent> preparation) {
        prepared = preparation;
    }

    /** Done before each launch; what it throws is what the launch throws. */
    public void beforeLaunch(Consumer<VirtualMachineSpec> work) {
        beforeLaunch = work;
    }

    /** Done before each launch; what it throws is what the launch throws. */
    public void beforeBeginning(BiConsumer<VirtualMachineSpec, Beginning> work) {
        beforeBeginning = work;
    }

    /** {@return how machines began, by their names} */
    public Map<String, Beginning> beginnings() {
        return Map.copyOf(beginnings);
    }

    /** Done before each first instruction. */
    public void beforeResume(Consumer<ScriptedMachine> work) {
        beforeResume = work;
    }

    /** {@return the next machine that was launched} */
    public ScriptedMachine awaitLaunch() throws InterruptedException {
        return launched.take();
    }

    /** {@return the machine of a container} */
    public ScriptedMachine machine(String id) {
        return Optional.ofNullable(machines.get(id)).orElseThrow();
    }

    /** {@return how many machines live} */
    public long living() {
        return machines.values().stream().filter(ScriptedMachine::isAlive).count();
    }

    /** The daemon that holds the machines is dead. */
    public void leaveHolderBehind() {
        machines.values().stream()
                .filter(ScriptedMachine::isAlive)
                .forEach(ScriptedMachine::leaveHolderBehind);
    }

    /** Ends what a test has left. */
    public void killAll() throws Exception {
        for (ScriptedMachine machine : machines.values()) {
            machine.kill();
            machine.exit().get();
        }
    }

    /** From now on it is this version of itself. */
    public void description(String other) {
        description = other;
    }

    @Override
    public String description(Path program, Deadline deadline) {
        return description;
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
    public VirtualMachine launch(VirtualMachineSpec spec, Beginning beginning, Deadline deadline) {
        beforeLaunch.accept(spec);
        beforeBeginning.accept(spec, beginning);
        beginnings.put(spec.id(), beginning);
        try {
            ScriptedAgent agent = new ScriptedAgent(process -> program.run(process));
            prepared.accept(agent);
            ScriptedMachine machine = new ScriptedMachine(spec, agent);
            machines.put(spec.id(), machine);
            launched.add(machine);
            return new Hold(machine);
        } catch (IOException e) {
            throw Fault.unavailable("machine %s was not started", spec.id()).causedBy(e);
        }
    }

    @Override
    public Optional<ProcessIdentity> find(VirtualMachineSpec spec) {
        return Optional.ofNullable(machines.get(spec.id()))
                .filter(ScriptedMachine::isAlive)
                .map(ScriptedMachine::identity);
    }

    @Override
    public VirtualMachine adopt(
            VirtualMachineSpec spec, ProcessIdentity process, Deadline deadline) {
        ScriptedMachine machine = machines.get(spec.id());
        if (machine == null || !machine.isAlive() || !machine.identity().equals(process)) {
            throw Fault.notFound("machine %s has ended", spec.id());
        }
        return new Hold(machine);
    }

    private final class Hold implements VirtualMachine {
        private final ScriptedMachine machine;
        private final AtomicBoolean closed = new AtomicBoolean();

        Hold(ScriptedMachine machine) {
            this.machine = machine;
        }

        @Override
        public VirtualMachineSpec spec() {
            return machine.spec();
        }

        @Override
        public ProcessIdentity identity() {
            return machine.identity();
        }

        @Override
        public Path agentSocket() {
            return machine.agentPath();
        }

        @Override
        public String description() {
            return "Scripted 1.0";
        }

        @Override
        public void resume(Deadline deadline) {
            beforeResume.accept(machine);
            machine.resume();
        }

        @Override
        public void pause(Deadline deadline) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void freeze(Path devices, Deadline deadline) {
            try {
                Files.writeString(devices, "devices");
                Files.setPosixFilePermissions(
                        devices, PosixFilePermissions.fromString("rw-------"));
            } catch (IOException e) {
                throw Fault.internal("the devices cannot be kept").causedBy(e);
            }
        }

        @Override
        public DiskLimits diskLimits(Deadline deadline) {
            return diskLimits.getOrDefault(spec().id(), spec().diskLimits());
        }

        @Override
        public void limitDisks(DiskLimits limits, Deadline deadline) {
            diskLimits.put(spec().id(), limits);
        }

        @Override
        public VmStatus status(Deadline deadline) {
            return machine.isAlive() ? VmStatus.RUNNING : VmStatus.ENDED;
        }

        @Override
        public void powerOff(Deadline deadline) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void kill(Deadline deadline) {
            throw new UnsupportedOperationException("the runtime ends machines by their process");
        }

        @Override
        public Optional<VmExit> exit() {
            return Optional.ofNullable(exitNow());
        }

        private @Nullable VmExit exitNow() {
            return machine.exit().getNow(null);
        }

        @Override
        public Optional<VmExit> awaitExit(Deadline deadline) {
            if (closed.get() && machine.isAlive()) {
                throw Fault.failedPrecondition("the hold is closed");
            }
            try {
                return Optional.of(
                        machine.exit().get(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS));
            } catch (TimeoutException e) {
                return Optional.empty();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw Fault.of(FaultCode.CANCELLED, "interrupted").causedBy(e);
            } catch (ExecutionException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void listen(VmListener listener) {
            var _ =
                    machine.exit()
                            .thenAcceptAsync(exit -> {
                                if (!closed.get()) {
                                    listener.onExit(exit);
                                }
                            });
        }

        @Override
        public List<VmEvent> events() {
            return List.of();
        }

        @Override
        public void close() {
            closed.set(true);
        }
    }
}
