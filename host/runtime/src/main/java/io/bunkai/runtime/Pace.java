// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.NanoClock;
import java.time.Duration;

/**
 * How soon something that keeps breaking is tried again: at once the first time, then ever more
 * slowly, until it has held for a while. Used under its owner's lock.
 */
final class Pace {
    private static final Duration FIRST = Duration.ofMillis(10);
    private static final Duration LONGEST = Duration.ofSeconds(1);

    /** What held for this long was no part of the trouble before it. */
    static final Duration CALM = Duration.ofSeconds(10);

    private final NanoClock clock;
    private Duration pause = Duration.ZERO;
    private long triedAt;

    Pace(NanoClock clock) {
        this.clock = clock;
        this.triedAt = clock.nanos() - CALM.toNanos();
    }

    /** {@return how long to wait before the next try, which then begins} */
    Duration next() {
        long now = clock.nanos();
        Duration since = Duration.ofNanos(now - triedAt);
        if (since.compareTo(CALM) >= 0) {
            pause = Duration.ZERO;
        } else if (pause.isZero()) {
            pause = FIRST;
        } else {
            Duration twice = pause.multipliedBy(2);
            pause = twice.compareTo(LONGEST) > 0 ? LONGEST : twice;
        }
        triedAt = now;
        return pause;
    }
}
