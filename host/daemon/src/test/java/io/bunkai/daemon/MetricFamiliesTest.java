// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Prometheus' text format, to the letter. */
class MetricFamiliesTest {
    private final MetricFamilies families = new MetricFamilies();

    @Test
    void countersAndGaugesAreOrderedByName() {
        families.gauge("b_bytes", "Bytes.", 7, "sandbox", "two");
        families.gauge("b_bytes", "Bytes.", 5, "sandbox", "one");
        families.counter("a_requests", "Requests.", 1L << 40);
        families.time("c_seconds", "Time.", 1_500_000_000, "sandbox", "one");
        assertThat(families.text())
                .isEqualTo(
                        """
                        # HELP a_requests_total Requests.
                        # TYPE a_requests_total counter
                        a_requests_total 1.099511627776E12
                        # HELP b_bytes Bytes.
                        # TYPE b_bytes gauge
                        b_bytes{sandbox="one"} 5.0
                        b_bytes{sandbox="two"} 7.0
                        # HELP c_seconds_total Time.
                        # TYPE c_seconds_total counter
                        c_seconds_total{sandbox="one"} 1.5
                        """);
    }

    @Test
    void aHistogramIsCumulativeOverPowersOfTwoOfMilliseconds() {
        families.histogram(
                "w_seconds", "Waits.", List.of(3L, 0L, 2L, 5L), 8_000_000, "sandbox", "one");
        assertThat(families.text())
                .isEqualTo(
                        """
                        # HELP w_seconds Waits.
                        # TYPE w_seconds histogram
                        w_seconds_bucket{sandbox="one",le="0.001"} 3
                        w_seconds_bucket{sandbox="one",le="0.002"} 3
                        w_seconds_bucket{sandbox="one",le="0.004"} 5
                        w_seconds_bucket{sandbox="one",le="+Inf"} 10
                        w_seconds_count{sandbox="one"} 10
                        w_seconds_sum{sandbox="one"} 0.008
                        """);
    }

    @Test
    void theLastBucketOfTwentyIsWithoutABound() {
        families.histogram("w", "Waits.", Collections.nCopies(20, 1L), 0);
        assertThat(families.text())
                .contains("w_bucket{le=\"262.144\"} 19\n", "w_bucket{le=\"+Inf\"} 20\n")
                .doesNotContain("524.288");
    }

    @Test
    void oneBucketHasAllOfThem() {
        families.histogram("w", "Waits.", List.of(4L), 0);
        assertThat(families.text()).contains("w_bucket{le=\"+Inf\"} 4\n", "w_count 4\n");
    }

    @Test
    void aLabelCannotLeaveItsQuotes() {
        families.gauge("g", "One.", 1, "name", "a\"} 7\nb{c=\"\\");
        assertThat(families.text())
                .isEqualTo(
                        """
                        # HELP g One.
                        # TYPE g gauge
                        g{name="a\\"} 7\\nb{c=\\"\\\\"} 1.0
                        """);
    }

    @Test
    void theLargestNumbersAreNumbers() {
        families.counter("a", "A.", Long.MAX_VALUE);
        families.histogram("w", "Waits.", List.of(Long.MAX_VALUE, 0L), Long.MAX_VALUE);
        assertThat(families.text())
                .contains(
                        "a_total 9.223372036854776E18\n",
                        "w_bucket{le=\"+Inf\"} 9223372036854775807\n",
                        "w_sum 9.223372036854776E9\n");
    }

    @Test
    void withoutFamiliesThereIsNothing() {
        assertThat(families.text()).isEmpty();
    }
}
