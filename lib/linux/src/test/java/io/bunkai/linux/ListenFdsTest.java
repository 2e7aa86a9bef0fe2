// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Fault;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What comes of descriptors that are there, {@link ServiceManagerStandInTest} shows. */
class ListenFdsTest {
    @Test
    void thereAreNoneIfTheyAreForAnotherProcessOrNobody() throws Exception {
        assertThat(ListenFds.take(Map.of(), "7")).isEmpty();
        assertThat(ListenFds.take(Map.of("LISTEN_FDS", "1"), "7")).isEmpty();
        assertThat(ListenFds.take(Map.of("LISTEN_PID", "8", "LISTEN_FDS", "1"), "7")).isEmpty();
        assertThat(
                        ListenFds.take(
                                Map.of("LISTEN_PID", "7", "LISTEN_FDS", "0", "LISTEN_FDNAMES", ""),
                                "7"))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"x, a", "-1, a", "2147483647, a", "2, a", "1, a:b"})
    void variablesThatMakeNoSenseAreRefused(String count, String names) {
        Map<String, String> environment =
                Map.of("LISTEN_PID", "7", "LISTEN_FDS", count, "LISTEN_FDNAMES", names);
        assertThatThrownBy(() -> ListenFds.take(environment, "7")).isInstanceOf(Fault.class);
    }
}
