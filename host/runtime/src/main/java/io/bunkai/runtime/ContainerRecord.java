// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.linux.ProcessIdentity;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What the journal holds of a container: enough for a daemon that knows nothing else to go on with
 * it, or to clean up behind it. It holds the environment, so its file is readable by root alone.
 *
 * @param version of this format; another one is refused
 * @param phase how far it had come
 * @param createdAtMillis since the epoch; the others likewise, 0 if it has not happened
 * @param vmm QEMU, once it is known
 * @param execs ids of further processes that run
 * @param exit how it ended, once it has
 */
record ContainerRecord(
        int version,
        String id,
        String name,
        Phase phase,
        ContainerRequest request,
        Plan plan,
        long createdAtMillis,
        long startedAtMillis,
        long finishedAtMillis,
        Optional<ProcessIdentity> vmm,
        List<String> execs,
        Optional<ProcessExit> exit) {
    /** The version that this code writes and reads. */
    static final int VERSION = 1;

    /** Checks, since it is also made from a file. */
    ContainerRecord {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(phase, "phase");
        Objects.requireNonNull(request, "request");
        Objects.requireNonNull(plan, "plan");
        execs = List.copyOf(execs);
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
        /** The process runs. */
        RUNNING,
        /** The process has ended; the machine is being torn down. */
        ENDING,
        /** The process has ended and only this record and the kept output exist. */
        ENDED,
        /** Everything is to go. */
        REMOVING
    }

    static ContainerRecord created(ContainerRequest request, Plan plan, long nowMillis) {
        return new ContainerRecord(
                VERSION,
                plan.id(),
                plan.name(),
                Phase.CREATED,
                request,
                plan,
                nowMillis,
                0,
                0,
                Optional.empty(),
                List.of(),
                Optional.empty());
    }

    ContainerRecord inPhase(Phase next) {
        return new ContainerRecord(
                version,
                id,
                name,
                next,
                request,
                plan,
                createdAtMillis,
                startedAtMillis,
                finishedAtMillis,
                vmm,
                execs,
                exit);
    }

    ContainerRecord withVmm(ProcessIdentity identity) {
        return new ContainerRecord(
                version,
                id,
                name,
                phase,
                request,
                plan,
                createdAtMillis,
                startedAtMillis,
                finishedAtMillis,
                Optional.of(identity),
                execs,
                exit);
    }

    ContainerRecord running(long nowMillis) {
        return new ContainerRecord(
                version,
                id,
                name,
                Phase.RUNNING,
                request,
                plan,
                createdAtMillis,
                nowMillis,
                finishedAtMillis,
                vmm,
                execs,
                exit);
    }

    ContainerRecord withExecs(List<String> running) {
        return new ContainerRecord(
                version,
                id,
                name,
                phase,
                request,
                plan,
                createdAtMillis,
                startedAtMillis,
                finishedAtMillis,
                vmm,
                running,
                exit);
    }

    ContainerRecord ending(ProcessExit how, long nowMillis) {
        return new ContainerRecord(
                version,
                id,
                name,
                Phase.ENDING,
                request,
                plan,
                createdAtMillis,
                startedAtMillis,
                nowMillis,
                vmm,
                execs,
                Optional.of(how));
    }
}
