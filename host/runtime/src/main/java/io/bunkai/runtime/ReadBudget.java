// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.NanoClock;
import java.time.Duration;

/**
 * Slows a reader down to a rate, with a burst that is free: says how long to wait after each read.
 * Used by one thread.
 */
final class ReadBudget {
    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    private final long burst;
    private final long perSecond;
    private final NanoClock clock;
    private long available;
    private long refilledAt;

    /**
     * Makes a full budget.
     *
     * @param burst bytes
     * @param perSecond bytes, at least one
     */
    ReadBudget(int burst, int perSecond, NanoClock clock) {
        this.burst = burst;
        this.perSecond = perSecond;
        this.clock = clock;
        this.available = burst;
        this.refilledAt = clock.nanos();
    }

    /** {@return how long to wait before more is read, after {@code bytes} have been} */
    Duration spend(int bytes) {
        long now = clock.nanos();
        // Time beyond a refill from empty to full makes no difference. With it cut off the product
        // is at most (burst + perSecond) * 10^9, below 2^63.
        long full = burst * NANOS_PER_SECOND / perSecond + NANOS_PER_SECOND;
        long elapsed = Math.min(now - refilledAt, full);
        available = Math.min(burst, available + elapsed * perSecond / NANOS_PER_SECOND);
        refilledAt = now;
        available -= bytes;
        return available >= 0
                ? Duration.ZERO
                : Duration.ofNanos(-available * NANOS_PER_SECOND / perSecond);
    }
}
