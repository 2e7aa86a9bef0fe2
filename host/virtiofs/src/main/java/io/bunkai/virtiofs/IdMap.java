// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.linux.Errno;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How the guest's numbers of users, or of groups, and the host's belong to each other. What no rule
 * speaks about is the same on both sides.
 */
public final class IdMap {
    /** Every number is the same on both sides. */
    public static final IdMap IDENTITY = new IdMap(List.of(), List.of());

    /** Where a number is that may not be used. */
    static final long FORBIDDEN = -Errno.EPERM;

    /**
     * Numbers that follow each other.
     *
     * @param to where the first leads; {@code null} if they may not be used
     * @param squash whether all lead there
     */
    private record Span(long from, long count, @Nullable Long to, boolean squash) {}

    private final List<Span> toHost;
    private final List<Span> toGuest;

    private IdMap(List<Span> toHost, List<Span> toGuest) {
        this.toHost = List.copyOf(toHost);
        this.toGuest = List.copyOf(toGuest);
    }

    /**
     * {@return the map that these rules make}
     *
     * @param rules each TYPE:NUMBER:NUMBER[:COUNT], see the option's help
     * @throws IllegalArgumentException if a rule is none, or two speak about the same number
     */
    public static IdMap of(List<String> rules) {
        List<Span> toHost = new ArrayList<>();
        List<Span> toGuest = new ArrayList<>();
        for (String rule : rules) {
            String[] words = rule.split(":", -1);
            long[] n = numbers(rule, words);
            switch (words[0]) {
                case "guest" -> add(toHost, new Span(n[0], n[2], n[1], false), rule);
                case "host" -> add(toGuest, new Span(n[0], n[2], n[1], false), rule);
                case "squash-guest" -> add(toHost, new Span(n[0], n[2], n[1], true), rule);
                case "squash-host" -> add(toGuest, new Span(n[0], n[2], n[1], true), rule);
                case "forbid-guest" -> add(toHost, new Span(n[0], n[1], null, false), rule);
                case "map" -> {
                    add(toHost, new Span(n[0], n[2], n[1], false), rule);
                    add(toGuest, new Span(n[1], n[2], n[0], false), rule);
                }
                default ->
                        throw new IllegalArgumentException(
                                "'"
                                        + words[0]
                                        + "' is none of guest, host, squash-guest, squash-host,"
                                        + " forbid-guest, map");
            }
        }
        return toHost.isEmpty() && toGuest.isEmpty() ? IDENTITY : new IdMap(toHost, toGuest);
    }

    private static long[] numbers(String rule, String[] words) {
        int expected = words[0].equals("forbid-guest") ? 2 : 3;
        if (words.length - 1 != expected) {
            throw new IllegalArgumentException(
                    "'" + rule + "' has " + (words.length - 1) + " numbers, not " + expected);
        }
        long[] numbers = new long[3];
        for (int i = 0; i < expected; i++) {
            try {
                numbers[i] = Integer.toUnsignedLong(Integer.parseUnsignedInt(words[i + 1]));
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException(
                        "'" + words[i + 1] + "' in '" + rule + "' is no number of 32 bits", e);
            }
        }
        return numbers;
    }

    private static void add(List<Span> spans, Span span, String rule) {
        if (span.count() == 0) {
            throw new IllegalArgumentException("'" + rule + "' speaks about no number");
        }
        if (spans.stream().anyMatch(other -> overlap(other, span))) {
            throw new IllegalArgumentException(
                    "'" + rule + "' speaks about numbers that another rule speaks about");
        }
        spans.add(span);
    }

    private static boolean overlap(Span one, Span other) {
        return one.from() < other.from() + other.count() && other.from() < one.from() + one.count();
    }

    /** {@return the host's number, or a negated errno if the guest may not use its own} */
    long toHost(int guest) {
        return map(toHost, guest);
    }

    /** {@return the guest's number} */
    int toGuest(int host) {
        return (int) map(toGuest, host);
    }

    private static long map(List<Span> spans, int id) {
        long number = Integer.toUnsignedLong(id);
        for (int i = 0; i < spans.size(); i++) { // without an iterator: it is on every request
            Span span = spans.get(i);
            if (number >= span.from() && number < span.from() + span.count()) {
                Long to = span.to();
                if (to == null) {
                    return FORBIDDEN;
                }
                return (span.squash() ? to : to + (number - span.from())) & 0xffff_ffffL;
            }
        }
        return number;
    }
}
