// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.bunkai.runtime.FairDivision.Claim;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FairDivisionTest {
    private static final double ALL = Double.POSITIVE_INFINITY;

    private static double[] divide(double amount, Claim... claims) {
        return FairDivision.divide(amount, List.of(claims));
    }

    private static Claim takes(int weight, double wanted) {
        return new Claim(weight, wanted, ALL);
    }

    @Test
    void thoseWhoTakeEverythingGetEqualParts() {
        assertThat(divide(90, takes(100, ALL), takes(100, ALL), takes(100, ALL)))
                .containsExactly(30, 30, 30);
    }

    @Test
    void weightsCount() {
        assertThat(divide(80, takes(100, ALL), takes(300, ALL))).containsExactly(20, 60);
    }

    @Test
    void whatOneDoesNotWantTheOthersGetByWeight() {
        assertThat(divide(100, takes(100, 10), takes(100, ALL), takes(200, ALL)))
                .containsExactly(10, 30, 60);
    }

    @Test
    void oneWhoDoesNothingKeepsEnoughToBegin() {
        double[] parts = divide(128, takes(100, 0), takes(100, ALL));
        assertThat(parts[0]).isCloseTo(0.5, within(1e-9));
        assertThat(parts[1]).isCloseTo(127.5, within(1e-9));
    }

    @Test
    void whatNobodyWantsIsHandedOutByWeight() {
        assertThat(divide(100, takes(100, 10), takes(300, 10))).containsExactly(30, 70);
    }

    @Test
    void nobodyGetsMoreThanHeMay() {
        assertThat(divide(100, new Claim(100, ALL, 20), takes(100, 10))).containsExactly(20, 80);
        assertThat(divide(100, new Claim(100, ALL, 20), new Claim(100, 0, 30)))
                .containsExactly(20, 30);
    }

    @Test
    void ofNobodyNothingIsAsked() {
        assertThat(divide(100)).isEmpty();
    }

    /** Held against thousands of divisions by chance. */
    @Test
    void partsNeverAddUpToMoreAndNobodyGetsLessThanHisPartWhoWantsIt() {
        Random random = new Random(8);
        for (int i = 0; i < 5000; i++) {
            double amount = random.nextInt(1, 1_000_000);
            Claim[] claims = new Claim[random.nextInt(1, 12)];
            for (int j = 0; j < claims.length; j++) {
                claims[j] =
                        new Claim(
                                random.nextInt(1, 10_000),
                                random.nextBoolean() ? ALL : random.nextInt(1_000_000),
                                random.nextInt(4) == 0 ? random.nextInt(1_000_000) : ALL);
            }
            double[] parts = divide(amount, claims);
            double sum = Arrays.stream(parts).sum();
            double most = Arrays.stream(claims).mapToDouble(Claim::most).sum();
            double weights = Arrays.stream(claims).mapToDouble(Claim::weight).sum();
            assertThat(sum).isCloseTo(Math.min(amount, most), within(amount * 1e-9));
            for (int j = 0; j < claims.length; j++) {
                double due = amount * claims[j].weight() / weights;
                double wanted = Math.min(claims[j].wanted(), claims[j].most());
                assertThat(parts[j]).isGreaterThanOrEqualTo(Math.min(due, wanted) * (1 - 1e-9));
                assertThat(parts[j]).isLessThanOrEqualTo(claims[j].most());
            }
        }
    }
}
