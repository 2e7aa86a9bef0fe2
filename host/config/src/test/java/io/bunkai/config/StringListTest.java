// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StringListTest {
    @Test
    void readsWhatJsonAllows() {
        assertThat(StringList.parse("[]")).isEmpty();
        assertThat(StringList.parse("[ ] ")).isEmpty();
        assertThat(StringList.parse("[\"a\"]")).containsExactly("a");
        assertThat(StringList.parse("[ \"a\" ,\n\"b c\",\"\"] ")).containsExactly("a", "b c", "");
        assertThat(StringList.parse("[\"\\\"\\\\\\/\\n\\u0041\"]")).containsExactly("\"\\/\nA");
        assertThat(StringList.parse("[\"[\", \"]\", \",\", \"$1\"]"))
                .containsExactly("[", "]", ",", "$1");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[",
                "[\"a\"",
                "[\"a\",]",
                "[,\"a\"]",
                "[a]",
                "[1]",
                "[[\"a\"]]",
                "[\"a\"] x",
                "[\"a\" \"b\"]",
                "[\"\\x\"]",
                "[\"\\u00g0\"]",
                "[\"a\nb\"]"
            })
    void refusesEverythingElse(String text) {
        assertThatThrownBy(() -> StringList.parse(text))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void standsTextsWithoutMeasure() {
        String brackets = "[".repeat(200_000);
        assertThatThrownBy(() -> StringList.parse(brackets))
                .isInstanceOf(IllegalArgumentException.class);
        String quotes = "[\"" + "a".repeat(200_000);
        assertThatThrownBy(() -> StringList.parse(quotes))
                .isInstanceOf(IllegalArgumentException.class);
        String escapes = "[\"" + "\\n".repeat(100_000) + "\"]";
        assertThat(StringList.parse(escapes)).singleElement().asString().hasSize(100_000);
    }
}
