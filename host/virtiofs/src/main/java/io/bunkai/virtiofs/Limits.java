// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import com.google.errorprone.annotations.FormatMethod;
import io.bunkai.base.Amount;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** All limits of a server: what is not a key of the map is not limited. */
record Limits(Map<Meter, Limit> byMeter) {
    /** Nothing is limited. */
    static final Limits NONE = new Limits(Map.of());

    private static final String MODE = "fs-bw-burst-mode";
    private static final long SHARE_REFILL_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long MOST_REFILL_MILLIS = TimeUnit.HOURS.toMillis(1);

    /** What limits are made of, by the names of the options. */
    static final Set<String> NAMES = names();

    Limits {
        Map<Meter, Limit> ordered = new EnumMap<>(Meter.class);
        ordered.putAll(byMeter);
        byMeter = Collections.unmodifiableMap(ordered);
    }

    private static Set<String> names() {
        Set<String> names = new HashSet<>(Set.of(MODE));
        for (Meter meter : Meter.values()) {
            names.addAll(
                    meter.isShare()
                            ? List.of(meter.size())
                            : List.of(meter.size(), meter.burst(), meter.refill()));
        }
        return Set.copyOf(names);
    }

    boolean isNone() {
        return byMeter.isEmpty();
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
        Map<Meter, Limit> limits = new EnumMap<>(Meter.class);
        for (Meter meter : Meter.values()) {
            boolean deep = !meter.countsRequests() && mode.equals("refill");
            (meter.isShare() ? shareOf(settings, meter) : limitOf(settings, meter, deep))
                    .ifPresent(limit -> limits.put(meter, limit));
        }
        if (limits.containsKey(Meter.TOTAL)) {
            Stream.of(Meter.READ, Meter.WRITE)
                    .filter(limits::containsKey)
                    .findFirst()
                    .ifPresent(apart -> {
                        throw bad(
                                "%s limits reads and writes together, %s apart: only one of both"
                                        + " can be",
                                Meter.TOTAL.size(), apart.size());
                    });
        }
        return new Limits(limits);
    }

    private static Optional<Limit> limitOf(
            Map<String, String> settings, Meter meter, boolean deep) {
        long size = amount(settings, meter.size());
        long burst = amount(settings, meter.burst());
        long millis = refill(settings, meter.refill());
        if (size == 0) {
            if (burst > 0) {
                throw bad("%s makes no sense without %s", meter.burst(), meter.size());
            }
            return Optional.empty();
        }
        if (deep && burst > 0 && burst < size) {
            throw bad(
                    "%s is how much can be saved up, and less than %s",
                    meter.burst(), meter.size());
        }
        return Optional.of(new Limit(size, burst, deep, TimeUnit.MILLISECONDS.toNanos(millis)));
    }

    private static Optional<Limit> shareOf(Map<String, String> settings, Meter meter) {
        long size = amount(settings, meter.size());
        return size == 0
                ? Optional.empty()
                : Optional.of(new Limit(size, 0, false, SHARE_REFILL_NANOS));
    }

    /** {@return the bursts that go with the sizes that become 0, so that a limit can be lifted} */
    static List<String> lifted(Map<String, String> changes) {
        return Stream.of(Meter.values())
                .filter(meter -> "0".equals(changes.get(meter.size())))
                .map(Meter::burst)
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
        byMeter.forEach((meter, limit) -> {
            all.put(meter.size(), Long.toString(limit.size()));
            if (meter.isShare()) {
                return;
            }
            all.put(meter.burst(), Long.toString(limit.burst()));
            long millis = TimeUnit.NANOSECONDS.toMillis(limit.refillNanos());
            all.put(meter.refill(), Long.toString(millis));
            if (limit.deep()) {
                all.put(MODE, "refill");
            }
        });
        return all;
    }

    @FormatMethod
    private static IllegalArgumentException bad(String format, Object... arguments) {
        return new IllegalArgumentException(format.formatted(arguments));
    }
}
