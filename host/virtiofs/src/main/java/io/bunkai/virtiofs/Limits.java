// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import com.google.errorprone.annotations.FormatMethod;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * All limits of a server, null where there is none.
 *
 * @param total bytes read and written together; if it is there, the next two are not
 * @param read bytes read
 * @param write bytes written
 * @param operations requests
 */
record Limits(
        @Nullable Limit total,
        @Nullable Limit read,
        @Nullable Limit write,
        @Nullable Limit operations) {
    /** Nothing is limited. */
    static final Limits NONE = new Limits(null, null, null, null);

    private static final String TOTAL = "fs-bw";
    private static final String READ = "fs-bw-read";
    private static final String WRITE = "fs-bw-write";
    private static final String OPERATIONS = "fs-ops";
    private static final String MODE = "fs-bw-burst-mode";
    private static final String SIZE = "-size";
    private static final String BURST = "-burst";
    private static final String REFILL = "-refill-time";

    /** What limits are made of, by the names of the options. */
    static final Set<String> NAMES =
            Set.of(
                    TOTAL + SIZE,
                    TOTAL + BURST,
                    MODE,
                    TOTAL + REFILL,
                    READ + SIZE,
                    READ + BURST,
                    WRITE + SIZE,
                    WRITE + BURST,
                    OPERATIONS + SIZE,
                    OPERATIONS + BURST,
                    OPERATIONS + REFILL);

    private static final long MOST_REFILL_MILLIS = TimeUnit.HOURS.toMillis(1);

    boolean isNone() {
        return equals(NONE);
    }

    /**
     * {@return what settings say}
     *
     * @param settings by the names of the options; others than {@link #NAMES} are passed over
     * @throws IllegalArgumentException if they make no sense
     */
    static Limits of(Map<String, String> settings) {
        String mode = settings.getOrDefault(MODE, "one-time");
        if (!mode.equals("one-time") && !mode.equals("refill")) {
            throw bad("%s is '%s', which is none of one-time, refill", MODE, mode);
        }
        boolean deep = mode.equals("refill");
        Limit total = limitOf(settings, TOTAL, TOTAL + REFILL, deep);
        Limit read = limitOf(settings, READ, TOTAL + REFILL, deep);
        Limit write = limitOf(settings, WRITE, TOTAL + REFILL, deep);
        if (total != null && (read != null || write != null)) {
            throw bad(
                    "%s%s limits reads and writes together, %s apart: only one of both can be",
                    TOTAL, SIZE, read != null ? READ + SIZE : WRITE + SIZE);
        }
        return new Limits(
                total, read, write, limitOf(settings, OPERATIONS, OPERATIONS + REFILL, false));
    }

    private static @Nullable Limit limitOf(
            Map<String, String> settings, String prefix, String refillName, boolean deep) {
        long size = amount(settings, prefix + SIZE);
        long burst = amount(settings, prefix + BURST);
        long millis = refill(settings, refillName);
        if (size == 0) {
            if (burst > 0) {
                throw bad("%s%s makes no sense without %s%s", prefix, BURST, prefix, SIZE);
            }
            return null;
        }
        if (deep && burst > 0 && burst < size) {
            throw bad(
                    "%s%s is how much can be saved up, and less than %s%s",
                    prefix, BURST, prefix, SIZE);
        }
        return new Limit(size, burst, deep, TimeUnit.MILLISECONDS.toNanos(millis));
    }

    /** {@return the bursts that go with the sizes that become 0, so that a limit can be lifted} */
    static List<String> lifted(Map<String, String> changes) {
        return changes.entrySet().stream()
                .filter(change -> change.getKey().endsWith(SIZE) && change.getValue().equals("0"))
                .map(change -> change.getKey().replaceFirst(SIZE + "$", BURST))
                .toList();
    }

    private static long amount(Map<String, String> settings, String name) {
        String text = settings.getOrDefault(name, "0");
        return Amount.of(text)
                .orElseThrow(() ->
                        bad(
                                "%s is '%s', no number up to 2^50, with k, M, G (1000) or Ki, Mi,"
                                        + " Gi (1024)",
                                name, text));
    }

    private static long refill(Map<String, String> settings, String name) {
        String text = settings.getOrDefault(name, "1000");
        if (text.matches("[0-9]{1,9}")) {
            long millis = Long.parseLong(text);
            if (millis >= 1 && millis <= MOST_REFILL_MILLIS) {
                return millis;
            }
        }
        throw bad("%s is '%s', no number from 1 to %d", name, text, MOST_REFILL_MILLIS);
    }

    /** {@return settings that say the same, in order} */
    Map<String, String> settings() {
        Map<String, String> all = new TreeMap<>();
        put(all, TOTAL, total);
        put(all, READ, read);
        put(all, WRITE, write);
        put(all, OPERATIONS, operations);
        for (Limit one : bandwidths()) {
            if (one.deep()) {
                all.put(MODE, "refill");
            }
        }
        return all;
    }

    private List<Limit> bandwidths() {
        List<Limit> there = new ArrayList<>();
        for (Limit one : new @Nullable Limit[] {total, read, write}) {
            if (one != null) {
                there.add(one);
            }
        }
        return there;
    }

    private static void put(Map<String, String> all, String prefix, @Nullable Limit limit) {
        if (limit == null) {
            return;
        }
        all.put(prefix + SIZE, Long.toString(limit.size()));
        all.put(prefix + BURST, Long.toString(limit.burst()));
        String refill = prefix.equals(OPERATIONS) ? OPERATIONS + REFILL : TOTAL + REFILL;
        all.put(refill, Long.toString(TimeUnit.NANOSECONDS.toMillis(limit.refillNanos())));
    }

    @FormatMethod
    private static IllegalArgumentException bad(String format, Object... arguments) {
        return new IllegalArgumentException(format.formatted(arguments));
    }
}
