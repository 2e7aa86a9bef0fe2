// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The buckets that requests are charged to. A request can be of several: it is due when the last of
 * them says so. To stand under another budget, which is shared, is to have its buckets, too.
 */
final class Budget {
    private final Limits limits;
    private final @Nullable Bucket total;
    private final @Nullable Bucket read;
    private final @Nullable Bucket write;
    private final @Nullable Bucket operations;
    private final Map<Direction, List<Bucket>> byDirection = new EnumMap<>(Direction.class);

    /** Buckets that are full. */
    Budget(Limits limits, long now) {
        this(
                limits,
                fresh(limits.total(), now),
                fresh(limits.read(), now),
                fresh(limits.write(), now),
                fresh(limits.operations(), now));
    }

    private Budget(
            Limits limits,
            @Nullable Bucket total,
            @Nullable Bucket read,
            @Nullable Bucket write,
            @Nullable Bucket operations) {
        this.limits = limits;
        this.total = total;
        this.read = read;
        this.write = write;
        this.operations = operations;
        for (Direction direction : Direction.values()) {
            byDirection.put(
                    direction,
                    switch (direction) {
                        case READ -> there(total, read);
                        case WRITE -> there(total, write);
                        case COPY -> there(total, read, write);
                        case NONE -> List.of();
                    });
        }
    }

    private List<Bucket> of(Direction direction) {
        return byDirection.getOrDefault(direction, List.of());
    }

    private static @Nullable Bucket fresh(@Nullable Limit limit, long now) {
        return limit == null ? null : new Bucket(limit, now);
    }

    private static List<Bucket> there(@Nullable Bucket... buckets) {
        return Stream.of(buckets)
                .<Bucket>mapMulti((bucket, to) -> {
                    if (bucket != null) {
                        to.accept(bucket);
                    }
                })
                .toList();
    }

    Limits limits() {
        return limits;
    }

    /** Charges a request; {@return when it is due, no earlier than now} */
    long charge(Direction direction, long bytes, long now) {
        long wait = operations == null ? 0 : operations.charge(1, now) - now;
        List<Bucket> buckets = of(direction);
        for (int i = 0; i < buckets.size(); i++) {
            wait = Math.max(wait, buckets.get(i).charge(bytes, now) - now);
        }
        return now + wait;
    }

    /** Gives back bytes that were charged and not moved. */
    void refund(Direction direction, long bytes) {
        of(direction).forEach(bucket -> bucket.refund(bytes));
    }

    /**
     * {@return a budget with other limits that goes on where this one is}
     *
     * @param waiting requests that were charged here, and will be charged there
     * @param anew the names of the bursts that are given once more, see {@link Limits#NAMES}
     */
    Budget with(Limits to, List<Ticket> waiting, Set<String> anew, long now) {
        return new Budget(
                to,
                goOn(total, to.total(), bytes(waiting, total), anew.contains("fs-bw-burst"), now),
                goOn(read, to.read(), bytes(waiting, read), anew.contains("fs-bw-read-burst"), now),
                goOn(
                        write,
                        to.write(),
                        bytes(waiting, write),
                        anew.contains("fs-bw-write-burst"),
                        now),
                goOn(
                        operations,
                        to.operations(),
                        waiting.size(),
                        anew.contains("fs-ops-burst"),
                        now));
    }

    private long bytes(List<Ticket> waiting, @Nullable Bucket bucket) {
        return waiting.stream()
                .filter(ticket -> bucket != null && of(ticket.direction).contains(bucket))
                .mapToLong(ticket -> ticket.bytes)
                .sum();
    }

    private static @Nullable Bucket goOn(
            @Nullable Bucket from, @Nullable Limit to, long withdrawn, boolean anew, long now) {
        if (from == null || to == null) {
            return fresh(to, now);
        }
        return from.with(to, withdrawn, anew, now);
    }

    /** {@return what is left of the credits for bytes} */
    long bytesOfCredit() {
        return there(total, read, write).stream().mapToLong(Bucket::creditLeft).sum();
    }
}
