// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StreamTargetTest {
    private static StreamTarget parse(String name) {
        return StreamTarget.parse("stdout", name);
    }

    @Test
    void anEmptyNameIsNothing() {
        assertThat(parse("")).isEqualTo(new StreamTarget.Nothing());
    }

    @Test
    void aPathIsTakenAsItIs() {
        String odd = "/run/a b%20?c#d:e";
        assertThat(parse(odd)).isEqualTo(new StreamTarget.Existing(Path.of(odd)));
    }

    @Test
    void aUriIsDecoded() {
        assertThat(parse("fifo:///run/x+y%20z"))
                .isEqualTo(new StreamTarget.Existing(Path.of("/run/x+y z")));
        assertThat(parse("file:///var/log/a b?unused=1"))
                .isEqualTo(new StreamTarget.AppendedFile(Path.of("/var/log/a b")));
        assertThat(parse("file:/var/log/a"))
                .isEqualTo(new StreamTarget.AppendedFile(Path.of("/var/log/a")));
    }

    @Test
    void aLoggersQueryBecomesItsArguments() {
        assertThat(parse("binary:///usr/bin/log?z=%2Fvar%2Flib&a=b+c&flag&z=again"))
                .isEqualTo(
                        new StreamTarget.Logger(
                                Path.of("/usr/bin/log"),
                                List.of("z", "/var/lib", "a", "b c", "flag", ""),
                                false));
        assertThat(parse("binary-v2:///usr/bin/log"))
                .isEqualTo(new StreamTarget.Logger(Path.of("/usr/bin/log"), List.of(), true));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "relative",
                "file://relative",
                "file:relative",
                "binary://",
                "ttrpc+unix:///run/s?id=1",
                "file:///%zz",
                "/nul\0byte"
            })
    void whatHasNoMeaningIsRefused(String name) {
        assertThatExceptionOfType(Fault.class)
                .isThrownBy(() -> parse(name))
                .satisfies(fault -> assertThat(fault.code()).isEqualTo(FaultCode.INVALID_ARGUMENT))
                .withMessageContaining("stdout");
    }
}
