// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DaemonOptionsTest {
    private static DaemonOptions parse(String line) {
        return DaemonOptions.parse(List.of(line.split(" ", -1)));
    }

    @Test
    void takesTheTwoThatAreNeeded() {
        assertThat(parse("--state-root /s --guest /g"))
                .isEqualTo(
                        new DaemonOptions(
                                Path.of("/s"),
                                Path.of("/g"),
                                Path.of("/usr/libexec/bunkai-virtiofsd"),
                                Optional.empty(),
                                false,
                                false));
    }

    @Test
    void takesAFileOrKatasPlaces() {
        assertThat(parse("--guest /g --config /c --state-root /s").configuration())
                .contains(Path.of("/c"));
        assertThat(parse("--state-root /s --guest /g --kata-config").kataConfiguration()).isTrue();
    }

    @Test
    void pathsAreAbsoluteFromHereOn() {
        Path here = Path.of("").toAbsolutePath();
        assertThat(parse("--state-root a/../b --guest .").stateRoot()).isEqualTo(here.resolve("b"));
        assertThat(parse("--state-root a/../b --guest .").guest()).isEqualTo(here);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "--state-root /s",
                "--guest /g",
                "--state-root /s --guest",
                "--state-root --guest /g",
                "--state-root  --guest /g",
                "--state-root /s --guest /g --config /c --kata-config",
                "--state-root /s --guest /g --config --kata-config",
                "--state-root /s --guest /g --verbose",
                "--state-root /s --guest /g extra"
            })
    void whatMakesNoSenseIsRefusedWithTheUsage(String line) {
        Fault fault = catchThrowableOfType(Fault.class, () -> parse(line));
        assertThat(fault.code()).isEqualTo(FaultCode.INVALID_ARGUMENT);
        assertThat(fault.hint()).contains(DaemonOptions.USAGE);
    }
}
