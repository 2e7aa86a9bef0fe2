// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.linux.ProcessIdentity;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What a container leaves on the host once it has ended, and its removal: first the machine and all
 * that belongs to it, later the record and the kept output. Each is done once; what did not come to
 * its end can be tried again, also by a later daemon.
 */
final class Remains {
    private final Plan plan;
    private final OutputLog output;
    private final Surroundings around;
    private final Records records;
    private final ReentrantLock lock = new ReentrantLock(); // one clean-up at a time
    private boolean clean; // guarded by lock
    private boolean forgotten; // guarded by lock

    /** The container's record, as it is written at the end, when there is no way back. */
    interface Records {
        /** {@return what the journal holds} */
        ContainerRecord record();

        /** Writes another phase, if that is possible; goes on all the same. */
        void enter(ContainerRecord.Phase phase);
    }

    Remains(Plan plan, OutputLog output, Surroundings around, Records records) {
        this.plan = plan;
        this.output = output;
        this.around = around;
        this.records = records;
    }

    /** Notes that there is no machine, and never was or not any more. */
    void nothingOfTheMachine() {
        lock.lock();
        try {
            clean = true;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Removes the machine.
     *
     * @throws io.bunkai.base.Fault INTERNAL if something cannot be removed
     */
    void removeMachine() {
        lock.lock();
        try {
            if (clean) {
                return;
            }
            ContainerRecord record = records.record();
            Sandbox.tearDown(
                    plan,
                    record.vmm(),
                    record.holder(),
                    around.hypervisor(),
                    around.journal(),
                    () -> around.crashPoints().reach(CrashPoint.STOP_MACHINE_GONE));
            runHooks(record);
            records.enter(ContainerRecord.Phase.ENDED);
            clean = true;
            around.crashPoints().reach(CrashPoint.STOP_FINISHED);
        } finally {
            lock.unlock();
        }
    }

    /** Of a container that was never created, nobody is told that it is gone. */
    private void runHooks(ContainerRecord record) {
        Optional<ProcessIdentity> holder = record.holder();
        if (holder.isEmpty() || plan.host().hooks().afterStop().isEmpty()) {
            return;
        }
        String id = record.terms().owner().map(Owner::id).orElse(plan.id());
        try {
            new HookRunner(around.journal().directoryOf(plan.id()), plan, id, 0)
                    .afterStop(plan.host().hooks().afterStop());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Removes the last traces.
     *
     * @throws io.bunkai.base.Fault INTERNAL if something cannot be removed
     */
    void removeRecord() {
        lock.lock();
        try {
            if (forgotten) {
                return;
            }
            records.enter(ContainerRecord.Phase.REMOVING);
            around.crashPoints().reach(CrashPoint.REMOVE_JOURNALED);
            output.close();
            around.deleteOutput(plan.id());
            around.crashPoints().reach(CrashPoint.REMOVE_OUTPUT_GONE);
            around.journal().forget(plan.id());
            forgotten = true;
        } finally {
            lock.unlock();
        }
    }
}
