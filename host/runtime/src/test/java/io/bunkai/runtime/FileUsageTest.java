// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

class FileUsageTest {
    private static FileUsage of(String json) {
        return FileUsage.of(JsonMapper.shared().readTree(json));
    }

    @Test
    void everyFigureOfAnAnswerIsRead() {
        FileUsage usage =
                of(
                        """
                        {"limits": {"fs-bw-size": "10"}, "bytes-read": 1, "bytes-written": 2,
                         "requests": 3, "throttled": 4, "throttled-nanos": 5, "waits": [6, 0, 7],
                         "parked": 8, "bytes-of-credit": 9}
                        """);
        assertThat(usage.limited()).isTrue();
        assertThat(usage.readBytes()).hasValue(1);
        assertThat(usage.writtenBytes()).hasValue(2);
        assertThat(usage.requests()).hasValue(3);
        assertThat(usage.throttled()).hasValue(4);
        assertThat(usage.throttledNanos()).hasValue(5);
        assertThat(usage.waits()).containsExactly(6L, 0L, 7L);
        assertThat(usage.parked()).hasValue(8);
    }

    @Test
    void withoutLimitsNothingIsLimited() {
        assertThat(of("{\"limits\": {}}").limited()).isFalse();
        assertThat(of("{}").limited()).isFalse();
        assertThat(of("[]").limited()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-1",
                "\"7\"",
                "1.5",
                "1e300",
                "9223372036854775808",
                "null",
                "true",
                "[1]",
                "{\"a\":1}"
            })
    void aFigureThatIsNoNumberFromNoughtOnIsLeftOut(String figure) {
        FileUsage usage =
                of(
                        "{\"bytes-read\": %s, \"requests\": 3, \"waits\": [1, %s]}"
                                .formatted(figure, figure));
        assertThat(usage.readBytes()).isEqualTo(OptionalLong.empty());
        assertThat(usage.waits()).isEmpty();
        assertThat(usage.requests()).hasValue(3);
    }

    @Test
    void thereAreNoMoreWaitsThanMakeSense() {
        String many = "1,".repeat(32) + "1";
        assertThat(of("{\"waits\": [" + many + "]}").waits()).isEmpty();
        assertThat(of("{\"waits\": [" + many.substring(2) + "]}").waits()).hasSize(32);
        assertThat(of("{\"waits\": 7}").waits()).isEmpty();
    }

    @Test
    void theSumOfAllWaitsIsANumber() {
        assertThat(of("{\"waits\": [9223372036854775807, 0]}").waits()).hasSize(2);
        assertThat(of("{\"waits\": [9223372036854775807, 1]}").waits()).isEmpty();
    }
}
