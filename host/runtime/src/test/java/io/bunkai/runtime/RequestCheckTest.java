// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.nio.file.Path;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestCheckTest {
    private static Fault refused(FakeNode.Wish wish) {
        Fault fault = catchThrowableOfType(Fault.class, () -> RequestCheck.check(wish.request()));
        assertThat(fault.code()).isEqualTo(FaultCode.INVALID_ARGUMENT);
        return fault;
    }

    private static FakeNode.Wish wish() {
        return new FakeNode.Wish();
    }

    @Test
    void takesWhatMakesSense() {
        assertThatCode(() ->
                        RequestCheck.check(
                                wish().arguments("sh", "-c", "")
                                        .environment("A=", "B=c=d", "C", "D=\n")
                                        .directory("/a b")
                                        .user("app:staff")
                                        .hostname("Box-1.example")
                                        .terminal(0, 65_535)
                                        .request()))
                .doesNotThrowAnyException();
    }

    @ParameterizedTest
    @CsvSource({
        "/dev/a, xvda, rwm",
        "/dev/a, /, rwm",
        "/dev/a, /dev/.., rwm",
        "dev/a, /dev/a, rwm",
        "/dev/a, /dev/a, m",
        "/dev/a, /dev/a, rwx",
    })
    void refusesDevicesThatMakeNoSense(String source, String path, String access) {
        refused(wish().devices(new ContainerRequest.Device(Path.of(source), path, access)));
    }

    @Test
    void refusesTwoDevicesInOnePlace() {
        refused(
                wish().devices(
                                new ContainerRequest.Device(Path.of("/a"), "/dev/a", "r"),
                                new ContainerRequest.Device(Path.of("/b"), "/dev//a", "r")));
    }

    @Test
    void refusesZeroBytesAnywhere() {
        refused(wish().arguments("a\0"));
        refused(wish().entrypoint("a\0"));
        refused(wish().environment("A=\0"));
        refused(wish().directory("/\0"));
        refused(wish().user("a\0"));
        refused(wish().hostname("a\0"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "=", "=value"})
    void refusesVariablesWithoutAName(String variable) {
        refused(wish().environment(variable));
    }

    @Test
    void neverQuotesAVariable() {
        assertThat(refused(wish().environment("=s3cret"))).hasMessageNotContaining("s3cret");
        assertThat(refused(wish().environment("A=s3cret\0"))).hasMessageNotContaining("s3cret");
        assertThat(refused(wish().environment("A=s3cret" + "x".repeat(200_000))))
                .hasMessageNotContaining("s3cret");
    }

    @Test
    void refusesWordsLongerThanTheKernelTakes() {
        refused(wish().arguments("x".repeat(128 * 1024)));
        refused(wish().arguments("ä".repeat(64 * 1024)));
        RequestCheck.check(wish().arguments("x".repeat(128 * 1024 - 1)).request());
    }

    @Test
    void refusesMoreWordsThanARecordShouldHold() {
        String[] many = Collections.nCopies(1024, "x".repeat(1024)).toArray(String[]::new);
        refused(wish().arguments(many));
    }

    @ParameterizedTest
    @ValueSource(strings = {"relative", "./a", "~"})
    void refusesDirectoriesThatAreNotAbsolute(String directory) {
        refused(wish().directory(directory));
    }

    @ParameterizedTest
    @ValueSource(strings = {"-a", ".a", "a b", "a\nb", "a_b", "a/b"})
    void refusesHostnamesThatAreNone(String hostname) {
        refused(wish().hostname(hostname));
    }

    @Test
    void refusesHostnamesLongerThanTheKernelTakes() {
        RequestCheck.check(wish().hostname("a".repeat(64)).request());
        refused(wish().hostname("a".repeat(65)));
    }

    @ParameterizedTest
    @CsvSource({"-1, 1", "1, -1", "65536, 1", "1, 65536", "-2147483648, 1"})
    void refusesTerminalsThatCannotBe(int rows, int columns) {
        refused(wish().terminal(rows, columns));
    }

    @Test
    void requestsDoNotPrintTheirSecrets() {
        assertThat(wish().environment("A=s3cret").request().toString()).doesNotContain("s3cret");
        assertThat(
                        new ExecRequest(
                                        java.util.List.of("ls"),
                                        java.util.List.of("A=s3cret"),
                                        "",
                                        "",
                                        java.util.Optional.empty(),
                                        false)
                                .toString())
                .doesNotContain("s3cret");
    }
}
