// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class GuestTextTest {
    @Test
    void isOneLineWithoutControlCharacters() {
        assertThat(GuestText.printable("a\nb\r\tc\u001b[0m\u0000\u0085\u202ed"))
                .isEqualTo("a b  c [0m   d");
        assertThat(GuestText.printable("plain ä €")).isEqualTo("plain ä €");
    }

    @Test
    void isCutToWhatAPersonReads() {
        assertThat(GuestText.printable("x".repeat(500))).hasSize(500);
        assertThat(GuestText.printable("x".repeat(1_000_000))).hasSize(503).endsWith("x...");
    }

    @Test
    void aCleanedFailureKeepsItsCodeCauseAndHint() {
        Fault cleaned =
                GuestText.cleaned(
                        Fault.notFound("no\nsuch")
                                .causedBy(new IOException("because\nof"))
                                .withHint("do\nthis"));
        assertThat(cleaned.code()).isEqualTo(FaultCode.NOT_FOUND);
        assertThat(cleaned).hasMessage("no such");
        assertThat(cleaned.getCause()).hasMessage("because of");
        assertThat(cleaned.hint()).contains("do this");
        Fault plain = GuestText.cleaned(Fault.internal("plain"));
        assertThat(plain.getCause()).isNull();
        assertThat(plain.hint()).isEmpty();
    }

    @Test
    void aReasonNamesItsCauses() {
        assertThat(
                        GuestText.reason(
                                Fault.internal("a")
                                        .causedBy(new IOException("b", new IOException("c")))))
                .isEqualTo("a: b: c");
        Throwable endless = new IOException("x");
        for (int i = 0; i < 100; i++) {
            endless = new IOException("x", endless);
        }
        assertThat(GuestText.reason(endless)).isEqualTo("x: x: x: x: x");
    }
}
