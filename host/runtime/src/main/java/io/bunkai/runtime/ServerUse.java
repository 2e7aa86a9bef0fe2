// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import java.util.Map;

/**
 * What a file server has of one thing that is divided, bytes or requests, and whether it would take
 * more: followed from one answer of its control socket to the next. A guest that has taken its
 * server over can say anything there; what it gets by that is never more than its weight's part.
 */
final class ServerUse {
    /** How long a rate is remembered, in nanoseconds. */
    private static final double MEMORY_NANOS = 250e6;

    /** What one is given beyond what it takes, so that it is not held back at once. */
    private static final double MARGIN = 1.1;

    private static final long MOST = 1L << 60;

    private final Divided what;
    private boolean known;
    private long done;
    private long held;
    private long atNanos;
    private double rate;
    private boolean hungry;

    ServerUse(Divided what) {
        this.what = what;
    }

    /** Notes what a server says of itself. */
    void note(Map<String, String> figures, long nowNanos) {
        long doneNow = what.done().stream().mapToLong(name -> number(figures, name)).sum();
        long heldNow = number(figures, "held." + what.setting());
        boolean waits = number(figures, "parked-for." + what.setting()) > 0;
        if (known) {
            double nanos = Math.max(1, nowNanos - atNanos);
            double latest = Math.max(0, doneNow - done) * 1e9 / nanos;
            rate = latest + (rate - latest) * Math.exp(-nanos / MEMORY_NANOS);
        }
        hungry = waits || (known && heldNow > held);
        known = true;
        done = doneNow;
        held = heldNow;
        atNanos = nowNanos;
    }

    private static long number(Map<String, String> figures, String name) {
        String text = figures.getOrDefault(name, "0");
        return text.matches("[0-9]{1,18}") ? Math.min(MOST, Long.parseLong(text)) : 0;
    }

    /** {@return what it could use in a second; infinite if its share is what holds it back} */
    double wanted() {
        return hungry ? Double.POSITIVE_INFINITY : rate * MARGIN;
    }

    /** {@return whether it does nothing that counts} */
    boolean isIdle() {
        return !hungry && rate < 1;
    }
}
