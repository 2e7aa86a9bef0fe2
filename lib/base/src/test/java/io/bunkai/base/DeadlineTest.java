// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class DeadlineTest {
    private static final Duration SECOND = Duration.ofSeconds(1);
    private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 1);

    @Test
    void aLaterDeadlineIsLaterThanItsOriginNotThanNow() {
        Deadline first = Deadline.after(SECOND, nanos::get);
        nanos.addAndGet(SECOND.multipliedBy(3).toNanos());
        assertThat(first.hasPassed()).isTrue();
        assertThat(first.later(SECOND).hasPassed()).isTrue();
        assertThat(first.later(SECOND.multipliedBy(4)).remaining())
                .isEqualTo(SECOND.multipliedBy(2));
    }

    @Test
    void theLongestDurationIsFarAway() {
        Deadline first = Deadline.after(SECOND, nanos::get);
        assertThat(first.later(Duration.ofSeconds(Long.MAX_VALUE)).hasPassed()).isFalse();
    }
}
