// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

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
            ContainerRecord record = records.now();
            Sandbox.tearDown(
                    record,
                    around.hypervisor(),
                    around.journal(),
                    () -> around.crashPoints().reach(CrashPoint.STOP_MACHINE_GONE));
            runHooks(record);
            enter(ContainerRecord.Phase.ENDED);
            clean = true;
            around.crashPoints().reach(CrashPoint.STOP_FINISHED);
        } finally {
            lock.unlock();
        }
    }

    private void enter(ContainerRecord.Phase phase) {
        records.writeIfPossible(records.now().inPhase(phase));
    }

    /** Of a container that was never created, nobody is told that it is gone. */
    private void runHooks(ContainerRecord record) {
        if (record.holder().isEmpty() || plan.host().hooks().afterStop().isEmpty()) {
            return;
        }
        try {
            HookRunner.of(around, record).afterStop(plan.host().hooks().afterStop());
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
            enter(ContainerRecord.Phase.REMOVING);
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
