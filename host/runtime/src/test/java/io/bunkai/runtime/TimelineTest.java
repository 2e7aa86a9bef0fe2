// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.testkit.ManualClock;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class TimelineTest {
    private final ManualClock clock = new ManualClock(Long.MAX_VALUE - 10);
    private final Timeline timeline = new Timeline(clock);

    private void pass(long micros) {
        clock.advance(Duration.ofNanos(micros * 1000));
    }

    @Test
    void notesHowLongEachStepTook() throws Exception {
        pass(5);
        assertThat(
                        timeline.step(
                                "a",
                                () -> {
                                    pass(10);
                                    return "result";
                                }))
                .isEqualTo("result");
        timeline.hostStep("all", 0, timeline.micros());
        assertThat(timeline.steps())
                .containsExactly(
                        new Timeline.Step("all", Timeline.Side.HOST, 0, 15, ""),
                        new Timeline.Step("a", Timeline.Side.HOST, 5, 15, ""));
    }

    @Test
    void notesAStepThatFailedAndPassesItsFailureOn() {
        assertThatThrownBy(() ->
                        timeline.step(
                                "a",
                                () -> {
                                    pass(3);
                                    throw new IOException("no");
                                }))
                .isInstanceOf(IOException.class);
        assertThat(timeline.steps())
                .containsExactly(new Timeline.Step("a", Timeline.Side.HOST, 0, 3, "failed"));
    }

    @Test
    void takesNoNumbersThatCannotBe() {
        assertThat(timeline.guestStep("a", -1, 1)).isFalse();
        assertThat(timeline.guestStep("a", 2, 1)).isFalse();
        assertThat(timeline.guestStep("a", 0, Long.MAX_VALUE)).isFalse();
        assertThat(timeline.steps()).isEmpty();
    }

    @Test
    void takesNoMoreStepsOfAGuestThanAStartCanHave() {
        for (int i = 0; i < 10_000; i++) {
            timeline.guestStep("a", 1, 2);
        }
        assertThat(timeline.steps()).hasSize(Timeline.MOST_GUEST_STEPS);
        timeline.hostStep("b", 1, 2);
        assertThat(timeline.steps()).hasSize(Timeline.MOST_GUEST_STEPS + 1);
    }
}
