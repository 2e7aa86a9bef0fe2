// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GlobPatternTest {
    @ParameterizedTest
    @CsvSource({
        "/usr/bin/qemu, /usr/bin/qemu, true",
        "/usr/bin/qemu, /usr/bin/qemu2, false",
        "/usr/bin/qemu, x/usr/bin/qemu, false",
        "/usr/bin/qemu-*, /usr/bin/qemu-system-x86_64, true",
        "/usr/bin/*, /usr/bin/a/b, false",
        "/usr/**, /usr/bin/a, false",
        "/usr/?, /usr/a, true",
        "/usr/?, /usr//, false",
        "/a.b, /axb, false",
        "/[a-c]x, /bx, true",
        "/[a-c]x, /dx, false",
        "/[!a-c]x, /dx, true",
        "/a[!b]c, /a/c, false",
        "/[&&a]x, /&x, true",
        "'/{a,b}', /a, false",
        "'/a\\*', '/a*', true",
        "'/a\\*', /ab, false",
        "/a$, /a, false"
    })
    void matchesWithinOneComponent(String glob, String path, boolean matches) {
        assertThat(GlobPattern.of(glob).matches(path)).isEqualTo(matches);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/[a", "/a\\", "/[z-a]"})
    void refusesPatternsThatCannotBeRead(String glob) {
        assertThatThrownBy(() -> GlobPattern.of(glob)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void knowsAPathThatIsNoPattern() {
        assertThat(GlobPattern.of("/usr/bin/qemu").isLiteral()).isTrue();
        assertThat(GlobPattern.of("/usr/bin/qemu*").isLiteral()).isFalse();
    }
}
