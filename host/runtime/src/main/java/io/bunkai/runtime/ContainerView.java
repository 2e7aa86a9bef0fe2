// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.linux.ProcessIdentity;
import io.bunkai.oci.RuntimeSpec;
import java.util.List;
import java.util.Map;

/**
 * A container as outsiders may see it: the values of environment variables are masked, since they
 * are often secret.
 *
 * @param state {@code created}, {@code starting}, {@code prepared}, {@code running}, {@code
 *     paused}, {@code stopped} or {@code lost}
 * @param createdAtMillis since the epoch; the others likewise, 0 if it has not happened
 * @param error why it did not start or was lost; empty otherwise
 * @param vmmPid QEMU's process, 0 if there is none
 */
public record ContainerView(
        String id,
        String name,
        String image,
        List<String> command,
        String state,
        long createdAtMillis,
        long startedAtMillis,
        long finishedAtMillis,
        int exitCode,
        boolean oomKilled,
        String error,
        int vmmPid,
        int vcpus,
        long memoryBytes,
        Map<String, String> annotations,
        Plan plan) {
    private static final long MIB = 1024 * 1024;
    private static final String MASK = "***";

    /** {@return what there is to see now} */
    public static ContainerView of(Container container) {
        ContainerRecord record = container.record();
        Plan plan = masked(record.plan());
        ProcessExit exit = record.exit().orElse(ProcessExit.ended(0, false));
        RuntimeSpec.ContainerProcess process = plan.process().process();
        return new ContainerView(
                record.id(),
                record.name(),
                plan.image().reference(),
                process == null ? List.of() : process.args(),
                stateOf(record),
                record.createdAtMillis(),
                record.startedAtMillis(),
                record.finishedAtMillis(),
                exit.code(),
                exit.oomKilled(),
                exit.error(),
                record.exit().isPresent() ? 0 : record.vmm().map(ProcessIdentity::pid).orElse(0),
                plan.sizing().vcpus(),
                plan.sizing().memoryMib() * MIB,
                record.terms().annotations(),
                plan);
    }

    /** {@return the word for how far it has come} */
    static String stateOf(ContainerRecord record) {
        return switch (record.phase()) {
            case CREATED -> "created";
            case STARTING -> "starting";
            case PREPARED -> "prepared";
            case RUNNING -> record.paused() ? "paused" : "running";
            case ENDING, ENDED, REMOVING ->
                    record.exit()
                                    .filter(exit ->
                                            exit.code() == ProcessExit.LOST
                                                    && !exit.error().isEmpty())
                                    .isPresent()
                            ? "lost"
                            : "stopped";
        };
    }

    /** {@return whether it runs or is about to} */
    public boolean isActive() {
        return switch (state) {
            case "starting", "prepared", "running", "paused" -> true;
            default -> false;
        };
    }

    /** {@return this view as JSON for programs and people} */
    public String toJson() {
        return PlanJson.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(this);
    }

    /** {@return a plan as JSON for programs and people} */
    public static String explain(Plan plan) {
        return PlanJson.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(masked(plan));
    }

    private static Plan masked(Plan plan) {
        RuntimeSpec.ContainerProcess process = plan.process().process();
        if (process == null) {
            return plan;
        }
        List<String> names = process.env().stream().map(ContainerView::withoutValue).toList();
        return plan.withProcess(plan.process().withProcess(process.withEnv(names)));
    }

    /** A value may have several lines: all of them are the secret. */
    private static String withoutValue(String variable) {
        int equals = variable.indexOf('=');
        return equals < 0 ? variable : variable.substring(0, equals) + "=" + MASK;
    }
}
