// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import io.bunkai.runtime.CrashPoint;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Who can die at which point, and how that has to end: what the tests prove and the docs show. */
final class KillMatrix {
    private KillMatrix() {}

    /** Who dies. */
    enum Victim {
        /** {@code kill -9} of bunkaid. */
        DAEMON("daemon"),
        /** {@code kill -9} of QEMU. */
        MACHINE("QEMU"),
        /** A panic of the guest's kernel, which is what the death of its process 1 is, too. */
        GUEST("agent");

        private final String title;

        Victim(String title) {
            this.title = title;
        }
    }

    /** What has become of the container. */
    enum Outcome {
        /** It was described and not started, and can be. */
        DESCRIBED("can be started"),
        /** It runs, and takes further processes. */
        RUNNING("running and usable"),
        /** It is reported as ended, by whoever survives within two seconds, and can be removed. */
        DEAD("reported dead, removable"),
        /** Its removal has been finished. */
        GONE("removed");

        private final String words;

        Outcome(String words) {
            this.words = words;
        }
    }

    /**
     * One death.
     *
     * @param outcome what the container has to come to
     */
    record Cell(CrashPoint point, Victim victim, Outcome outcome) {
        /** {@return whether one daemon takes over from another meanwhile} */
        boolean isTakeover() {
            return point.compareTo(CrashPoint.TAKEOVER_ACCEPTED) >= 0;
        }

        /** {@return whether it is the newer of the two that comes to the point} */
        boolean isOfTheNewer() {
            return point.compareTo(CrashPoint.TAKEOVER_RECEIVED) >= 0;
        }

        @Override
        public String toString() {
            return victim.title + " at " + point.label() + ": " + outcome.words;
        }
    }

    /** {@return all deaths that there can be} */
    static List<Cell> cells() {
        return Arrays.stream(CrashPoint.values())
                .flatMap(point ->
                        Arrays.stream(Victim.values()).flatMap(victim -> cell(point, victim)))
                .toList();
    }

    /** {@return the deaths that are tried every time; the others take minutes} */
    static List<Cell> sample() {
        return cells().stream().filter(KillMatrix::isInTheSample).toList();
    }

    /** {@return the deaths that are not in the sample} */
    static List<Cell> others() {
        return cells().stream().filter(cell -> !isInTheSample(cell)).toList();
    }

    /** Other tests kill the daemon at the points that are not here; see {@link CrashTest}. */
    private static boolean isInTheSample(Cell cell) {
        return switch (cell.victim()) {
            case DAEMON ->
                    switch (cell.point()) {
                        case EXEC_JOURNALED,
                                EXEC_STARTED,
                                EXEC_ENDED,
                                KILL_REQUESTED,
                                KILL_DELIVERED,
                                TAKEOVER_ACCEPTED,
                                TAKEOVER_LET_GO,
                                TAKEOVER_RECEIVED,
                                TAKEOVER_TAKEN ->
                                true;
                        default -> false;
                    };
            case MACHINE ->
                    switch (cell.point()) {
                        case START_MACHINE_LAUNCHED,
                                START_AGENT_READY,
                                START_PROCESS_STARTED,
                                EXEC_STARTED,
                                STOP_PROCESS_ENDED ->
                                true;
                        default -> false;
                    };
            case GUEST ->
                    switch (cell.point()) {
                        case START_CONTAINER_CREATED, EXEC_JOURNALED, KILL_REQUESTED -> true;
                        default -> false;
                    };
        };
    }

    private static Stream<Cell> cell(CrashPoint point, Victim victim) {
        return outcome(point, victim).stream().map(outcome -> new Cell(point, victim, outcome));
    }

    /** {@return how a death ends; empty if there is nobody who could die} */
    private static Optional<Outcome> outcome(CrashPoint point, Victim victim) {
        return switch (point) {
            case CREATE_JOURNALED -> ofDaemon(victim, Outcome.DESCRIBED);
            case START_JOURNALED, START_CGROUPS_MADE -> ofDaemon(victim, Outcome.DEAD);
            case START_SERVER_LAUNCHED, START_SERVER_JOURNALED -> ofDaemon(victim, Outcome.DEAD);
            case START_MACHINE_LAUNCHED, START_MACHINE_JOURNALED ->
                    victim == Victim.GUEST ? Optional.empty() : Optional.of(Outcome.DEAD);
            case START_AGENT_READY,
                    START_CONTAINER_CREATED,
                    START_PREPARED,
                    START_PROCESS_STARTED,
                    STOP_PROCESS_ENDED,
                    STOP_JOURNALED ->
                    Optional.of(Outcome.DEAD);
            case START_FINISHED,
                    OUTPUT_RECEIVED,
                    OUTPUT_KEPT,
                    OUTPUT_DELIVERED,
                    EXEC_JOURNALED,
                    EXEC_STARTED,
                    EXEC_ENDED,
                    KILL_REQUESTED,
                    KILL_DELIVERED ->
                    Optional.of(victim == Victim.DAEMON ? Outcome.RUNNING : Outcome.DEAD);
            case STOP_MACHINE_GONE, STOP_FINISHED -> ofDaemon(victim, Outcome.DEAD);
            case REMOVE_JOURNALED, REMOVE_OUTPUT_GONE -> ofDaemon(victim, Outcome.GONE);
            // The daemon is the one that comes to the point: the former, then the newer.
            case TAKEOVER_ACCEPTED, TAKEOVER_LET_GO, TAKEOVER_RECEIVED, TAKEOVER_TAKEN ->
                    Optional.of(victim == Victim.DAEMON ? Outcome.RUNNING : Outcome.DEAD);
        };
    }

    private static Optional<Outcome> ofDaemon(Victim victim, Outcome outcome) {
        return victim == Victim.DAEMON ? Optional.of(outcome) : Optional.empty();
    }

    /** {@return the table for people} */
    static String table() {
        StringBuilder text =
                new StringBuilder("| point |")
                        .append(row(Arrays.stream(Victim.values()).map(victim -> victim.title)))
                        .append("|---|")
                        .append("---|".repeat(Victim.values().length))
                        .append('\n');
        for (CrashPoint point : CrashPoint.values()) {
            text.append("| `%s` |".formatted(point.label()))
                    .append(
                            row(
                                    Arrays.stream(Victim.values())
                                            .map(victim ->
                                                    outcome(point, victim)
                                                            .map(outcome -> outcome.words)
                                                            .orElse("–"))));
        }
        return text.toString();
    }

    private static String row(Stream<String> fields) {
        return fields.map(field -> " " + field + " |").collect(Collectors.joining()) + "\n";
    }
}
