// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;

import io.bunkai.testkit.ManualClock;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BucketTest {
    private static final long SECOND = 1_000_000_000;
    private static final long MILLION = 1_000_000;

    /** Near the end of the clock's range, so that readings are not compared with each other. */
    private static final long START = new ManualClock(Long.MAX_VALUE - 1000).nanos();

    private static Limit limit(long size, long burst, boolean deep) {
        return new Limit(size, burst, deep, SECOND);
    }

    /** {@return when the last of so many is due, after the start, if each is asked for when due} */
    private static long last(Bucket bucket, long total, long size) {
        long now = START;
        for (long done = 0; done < total; done += size) {
            now = bucket.charge(Math.min(size, total - done), now);
        }
        return now - START;
    }

    @Test
    void aHundredMillionBytesTakeSevenSecondsWithACreditOfTwentyMillion() {
        Bucket bucket = new Bucket(limit(10 * MILLION, 20 * MILLION, false), START);
        assertThat(last(bucket, 100 * MILLION, 100_000)).isEqualTo(7 * SECOND);
    }

    @Test
    void theyTakeEightIfTheBurstIsTheDepth() {
        Bucket bucket = new Bucket(limit(10 * MILLION, 20 * MILLION, true), START);
        assertThat(last(bucket, 100 * MILLION, 100_000)).isEqualTo(8 * SECOND);
    }

    @Test
    void theFirstThatIsHeldBackIsTheOneAfterCreditAndSize() {
        Bucket bucket = new Bucket(limit(10 * MILLION, 20 * MILLION, false), START);
        for (int i = 0; i < 300; i++) {
            assertThat(bucket.charge(100_000, START)).isEqualTo(START);
        }
        assertThat(bucket.charge(100_000, START)).isEqualTo(START + SECOND / 100);
        assertThat(bucket.creditLeft()).isZero();
    }

    @Test
    void theCreditIsForWhatIsBeyondTheRateAndNeverComesBack() {
        Bucket bucket = new Bucket(limit(1000, 5000, false), START);
        bucket.charge(4000, START);
        assertThat(bucket.creditLeft()).isEqualTo(2000);
        assertThat(bucket.level(START)).isZero();
        assertThat(bucket.charge(2000, START)).isEqualTo(START);
        assertThat(bucket.creditLeft()).isZero();
        long later = START + 3600 * SECOND;
        assertThat(bucket.level(later)).isEqualTo(1000);
        assertThat(bucket.charge(1000, later)).isEqualTo(later);
        assertThat(bucket.charge(1000, later)).isEqualTo(later + SECOND);
    }

    /** However fast the guest can read the first of them, and however long it has rested. */
    @ParameterizedTest
    @ValueSource(longs = {10, 25, 100, 2000})
    void theCreditDoesNotStopTheRefill(long megabytesPerSecond) {
        Bucket bucket = new Bucket(limit(10 * MILLION, 20 * MILLION, false), START);
        long begin = START + 5 * SECOND;
        long now = begin;
        for (long done = 0; done < 100 * MILLION; done += 100_000) {
            now = bucket.charge(100_000, now) + 100_000 * 1000 / megabytesPerSecond;
        }
        long atItsOwnSpeed = 100 * MILLION * 1000 / megabytesPerSecond;
        assertThat(now - begin)
                .isBetween(
                        Math.max(7 * SECOND, atItsOwnSpeed),
                        Math.max(7 * SECOND, atItsOwnSpeed) + SECOND / 50);
    }

    @Test
    void aDeepBucketIsFullAgainAfterARest() {
        Bucket bucket = new Bucket(limit(1000, 5000, true), START);
        assertThat(bucket.charge(5000, START)).isEqualTo(START);
        assertThat(bucket.charge(1000, START)).isEqualTo(START + SECOND);
        long later = START + 6 * SECOND;
        assertThat(bucket.charge(5000, later)).isEqualTo(later);
    }

    @Test
    void whatIsLargerThanTheBucketIsPaidInTime() {
        Bucket bucket = new Bucket(limit(1000, 0, false), START);
        assertThat(bucket.charge(3500, START)).isEqualTo(START + 2500 * MILLION);
        assertThat(bucket.charge(500, START)).isEqualTo(START + 3000 * MILLION);
    }

    /** Whoever comes late for each turn has the same rate in the end. */
    @ParameterizedTest
    @CsvSource({"1000000, 4096", "50000000, 4096", "1000000000, 1048576", "333333333, 65536"})
    void latenessDoesNotAddUp(long size, int request) {
        Bucket bucket = new Bucket(limit(size, 0, false), START);
        long now = bucket.charge(size, START);
        int count = 10_000;
        long due = now;
        for (int i = 0; i < count; i++) {
            due = bucket.charge(request, now);
            now = due + 60_000L * (i % 3); // the thread wakes up when it can
        }
        double expected = (double) request * count * SECOND / size;
        // Between late arrivals more than one request may be due, but never one too many.
        assertThat((double) (due - START)).isBetween(expected * 0.99999, expected + 200_000);
    }

    @Test
    void smallRequestsAtHighRatesAreNotRoundedOff() {
        long size = 1_100_000_000; // 3723.6 nanoseconds for each
        Bucket bucket = new Bucket(limit(size, 0, false), START);
        bucket.charge(size, START);
        long due = START;
        for (int i = 0; i < 268_555; i++) {
            due = bucket.charge(4096, START);
        }
        assertThat(due - START).isCloseTo((long) (268_555 * 4096.0 / 1.1), withPercentage(0.001));
    }

    @Test
    void whatWasNotUsedIsGivenBack() {
        Bucket bucket = new Bucket(limit(1000, 0, false), START);
        bucket.charge(1000, START);
        assertThat(bucket.charge(500, START)).isEqualTo(START + 500 * MILLION);
        bucket.refund(400);
        assertThat(bucket.charge(100, START)).isEqualTo(START + 200 * MILLION);
    }

    @Test
    void whatIsGivenBackIsNotSavedUpBeyondTheDepth() {
        Bucket bucket = new Bucket(limit(1000, 0, false), START);
        bucket.charge(100, START);
        long later = START + SECOND;
        bucket.refund(100);
        assertThat(bucket.charge(1000, later)).isEqualTo(later);
        assertThat(bucket.charge(1, later)).isEqualTo(later + MILLION);
    }

    @Test
    void whatTheCreditHasPaidForIsGivenBackToo() {
        Bucket bucket = new Bucket(limit(1000, 5000, false), START);
        bucket.charge(6000, START);
        bucket.refund(500);
        assertThat(bucket.charge(500, START)).isEqualTo(START);
        assertThat(bucket.charge(1, START)).isEqualTo(START + MILLION);
    }

    @Test
    void aJumpOfTheClockIsWorthNoMoreThanTheDepth() {
        Bucket bucket = new Bucket(limit(1000, 0, false), START);
        bucket.charge(1000, START);
        long awake = START + 30L * 24 * 3600 * SECOND;
        assertThat(bucket.charge(1000, awake)).isEqualTo(awake);
        assertThat(bucket.charge(1000, awake)).isEqualTo(awake + SECOND);
    }

    @Test
    void anotherRateHoldsFromNowOnAndDebtsStay() {
        Bucket bucket = new Bucket(limit(1000, 0, false), START);
        bucket.charge(1500, START);
        Bucket faster = bucket.with(limit(10_000, 0, false), 0, false, START);
        assertThat(faster.level(START)).isEqualTo(-500);
        assertThat(faster.charge(500, START)).isEqualTo(START + 100 * MILLION);
        Bucket slower =
                new Bucket(limit(1000, 0, false), START).with(limit(10, 0, false), 0, false, START);
        assertThat(slower.level(START)).isEqualTo(10);
    }

    @Test
    void aCreditStaysOrIsGivenAnew() {
        Bucket bucket = new Bucket(limit(1000, 5000, false), START);
        bucket.charge(5000, START);
        Limit twice = limit(2000, 5000, false);
        assertThat(bucket.with(twice, 0, false, START).creditLeft()).isEqualTo(1000);
        assertThat(bucket.with(twice, 0, true, START).creditLeft()).isEqualTo(5000);
    }

    @Test
    void manyThreadsTogetherGetTheSameRate() throws Exception {
        Bucket bucket = new Bucket(limit(1000, 100, false), START);
        CountDownLatch done = new CountDownLatch(4);
        for (int i = 0; i < 4; i++) {
            Thread.ofPlatform()
                    .start(() -> {
                        for (int j = 0; j < 10_000; j++) {
                            bucket.charge(1, START);
                        }
                        done.countDown();
                    });
        }
        assertThat(done.await(60, TimeUnit.SECONDS)).isTrue();
        assertThat(bucket.charge(100, START)).isEqualTo(START + (40_100 - 1100) * MILLION);
    }
}
