// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.base;

import java.time.Duration;

/**
 * A moment by which something has to be done. It is passed down through all steps of an operation,
 * so that their sum is bounded and not each alone. Immutable.
 */
public final class Deadline {
    /** Far enough away to mean "never", near enough that sums of nanoseconds do not overflow. */
    private static final Duration LONGEST = Duration.ofDays(365 * 100);

    private final NanoClock clock;
    private final long at;

    private Deadline(NanoClock clock, long at) {
        this.clock = clock;
        this.at = at;
    }

    /** {@return the moment {@code duration} from now on the machine's monotonic clock} */
    public static Deadline after(Duration duration) {
        return after(duration, NanoClock.SYSTEM);
    }

    /** {@return the moment {@code duration} from now on this clock} */
    public static Deadline after(Duration duration, NanoClock clock) {
        Duration bounded = duration.compareTo(LONGEST) > 0 ? LONGEST : duration;
        return new Deadline(clock, clock.nanos() + bounded.toNanos());
    }

    /** {@return a deadline that does not come within this process's life} */
    public static Deadline never() {
        return after(LONGEST);
    }

    /** {@return what is left; zero once the moment has passed, never negative} */
    public Duration remaining() {
        return Duration.ofNanos(Math.max(0, at - clock.nanos()));
    }

    /** {@return whether the moment has passed} */
    public boolean hasPassed() {
        return at - clock.nanos() <= 0;
    }

    /** {@return the earlier of this deadline and {@code duration} from now} */
    public Deadline atMost(Duration duration) {
        Deadline other = after(duration, clock);
        return other.at - at < 0 ? other : this;
    }

    /** {@return the moment so much later than this one} */
    public Deadline later(Duration duration) {
        Duration bounded = duration.compareTo(LONGEST) > 0 ? LONGEST : duration;
        return new Deadline(clock, at + bounded.toNanos());
    }

    /**
     * Throws if the moment has passed.
     *
     * @param what what was being done, as a noun phrase: "waiting for the agent"
     * @throws Fault DEADLINE_EXCEEDED if the moment has passed
     */
    public void check(String what) {
        if (hasPassed()) {
            throw Fault.deadlineExceeded("%s took too long", what);
        }
    }
}
