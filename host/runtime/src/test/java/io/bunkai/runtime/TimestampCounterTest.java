// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TimestampCounterTest {
    private static final String VIRTUAL =
            """
            processor\t: 0
            cpu MHz\t\t: 2596.122
            flags\t\t: fpu vme tsc constant_tsc nonstop_tsc tsc_known_freq

            processor\t: 1
            cpu MHz\t\t: 1.000
            flags\t\t: fpu
            """;

    @Test
    void isWhatAVirtualMachineShowsAsItsFrequency() {
        assertThat(TimestampCounter.kilohertz(VIRTUAL, false)).contains(2_596_122L);
    }

    @Test
    void isUnknownWhereThePresentFrequencyIsShown() {
        assertThat(TimestampCounter.kilohertz(VIRTUAL, true)).isEmpty();
        assertThat(TimestampCounter.kilohertz(VIRTUAL.replace("nonstop_tsc", "aperfmperf"), false))
                .isEmpty();
    }

    @Test
    void isUnknownWhereItIsNotConstantOrNotShown() {
        assertThat(TimestampCounter.kilohertz(VIRTUAL.replace("constant_tsc", "acpi"), false))
                .isEmpty();
        assertThat(TimestampCounter.kilohertz(VIRTUAL.replace("2596.122", "fast"), false))
                .isEmpty();
        assertThat(TimestampCounter.kilohertz("", false)).isEmpty();
    }
}
