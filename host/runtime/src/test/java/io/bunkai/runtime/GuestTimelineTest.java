// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.testkit.ManualClock;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Steps by the guest's clock, among those by the host's. */
class GuestTimelineTest {
    private final ManualClock clock = new ManualClock();
    private final Timeline timeline = new Timeline(clock);

    private void at(long micros) {
        clock.advance(Duration.ofNanos((micros - timeline.micros()) * 1000));
    }

    private Timeline.Step guest(String name, long begin, long end) {
        return new Timeline.Step(name, Timeline.Side.GUEST, begin, end, "");
    }

    @Test
    void aStepStandsWhereItWasToldOfSoonest() {
        at(100);
        timeline.guestStarts();
        at(500); // the guest's clock began at 440, and this was told of 10 late
        timeline.guestStep("first", 20, 50);
        at(602); // and this 2 late
        timeline.guestStep("second", 60, 160);

        assertThat(timeline.steps())
                .containsExactly(guest("first", 462, 492), guest("second", 502, 602));
    }

    @Test
    void aStepIsNeverEarlierThanTheFirstInstruction() {
        at(100);
        timeline.guestStarts();
        timeline.guestStep("impossible", 50, 90);

        assertThat(timeline.steps()).containsExactly(guest("impossible", 100, 100));
    }

    @Test
    void theClockOfACloneGoesOnFromItsTemplates() {
        at(100);
        timeline.guestStarts();
        at(300);
        timeline.guestStep("create", 30_000_050, 30_000_150);
        at(401); // told of 1 late
        timeline.guestStep("start", 30_000_200, 30_000_250);
        at(500);
        timeline.finished();

        assertThat(timeline.steps())
                .containsExactly(guest("create", 200, 300), guest("start", 350, 400));
    }

    @Test
    void whatTheGuestBeginsAfterTheStartIsNoPartOfIt() {
        timeline.guestStarts();
        at(100);
        timeline.finished();
        at(110);
        timeline.guestStep("late.news", 90, 110);
        at(200);
        timeline.guestStep("exec", 150, 200);

        assertThat(timeline.steps()).containsExactly(guest("late.news", 90, 110));
    }
}
