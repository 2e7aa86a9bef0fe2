// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Deadline;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ManualClockTest {
    @Test
    void standsStillUntilItIsMoved() {
        ManualClock clock = new ManualClock();
        Deadline deadline = Deadline.after(Duration.ofSeconds(5), clock);

        assertThat(deadline.remaining()).isEqualTo(Duration.ofSeconds(5));
        clock.advance(Duration.ofSeconds(3));
        assertThat(deadline.remaining()).isEqualTo(Duration.ofSeconds(2));
        clock.advance(Duration.ofSeconds(2));
        assertThat(deadline.hasPassed()).isTrue();
    }

    @Test
    void passesTheEndOfItsRange() {
        ManualClock clock = new ManualClock(Long.MAX_VALUE);
        Deadline deadline = Deadline.after(Duration.ofNanos(2), clock);
        clock.advance(Duration.ofNanos(1));

        assertThat(clock.nanos()).isEqualTo(Long.MIN_VALUE);
        assertThat(deadline.remaining()).isEqualTo(Duration.ofNanos(1));
    }

    @Test
    void doesNotGoBack() {
        ManualClock clock = new ManualClock();

        assertThatThrownBy(() -> clock.advance(Duration.ofNanos(-1)))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
