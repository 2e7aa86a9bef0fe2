// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteSizeTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "4096, 4096",
        "64k, 65536",
        "512m, 536870912",
        "512MiB, 536870912",
        "512mb, 536870912",
        "1g, 1073741824",
        "2t, 2199023255552",
        "17b, 17"
    })
    void readsWhatDockersOptionsAllow(String text, long bytes) {
        assertThat(ByteSize.parse(text).bytes()).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "m", "-1", "1.5g", "1x", "9999999999999999999", "9000000000000t"})
    void refusesWhatIsNoSize(String text) {
        assertThatThrownBy(() -> ByteSize.parse(text))
                .isInstanceOfSatisfying(
                        Fault.class,
                        fault -> assertThat(fault.code()).isEqualTo(FaultCode.INVALID_ARGUMENT));
    }

    @Test
    void roundsUpToWholeMebibytes() {
        assertThat(ByteSize.ofBytes(1).mibCeiling()).isEqualTo(1);
        assertThat(ByteSize.ofMib(64).mibCeiling()).isEqualTo(64);
        assertThat(ByteSize.ofMib(64).plus(ByteSize.ofBytes(1)).mibCeiling()).isEqualTo(65);
    }

    @Test
    void isPrintedForPeople() {
        assertThat(ByteSize.ofBytes(17)).hasToString("17 B");
        assertThat(ByteSize.ofMib(512)).hasToString("512 MiB");
        assertThat(ByteSize.ofMib(1536)).hasToString("1.5 GiB");
    }
}
