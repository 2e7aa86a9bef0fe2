// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import io.bunkai.base.NanoClock;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** A clock that stands still until a test moves it. Safe for any thread. */
public final class ManualClock implements NanoClock {
    private final AtomicLong nanos;

    /** Makes a clock at an arbitrary moment. */
    public ManualClock() {
        this(0);
    }

    /**
     * Makes a clock at a given moment.
     *
     * @param nanos its first reading; near {@link Long#MAX_VALUE} it shows who compares readings
     *     instead of differences
     */
    public ManualClock(long nanos) {
        this.nanos = new AtomicLong(nanos);
    }

    @Override
    public long nanos() {
        return nanos.get();
    }

    /**
     * Moves the clock forward.
     *
     * @param duration zero or more: monotonic clocks do not go back
     */
    public void advance(Duration duration) {
        if (duration.isNegative()) {
            throw new IllegalArgumentException("a monotonic clock does not go back: " + duration);
        }
        nanos.addAndGet(duration.toNanos());
    }
}
