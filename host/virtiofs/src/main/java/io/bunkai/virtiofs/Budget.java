// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The buckets that requests are charged to, one for each limit. A request can be of several: it is
 * due when the last of them says so.
 */
final class Budget {
    private final Limits limits;
    private final Map<Meter, Bucket> buckets;
    private final List<Account> ofRequests;
    private final Map<Direction, List<Account>> ofBytes = new EnumMap<>(Direction.class);

    /** A bucket, and what it is for. */
    private record Account(Meter meter, Bucket bucket) {}

    /** Buckets that are full. */
    Budget(Limits limits, long now) {
        this(limits, fresh(limits, now));
    }

    private Budget(Limits limits, Map<Meter, Bucket> buckets) {
        this.limits = limits;
        this.buckets = buckets;
        this.ofRequests = accounts(Meter::countsRequests);
        for (Direction direction : Direction.values()) {
            ofBytes.put(direction, accounts(meter -> meter.countsBytesOf(direction)));
        }
    }

    private static Map<Meter, Bucket> fresh(Limits limits, long now) {
        Map<Meter, Bucket> buckets = new EnumMap<>(Meter.class);
        limits.byMeter().forEach((meter, limit) -> buckets.put(meter, new Bucket(limit, now)));
        return buckets;
    }

    private List<Account> accounts(Predicate<Meter> wanted) {
        return buckets.entrySet().stream()
                .filter(entry -> wanted.test(entry.getKey()))
                .map(entry -> new Account(entry.getKey(), entry.getValue()))
                .toList();
    }

    private List<Account> of(Direction direction) {
        return ofBytes.getOrDefault(direction, List.of());
    }

    Limits limits() {
        return limits;
    }

    /** Charges a request, and notes when it is due, no earlier than now, and what says so. */
    void charge(Ticket ticket, long now) {
        ticket.budget = this;
        ticket.due = now;
        ticket.heldBy = null;
        charge(ofRequests, 1, ticket, now);
        charge(of(ticket.direction), ticket.bytes, ticket, now);
    }

    private static void charge(List<Account> accounts, long amount, Ticket ticket, long now) {
        for (int i = 0; i < accounts.size(); i++) {
            Account account = accounts.get(i);
            long due = account.bucket().charge(amount, now);
            if (due - ticket.due > 0) {
                ticket.due = due;
                ticket.heldBy = account.meter();
            }
        }
    }

    /** Gives back bytes that were charged and not moved. */
    void refund(Direction direction, long bytes) {
        of(direction).forEach(account -> account.bucket().refund(bytes));
    }

    /**
     * {@return a budget with other limits that goes on where this one is}
     *
     * @param waiting requests that were charged here, and will be charged there
     * @param anew the names of the bursts that are given once more, see {@link Limits#NAMES}
     */
    Budget with(Limits to, List<Ticket> waiting, Set<String> anew, long now) {
        Map<Meter, Bucket> others = fresh(to, now);
        others.replaceAll((meter, full) -> {
            Bucket before = buckets.get(meter);
            return before == null
                    ? full
                    : before.with(
                            full.limit(),
                            charged(meter, waiting),
                            anew.contains(meter.burst()),
                            now);
        });
        return new Budget(to, others);
    }

    private static long charged(Meter meter, List<Ticket> waiting) {
        return meter.countsRequests()
                ? waiting.size()
                : waiting.stream()
                        .filter(ticket -> meter.countsBytesOf(ticket.direction))
                        .mapToLong(ticket -> ticket.bytes)
                        .sum();
    }

    /** {@return what is left of the credits for bytes} */
    long bytesOfCredit() {
        return buckets.entrySet().stream()
                .filter(entry -> !entry.getKey().countsRequests())
                .mapToLong(entry -> entry.getValue().creditLeft())
                .sum();
    }
}
