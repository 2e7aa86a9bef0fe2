// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.base;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AmountTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "007, 7",
        "20000000, 20000000",
        "10k, 10000",
        "10K, 10000",
        "10M, 10000000",
        "1G, 1000000000",
        "3Ki, 3072",
        "3ki, 3072",
        "2Mi, 2097152",
        "1Gi, 1073741824",
        "1125899906842624, 1125899906842624",
        "1048576Gi, 1125899906842624"
    })
    void anAmountIsANumberAndAUnit(String text, long amount) {
        assertThat(Amount.of(text)).hasValue(amount);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "M",
                "-1",
                "+1",
                "1.5M",
                "1 M",
                "10m",
                "10g",
                "10MB",
                "10i",
                "1T",
                "0x10",
                "1125899906842625",
                "1048577Gi",
                "99999999999999999999"
            })
    void everythingElseIsNone(String text) {
        assertThat(Amount.of(text)).isEmpty();
    }
}
