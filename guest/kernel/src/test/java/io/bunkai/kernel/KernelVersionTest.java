// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Fault;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KernelVersionTest {
    @ParameterizedTest
    @ValueSource(strings = {"6.1", "6.1.176", "6.12-rc3", "5.19.2-custom"})
    void isWrittenAsItWasRead(String text) {
        assertThat(KernelVersion.parse(text)).hasToString(text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "6", "six", "6.1/../../x", "6.1 ", "6.1.2.3/x"})
    void whatIsNoVersionIsRefused(String text) {
        assertThatThrownBy(() -> KernelVersion.parse(text)).isInstanceOf(Fault.class);
    }

    @Test
    void isOrderedByNumbersAndNotByDigits() {
        assertThat(KernelVersion.parse("6.10")).isGreaterThan(KernelVersion.parse("6.9"));
        assertThat(KernelVersion.parse("6.1.9")).isLessThan(KernelVersion.parse("6.1.10"));
        assertThat(KernelVersion.parse("5.19")).isLessThan(KernelVersion.parse("6.1"));
    }

    @Test
    void aSeriesMeansAllItsVersionsAndNoOther() {
        assertThat(KernelVersion.parse("6.1.176").isMeantBy("6.1")).isTrue();
        assertThat(KernelVersion.parse("6.1.176").isMeantBy("v6.1.176")).isTrue();
        assertThat(KernelVersion.parse("6.12.3").isMeantBy("6.1")).isFalse();
        assertThat(KernelVersion.parse("6.1.176").isMeantBy("6.1.17")).isFalse();
    }
}
