// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.linux.ProcessIdentity;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What the journal holds of a container: enough for a daemon that knows nothing else to go on with
 * it, or to clean up behind it. It holds the environment, so its file is readable by root alone.
 *
 * @param version of this format; another one is refused
 * @param phase how far it had come
 * @param createdAtMillis since the epoch; the others likewise, 0 if it has not happened
 * @param terms what holds beside the plan
 * @param vmm QEMU, once it is known
 * @param holder the process that stands for the container on the host, once it is known
 * @param server the process that serves what the guest shares with the host, once it is known
 * @param execs further processes: those that run, and those of an owner that it may ask for
 * @param delivered how much of each output of its own process whoever is attached has, if it was
 *     noted
 * @param paused whether its processes have been stopped for a while
 * @param exit how it ended, once it has
 */
record ContainerRecord(
        int version,
        String id,
        String name,
        Phase phase,
        Terms terms,
        Plan plan,
        long createdAtMillis,
        long startedAtMillis,
        long finishedAtMillis,
        Optional<ProcessIdentity> vmm,
        Optional<ProcessIdentity> holder,
        Optional<ProcessIdentity> server,
        List<ExecRecord> execs,
        Map<OutputLog.Stream, Long> delivered,
        boolean paused,
        Optional<ProcessExit> exit) {
    /** The version that this code writes and reads. */
    static final int VERSION = 5;

    /** Checks, since it is also made from a file. */
    ContainerRecord {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(phase, "phase");
        Objects.requireNonNull(terms, "terms");
        Objects.requireNonNull(plan, "plan");
        execs = List.copyOf(execs);
        delivered = Map.copyOf(delivered);
    }

    /**
     * How far a container has come. Each is written before the deed it announces, or after the deed
     * it reports.
     */
    enum Phase {
        /** Nothing but this record exists. */
        CREATED,
        /** A start has begun: control groups, QEMU and files may or may not exist. */
        STARTING,
        /** The machine runs and the container exists in it; its process has not been started. */
        PREPARED,
        /** The process runs. */
        RUNNING,
        /** The process has ended; the machine is being torn down. */
        ENDING,
        /** The process has ended and only this record and the kept output exist. */
        ENDED,
        /** Everything is to go. */
        REMOVING
    }

    static ContainerRecord created(Terms terms, Plan plan, long nowMillis) {
        return new ContainerRecord(
                VERSION,
                plan.id(),
                plan.name(),
                Phase.CREATED,
                terms,
                plan,
                nowMillis,
                0,
                0,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                Map.of(),
                false,
                Optional.empty());
    }

    /** {@return the process that stands for it on the host; 0 if it has none} */
    int hostPid() {
        return holder.or(() -> vmm).map(ProcessIdentity::pid).orElse(0);
    }

    /** {@return every process of the host that is known to be there for it} */
    List<ProcessIdentity> processes() {
        return Stream.of(vmm, holder, server).flatMap(Optional::stream).toList();
    }

    ContainerRecord inPhase(Phase next) {
        return changed(next, startedAtMillis, vmm, holder, server, execs, delivered, paused);
    }

    ContainerRecord withVmm(ProcessIdentity identity) {
        return changed(
                phase,
                startedAtMillis,
                Optional.of(identity),
                holder,
                server,
                execs,
                delivered,
                paused);
    }

    ContainerRecord withHolder(ProcessIdentity identity) {
        return changed(
                phase,
                startedAtMillis,
                vmm,
                Optional.of(identity),
                server,
                execs,
                delivered,
                paused);
    }

    ContainerRecord withServer(ProcessIdentity identity) {
        return changed(
                phase,
                startedAtMillis,
                vmm,
                holder,
                Optional.of(identity),
                execs,
                delivered,
                paused);
    }

    ContainerRecord running(long nowMillis) {
        return changed(Phase.RUNNING, nowMillis, vmm, holder, server, execs, delivered, paused);
    }

    ContainerRecord withExecs(List<ExecRecord> known) {
        return changed(phase, startedAtMillis, vmm, holder, server, known, delivered, paused);
    }

    ContainerRecord withDelivered(Map<OutputLog.Stream, Long> bytes) {
        return changed(phase, startedAtMillis, vmm, holder, server, execs, bytes, paused);
    }

    ContainerRecord withPaused(boolean now) {
        return changed(phase, startedAtMillis, vmm, holder, server, execs, delivered, now);
    }

    private ContainerRecord changed(
            Phase nextPhase,
            long nextStartedAtMillis,
            Optional<ProcessIdentity> nextVmm,
            Optional<ProcessIdentity> nextHolder,
            Optional<ProcessIdentity> nextServer,
            List<ExecRecord> nextExecs,
            Map<OutputLog.Stream, Long> nextDelivered,
            boolean nextPaused) {
        return new ContainerRecord(
                version,
                id,
                name,
                nextPhase,
                terms,
                plan,
                createdAtMillis,
                nextStartedAtMillis,
                finishedAtMillis,
                nextVmm,
                nextHolder,
                nextServer,
                nextExecs,
                nextDelivered,
                nextPaused,
                exit);
    }

    ContainerRecord ending(ProcessExit how, long nowMillis) {
        return new ContainerRecord(
                version,
                id,
                name,
                Phase.ENDING,
                terms,
                plan,
                createdAtMillis,
                startedAtMillis,
                nowMillis,
                vmm,
                holder,
                server,
                execs,
                delivered,
                paused,
                Optional.of(how));
    }
}
