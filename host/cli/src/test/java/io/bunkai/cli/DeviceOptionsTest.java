// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.api.control.Device;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class DeviceOptionsTest {
    private static List<Device> parse(String text) {
        DeviceOptions options = new DeviceOptions();
        new CommandLine(
                        CommandLine.Model.CommandSpec.create()
                                .addMixin(
                                        "devices",
                                        CommandLine.Model.CommandSpec.forAnnotatedObject(options)))
                .parseArgs("--device", text);
        return options.resolve(Path.of("/here"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    /dev/sdx               | /dev/sdx /dev/sdx
                    /dev/sdx:/dev/xvda     | /dev/sdx /dev/xvda
                    /dev/sdx:r             | /dev/sdx /dev/sdx r
                    /dev/sdx:/dev/xvda:rwm | /dev/sdx /dev/xvda rwm
                    sdx:/dev/xvda:rw       | /here/sdx /dev/xvda rw
                    /dev/sdx:rwx           | /dev/sdx rwx
                    """)
    void devices(String text, String expected) {
        assertThat(parse(text))
                .extracting(device ->
                        (device.getSource() + " " + device.getPath() + " " + device.getAccess())
                                .strip())
                .containsExactly(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ":", ":/dev/a", "/dev/a:", "/a:/b:", "/a:/b:x", "/a:/b:r:w"})
    void whatIsNoDeviceIsRefused(String text) {
        Fault fault = catchThrowableOfType(Fault.class, () -> parse(text));
        assertThat(fault.code()).isEqualTo(FaultCode.INVALID_ARGUMENT);
        assertThat(fault.hint().orElse("")).contains("HOST:CONTAINER:r");
    }
}
