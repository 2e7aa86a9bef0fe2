// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.NanoClock;
import java.time.Duration;

/**
 * Keeps something within a rate, with a burst that is free: either by saying how long to wait after
 * it, or by saying no before it. Used by one thread.
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
        refill();
        available -= bytes;
        return available >= 0
                ? Duration.ZERO
                : Duration.ofNanos(-available * NANOS_PER_SECOND / perSecond);
    }

    /** {@return whether there was enough left, which is then spent} */
    boolean trySpend(int bytes) {
        refill();
        if (available < bytes) {
            return false;
        }
        available -= bytes;
        return true;
    }

    private void refill() {
        long now = clock.nanos();
        // Time beyond a refill from empty to full makes no difference. With it cut off the product
        // is at most (burst + perSecond) * 10^9, below 2^63.
        long full = burst * NANOS_PER_SECOND / perSecond + NANOS_PER_SECOND;
        long elapsed = Math.min(now - refilledAt, full);
        long fresh = elapsed * perSecond / NANOS_PER_SECOND;
        available = Math.min(burst, available + fresh);
        // Advance only by the time that became whole bytes; the fraction waits for the next call.
        refilledAt = now - (elapsed - Math.ceilDiv(fresh * NANOS_PER_SECOND, perSecond));
    }
}
