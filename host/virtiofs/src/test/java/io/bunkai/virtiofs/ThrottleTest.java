// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.testkit.ManualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is parked, and when it is carried out, by a clock moved by hand. */
class ThrottleTest {
    private final ManualClock clock = new ManualClock(Long.MAX_VALUE - 1);
    private final List<String> done = new ArrayList<>();

    private Throttle throttle(String... settings) {
        return new Throttle(Limits.of(map(settings)), clock, _ -> new Thread(() -> {}));
    }

    private static Map<String, String> map(String... settings) {
        Map<String, String> all = new HashMap<>();
        for (String setting : settings) {
            int equals = setting.indexOf('=');
            all.put(setting.substring(0, equals), setting.substring(equals + 1));
        }
        return all;
    }

    private final class Request extends Ticket {
        private final String name;

        Request(String name, Direction direction, long bytes) {
            this.name = name;
            this.direction = direction;
            this.bytes = bytes;
        }

        @Override
        void carryOut() {
            done.add(name);
        }
    }

    private boolean send(Throttle throttle, String name, Direction direction, long bytes) {
        return throttle.charge(
                new Request(name, direction, bytes), throttle.current().orElseThrow());
    }

    private void pass(Throttle throttle, int millis) {
        clock.advance(Duration.ofMillis(millis));
        throttle.carryOutDue();
    }

    @Test
    void whatIsNotDueIsParkedUntilItIs() {
        Throttle throttle = throttle("fs-bw-size=1000");
        assertThat(send(throttle, "a", Direction.READ, 1000)).isTrue();
        assertThat(send(throttle, "b", Direction.READ, 100)).isFalse();
        assertThat(send(throttle, "c", Direction.READ, 100)).isFalse();
        pass(throttle, 99);
        assertThat(done).isEmpty();
        pass(throttle, 1);
        assertThat(done).containsExactly("b");
        pass(throttle, 100);
        assertThat(done).containsExactly("b", "c");
        assertThat(throttle.state().throttled()).isEqualTo(2);
        assertThat(throttle.state().throttledNanos()).isEqualTo(300_000_000);
        assertThat(throttle.state().waits().get(7)).isEqualTo(1); // 64 to 128 ms
        assertThat(throttle.state().waits().get(8)).isEqualTo(1);
    }

    @Test
    void whatMovesNoDataGoesOnWhileBytesAreSpent() {
        Throttle throttle = throttle("fs-bw-size=1000");
        send(throttle, "a", Direction.READ, 50_000);
        assertThat(send(throttle, "b", Direction.NONE, 0)).isTrue();
    }

    @Test
    void directionsThatAreLimitedApartDoNotWaitForEachOther() {
        Throttle throttle = throttle("fs-bw-read-size=1000", "fs-bw-write-size=1000");
        send(throttle, "a", Direction.READ, 50_000);
        assertThat(send(throttle, "b", Direction.WRITE, 1000)).isTrue();
        assertThat(send(throttle, "c", Direction.COPY, 10)).isFalse();
        pass(throttle, 20);
        assertThat(done).as("a copy is read, too").isEmpty();
        pass(throttle, 49_020);
        assertThat(done).containsExactlyInAnyOrder("a", "c");
    }

    @Test
    void theLastOfSeveralLimitsCounts() {
        Throttle throttle = throttle("fs-bw-size=1000", "fs-ops-size=10");
        for (int i = 0; i < 10; i++) {
            assertThat(send(throttle, "free", Direction.READ, 10)).isTrue();
        }
        assertThat(send(throttle, "a", Direction.READ, 10)).isFalse();
        assertThat(send(throttle, "b", Direction.READ, 1290)).isFalse();
        pass(throttle, 100);
        assertThat(done).containsExactly("a");
        pass(throttle, 299);
        assertThat(done).containsExactly("a");
        pass(throttle, 1);
        assertThat(done).containsExactly("a", "b");
    }

    @Test
    void requestsOfOneDirectionKeepTheirOrder() {
        Throttle throttle = throttle("fs-bw-size=1000");
        send(throttle, "a", Direction.READ, 3000);
        Request second = new Request("b", Direction.READ, 1);
        throttle.charge(second, throttle.current().orElseThrow());
        send(throttle, "c", Direction.READ, 1);
        pass(throttle, 10_000);
        assertThat(done).containsExactly("a", "b", "c");
    }

    @Test
    void anotherRateHoldsForWhatIsParkedToo() {
        Throttle throttle = throttle("fs-bw-size=1000");
        send(throttle, "a", Direction.READ, 11_000);
        send(throttle, "b", Direction.READ, 1000);
        throttle.set(map("fs-bw-size=100000"));
        pass(throttle, 99);
        assertThat(done).isEmpty();
        pass(throttle, 1);
        assertThat(done).containsExactly("a");
        pass(throttle, 10);
        assertThat(done).containsExactly("a", "b");
    }

    @Test
    void withoutLimitsEverythingThatWasParkedIsDue() {
        Throttle throttle = throttle("fs-bw-size=1000");
        send(throttle, "a", Direction.READ, 11_000);
        send(throttle, "b", Direction.WRITE, 1000);
        throttle.set(map("fs-bw-size=0", "fs-bw-burst=0"));
        assertThat(throttle.limits()).isFalse();
        throttle.carryOutDue();
        assertThat(done).containsExactly("a", "b");
    }

    @Test
    void aLimitIsLiftedWithItsBurst() {
        Throttle throttle = throttle("fs-bw-size=1000", "fs-bw-burst=5000", "fs-ops-size=7");
        throttle.set(map("fs-bw-size=0"));
        assertThat(throttle.state().settings())
                .containsEntry("fs-ops-size", "7")
                .doesNotContainKeys("fs-bw-size", "fs-bw-burst");
    }

    @Test
    void aChangeThatMakesNoSenseChangesNothing() {
        Throttle throttle = throttle("fs-bw-size=1000");
        assertThatThrownBy(() -> throttle.set(map("fs-bw-size=0", "fs-bw-burst=5")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("fs-bw-burst makes no sense without fs-bw-size");
        assertThat(throttle.state().settings()).containsEntry("fs-bw-size", "1000");
    }

    @Test
    void hurryLetsAllBeCarriedOutAndTheyStayCharged() {
        Throttle throttle = throttle("fs-bw-size=1000");
        send(throttle, "a", Direction.READ, 3000);
        send(throttle, "b", Direction.READ, 1000);
        throttle.hurry();
        throttle.carryOutDue();
        assertThat(done).containsExactly("a", "b");
        assertThat(throttle.state().parked()).isZero();
        assertThat(send(throttle, "c", Direction.READ, 1)).isFalse();
        pass(throttle, 3000);
        assertThat(done).doesNotContain("c");
        pass(throttle, 1);
        assertThat(done).contains("c");
    }

    @Test
    void aShortReadIsGivenBack() {
        Throttle throttle = throttle("fs-bw-size=1000");
        Request request = new Request("a", Direction.READ, 1000);
        throttle.charge(request, throttle.current().orElseThrow());
        throttle.settle(request, 100);
        assertThat(send(throttle, "b", Direction.READ, 900)).isTrue();
        assertThat(send(throttle, "c", Direction.READ, 1)).isFalse();
        assertThat(throttle.state().bytesRead()).isEqualTo(1001);
    }

    @Test
    void aShareOfALargerLimitHoldsBesideOnesOwnAndIsToldApart() {
        Throttle throttle = throttle("fs-bw-size=1000");
        throttle.set(map("fs-share-bw-size=500", "fs-share-ops-size=5"));
        assertThat(send(throttle, "a", Direction.READ, 500)).isTrue();
        assertThat(send(throttle, "b", Direction.WRITE, 100)).isFalse();
        assertThat(throttle.state().parkedFor()).isEqualTo(Map.of(Meter.SHARE, 1L));
        pass(throttle, 200);
        assertThat(done).containsExactly("b");
        assertThat(throttle.state().parkedFor()).isEmpty();
        for (int i = 0; i < 4; i++) {
            send(throttle, "small", Direction.NONE, 0);
        }
        assertThat(send(throttle, "c", Direction.NONE, 0)).isFalse();
        assertThat(throttle.state().held())
                .isEqualTo(Map.of(Meter.SHARE, 1L, Meter.SHARE_OPERATIONS, 1L));
        assertThat(throttle.state().settings())
                .containsEntry("fs-bw-size", "1000")
                .containsEntry("fs-share-bw-size", "500");
    }

    @Test
    void aLargerShareHoldsForWhatIsParkedAndOnesOwnLimitStays() {
        Throttle throttle = throttle("fs-bw-size=1000");
        throttle.set(map("fs-share-bw-size=10"));
        send(throttle, "a", Direction.READ, 1510);
        throttle.set(map("fs-share-bw-size=100000"));
        assertThat(throttle.state().parkedFor()).isEqualTo(Map.of(Meter.TOTAL, 1L));
        pass(throttle, 509);
        assertThat(done).isEmpty();
        pass(throttle, 1);
        assertThat(done).containsExactly("a");
        throttle.set(map("fs-share-bw-size=0"));
        assertThat(throttle.state().settings()).doesNotContainKey("fs-share-bw-size");
    }
}
