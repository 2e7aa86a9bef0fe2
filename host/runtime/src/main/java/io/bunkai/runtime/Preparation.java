// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.linux.ProcessIdentity;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Carries out a plan, up to the point where the container's process waits to be started: what the
 * host has of it, the machine, the container in it, the owner's hooks. The journal knows of each
 * step before it is taken or right after, and what a failure leaves is all named in the plan:
 * {@link Remains} removes it.
 */
final class Preparation {
    private final Plan plan;
    private final Terms terms;
    private final Surroundings around;
    private final Timeline timeline;
    private final Records records;

    Preparation(Plan plan, Terms terms, Surroundings around, Timeline timeline, Records records) {
        this.plan = plan;
        this.terms = terms;
        this.around = around;
        this.timeline = timeline;
        this.records = records;
    }

    /**
     * {@return a running machine with the container in it, the caller's to close}
     *
     * @param outOfMemory called whenever a process of the container runs out of memory
     * @throws io.bunkai.base.Fault with what failed; NOT_FOUND or PERMISSION_DENIED only if the
     *     program cannot be run
     */
    Sandbox carryOut(Deadline deadline, Runnable outOfMemory) throws Exception {
        records.write(records.now().inPhase(ContainerRecord.Phase.STARTING));
        reach(CrashPoint.START_JOURNALED);
        timeline.step("cgroups", this::makeCgroups);
        reach(CrashPoint.START_CGROUPS_MADE);
        if (plan.host().holder().isPresent()) {
            timeline.step("holder", () -> startHolder(plan.host().holder().get()));
        }
        for (Plan.OwnDisk disk : plan.host().ownDisks()) {
            timeline.step("disk.write", () -> writeDisk(disk));
        }
        try (Closer undo = new Closer()) {
            Sandbox sandbox =
                    undo.own(
                            Sandbox.start(
                                    plan,
                                    around.begin(plan, terms),
                                    around.spares(),
                                    timeline,
                                    around.clock(),
                                    deadline,
                                    progress()));
            sandbox.watchMemory(outOfMemory);
            timeline.step("container.create", () -> create(sandbox, deadline));
            reach(CrashPoint.START_CONTAINER_CREATED);
            if (!plan.host().hooks().afterCreate().isEmpty()) {
                timeline.step("hooks", this::runHooks);
            }
            plan.host()
                    .sharing()
                    .ifPresent(sharing ->
                            around.spares().refill(Path.of(sharing.server().getFirst())));
            undo.release();
            return sandbox;
        }
    }

    private void reach(CrashPoint point) {
        around.crashPoints().reach(point);
    }

    private Object makeCgroups() {
        HostCgroups.create(plan.cgroups());
        return plan;
    }

    private Object startHolder(Plan.Holder holder) {
        ProcessIdentity process =
                NetworkHolder.start(holder, HostCgroups.procsFiles(plan.cgroups()));
        records.write(records.now().withHolder(process));
        return plan;
    }

    private Object writeDisk(Plan.OwnDisk disk) {
        around.layers().write(disk.folders(), disk.file());
        return plan;
    }

    private Sandbox.Progress progress() {
        return new Sandbox.Progress() {
            @Override
            public void serverStarted(ProcessIdentity server) {
                reach(CrashPoint.START_SERVER_LAUNCHED);
                records.write(records.now().withServer(server));
                around.budgets().changed();
                reach(CrashPoint.START_SERVER_JOURNALED);
            }

            @Override
            public void launched(ProcessIdentity vmm) {
                reach(CrashPoint.START_MACHINE_LAUNCHED);
                records.write(records.now().withVmm(vmm));
                reach(CrashPoint.START_MACHINE_JOURNALED);
            }

            @Override
            public void agentReady() {
                reach(CrashPoint.START_AGENT_READY);
            }
        };
    }

    private Object create(Sandbox sandbox, Deadline deadline) {
        try {
            new GuestContainer(sandbox.agent(), plan.id()).create(plan, deadline);
            return plan;
        } catch (IOException e) {
            throw sandbox.lost(e);
        }
    }

    private Object runHooks() throws InterruptedException {
        HookRunner.of(around, records.now()).afterCreate(plan.host().hooks().afterCreate());
        return plan;
    }
}
