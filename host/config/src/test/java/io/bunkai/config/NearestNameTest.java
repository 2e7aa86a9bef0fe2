// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NearestNameTest {
    @ParameterizedTest
    @CsvSource({
        "path, path, 0",
        "path, paht, 1",
        "path, pat, 1",
        "path, paths, 1",
        "path, bath, 1",
        "'', path, 4",
        "kernel, colonel, 4"
    })
    void countsInsertionsDeletionsReplacementsAndSwaps(String a, String b, int distance) {
        assertThat(NearestName.distance(a, b)).isEqualTo(distance);
        assertThat(NearestName.distance(b, a)).isEqualTo(distance);
    }

    @Test
    void guessesNothingThatIsTooFarAway() {
        assertThat(NearestName.of("abc", List.of("xyz", "ab"))).contains("ab");
        assertThat(NearestName.of("abc", List.of("xyz"))).isEmpty();
    }
}
