// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.ExitStatus;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Signals;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A hold on a {@link FakeMachine}. */
final class FakeHold implements VirtualMachine {
    private final FakeMachine machine;
    private final List<VmListener> listeners = new ArrayList<>();
    private final List<VmEvent> events = new ArrayList<>();
    private boolean closed;

    FakeHold(FakeMachine machine) {
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
    public String description() {
        return FakeHypervisor.DESCRIPTION;
    }

    @Override
    public void resume(Deadline deadline) {
        requireAlive("resumed");
        machine.resume();
    }

    @Override
    public void pause(Deadline deadline) {
        requireAlive("paused");
        machine.pause();
    }

    @Override
    public void freeze(Path devices, Deadline deadline) {
        throw new UnsupportedOperationException();
    }

    @Override
    public DiskLimits diskLimits(Deadline deadline) {
        requireLimitedDisk();
        return machine.diskLimits();
    }

    @Override
    public void limitDisks(DiskLimits limits, Deadline deadline) {
        requireLimitedDisk();
        machine.limitDisks(limits);
    }

    private void requireLimitedDisk() {
        requireAlive("asked for the limits of its disks");
        if (!spec().hasLimitedDisk()) {
            throw Fault.failedPrecondition("machine %s has no disk to limit", spec().id());
        }
    }

    @Override
    public VmStatus status(Deadline deadline) {
        if (!machine.exit().isDone()) {
            requireOpen();
        }
        return machine.status();
    }

    @Override
    public void powerOff(Deadline deadline) {
        requireAlive("powered off");
        machine.pressPowerButton();
    }

    @Override
    public void kill(Deadline deadline) {
        if (!machine.exit().isDone()) {
            requireOpen();
        }
        machine.end(VmExit.Reason.KILLED, new ExitStatus(0, Signals.SIGKILL));
    }

    @Override
    public Optional<VmExit> exit() {
        return machine.exit().isDone() ? Optional.of(machine.exit().join()) : Optional.empty();
    }

    @Override
    public Optional<VmExit> awaitExit(Deadline deadline) {
        if (!machine.exit().isDone()) {
            requireOpen();
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
        boolean late;
        synchronized (this) {
            late = machine.exit().isDone();
            if (!late) {
                listeners.add(listener);
            }
        }
        if (late) {
            machine.call(List.of(() -> listener.onExit(machine.exit().join())));
        }
    }

    @Override
    public synchronized List<VmEvent> events() {
        return List.copyOf(events);
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            listeners.clear();
        }
        machine.hold(null);
    }

    void machineEvent(VmEvent event) {
        List<Runnable> calls = new ArrayList<>();
        synchronized (this) {
            events.add(event);
            listeners.forEach(listener -> calls.add(() -> listener.onEvent(event)));
        }
        machine.call(calls);
    }

    void machineEnded(VmExit exit) {
        List<Runnable> calls = new ArrayList<>();
        synchronized (this) {
            listeners.forEach(listener -> calls.add(() -> listener.onExit(exit)));
            listeners.clear();
        }
        machine.call(calls);
    }

    private void requireAlive(String what) {
        if (machine.exit().isDone()) {
            throw Fault.unavailable("machine %s cannot be %s: it has ended", spec().id(), what);
        }
        requireOpen();
    }

    private synchronized void requireOpen() {
        if (closed) {
            throw Fault.failedPrecondition("the hold on machine %s is closed", spec().id());
        }
    }
}
