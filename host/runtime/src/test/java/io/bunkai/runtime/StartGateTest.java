// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.NanoClock;
import io.bunkai.testkit.ManualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class StartGateTest {
    private static final Duration LONG = Duration.ofHours(1);

    @Test
    void whoeverComesToAFreeGateDoesNotWait() throws Exception {
        StartGate gate = new StartGate(2, NanoClock.SYSTEM);
        try (StartGate.Turn first = gate.enter(LONG);
                StartGate.Turn second = gate.enter(LONG)) {
            assertThat(first.waited()).isZero();
            assertThat(second.waited()).isZero();
        }
    }

    @Test
    void neverMoreAtATimeThanThereAreTurns() throws Exception {
        StartGate gate = new StartGate(3, NanoClock.SYSTEM);
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        AtomicInteger passed = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            threads.add(
                    Thread.ofVirtual()
                            .start(() -> {
                                try (StartGate.Turn _ = gate.enter(LONG)) {
                                    most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                                    Thread.sleep(1);
                                    inside.decrementAndGet();
                                    passed.incrementAndGet();
                                } catch (InterruptedException e) {
                                    Thread.currentThread().interrupt();
                                }
                            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(passed).hasValue(100);
        assertThat(most.get()).isBetween(1, 3);
    }

    @Test
    void theyGoInTheOrderInWhichTheyCame() throws Exception {
        StartGate gate = new StartGate(1, NanoClock.SYSTEM);
        List<Integer> order = Collections.synchronizedList(new ArrayList<>());
        List<Thread> threads = new ArrayList<>();
        try (StartGate.Turn _ = gate.enter(LONG)) {
            for (int i = 0; i < 10; i++) {
                int number = i;
                Thread thread =
                        Thread.ofPlatform()
                                .start(() -> {
                                    try (StartGate.Turn _ = gate.enter(LONG)) {
                                        order.add(number);
                                    } catch (InterruptedException e) {
                                        Thread.currentThread().interrupt();
                                    }
                                });
                awaitWaiting(thread);
                threads.add(thread);
            }
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(order).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    }

    private static void awaitWaiting(Thread thread) throws InterruptedException {
        while (thread.getState() != Thread.State.TIMED_WAITING) {
            Thread.sleep(1);
        }
    }

    @Test
    void aStartThatHangsHoldsNobodyUpForLongerThanATurn() throws Exception {
        ManualClock clock = new ManualClock(Long.MAX_VALUE - 5);
        StartGate gate = new StartGate(1, clock);
        try (StartGate.Turn _ = gate.enter(Duration.ofSeconds(5))) {
            clock.advance(Duration.ofSeconds(5));
            try (StartGate.Turn next = gate.enter(Duration.ofSeconds(5))) {
                assertThat(next.waited()).isZero();
            }
        }
    }

    @Test
    void aTurnThatIsOverIsNoticedByWhoWaits() throws Exception {
        StartGate gate = new StartGate(1, NanoClock.SYSTEM);
        try (StartGate.Turn _ = gate.enter(Duration.ofMillis(50));
                StartGate.Turn next = gate.enter(LONG)) {
            assertThat(next.waited()).isPositive();
        }
    }

    @Test
    void whoeverIsInterruptedHasNoTurnAndLeavesNoPlaceInTheQueue() throws Exception {
        StartGate gate = new StartGate(1, NanoClock.SYSTEM);
        try (StartGate.Turn _ = gate.enter(LONG)) {
            callOffWhileItWaits(gate);
        }
        try (StartGate.Turn next = gate.enter(LONG)) {
            assertThat(next.waited()).isZero();
        }
    }

    @Test
    void aTurnMayBeGivenBackTwice() throws Exception {
        StartGate gate = new StartGate(1, NanoClock.SYSTEM);
        StartGate.Turn first = gate.enter(LONG);
        first.close();
        try (StartGate.Turn _ = gate.enter(LONG)) {
            first.close();
            callOffWhileItWaits(gate);
        }
    }

    private static void callOffWhileItWaits(StartGate gate) throws InterruptedException {
        AtomicBoolean calledOff = new AtomicBoolean();
        Thread waiting =
                Thread.ofPlatform()
                        .start(() -> {
                            try (StartGate.Turn _ = gate.enter(LONG)) {
                                calledOff.set(false);
                            } catch (InterruptedException e) {
                                calledOff.set(true);
                            }
                        });
        awaitWaiting(waiting);
        waiting.interrupt();
        waiting.join();
        assertThat(calledOff).isTrue();
    }
}
