// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ResourceBundle;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LineLoggerFinderTest {
    private final PrintStream before = System.err;
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();

    /** A logger keeps the stream that it finds when it is made. */
    private System.Logger logger(String name) {
        System.setErr(new PrintStream(written, true, StandardCharsets.UTF_8));
        try {
            return new LineLoggerFinder().getLogger(name, LineLoggerFinderTest.class.getModule());
        } finally {
            System.setErr(before);
        }
    }

    @AfterEach
    void restore() {
        System.setErr(before);
    }

    private final System.Logger log = logger("io.bunkai.runtime.Container");

    private String text() {
        return written.toString(StandardCharsets.UTF_8);
    }

    @Test
    void anEventIsALineWithTimeLevelClassAndSentence() {
        log.log(System.Logger.Level.INFO, "container ended id={0} code={1}", "a1b2", 1234567);
        assertThat(text())
                .matches(
                        "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z INFO Container:"
                                + " container ended id=a1b2 code=1234567\\R");
    }

    @Test
    void aSentenceWithoutFieldsIsWrittenAsItIs() {
        log.log(System.Logger.Level.INFO, "plain {0} it's");
        log.log(System.Logger.Level.INFO, () -> "supplied {");
        log.log(System.Logger.Level.INFO, (Object) "object");
        assertThat(text()).contains("plain {0} it's", "supplied {", "object");
    }

    @Test
    void aSentenceMayHaveApostrophesAndBraces() {
        log.log(System.Logger.Level.INFO, "a machine's {0}", "end");
        log.log(System.Logger.Level.INFO, "json {\"a\": 1} field={0}", "x");
        assertThat(text()).contains("a machine's end", "json").contains("x");
    }

    @Test
    void whatOthersSayDoesNotLookLikeALineOfItsOwn() {
        log.log(
                System.Logger.Level.INFO,
                "said {0}",
                "a\n2026-01-01T00:00:00Z ERROR b\r\u001b[31m");
        assertThat(text().lines()).hasSize(1);
        assertThat(text()).doesNotContain("\u001b").doesNotContain("\r");
    }

    @Test
    void aFieldIsNeverTakenForAPattern() {
        log.log(System.Logger.Level.INFO, "said {0} {1}", "{1}", "x");
        assertThat(text()).contains("said {1} x");
    }

    @Test
    void nullsAreWritten() {
        log.log(System.Logger.Level.INFO, "value {0}", (Object) null);
        log.log(System.Logger.Level.INFO, (ResourceBundle) null, (String) null, (Object[]) null);
        log.log(System.Logger.Level.INFO, (String) null, (Throwable) null);
        assertThat(text()).contains("value null").contains("Container: null");
    }

    @Test
    void aFailureHasItsTrace() {
        @Nullable Throwable failure = new IOException("why\u001b", new IOException("deeper"));
        log.log(System.Logger.Level.ERROR, "it failed", failure);
        assertThat(text())
                .contains("ERROR Container: it failed")
                .contains("java.io.IOException: why ")
                .contains("\tat io.bunkai.daemon.LineLoggerFinderTest")
                .contains("Caused by: java.io.IOException: deeper");
    }

    @Test
    void whatIsBelowTheThresholdIsNotWritten() {
        log.log(System.Logger.Level.DEBUG, "detail");
        log.log(System.Logger.Level.TRACE, "detail {0}", 1);
        log.log(System.Logger.Level.DEBUG, "detail", new IOException("x"));
        assertThat(text()).isEmpty();
        assertThat(log.isLoggable(System.Logger.Level.DEBUG)).isFalse();
        assertThat(log.isLoggable(System.Logger.Level.OFF)).isTrue();
        assertThat(log.getName()).isEqualTo("io.bunkai.runtime.Container");
    }

    @Test
    void theJdksOwnChatterIsNotWritten() {
        System.Logger jdk = logger("jdk.internal.httpclient");
        jdk.log(System.Logger.Level.INFO, "chatter");
        jdk.log(System.Logger.Level.WARNING, "trouble");
        assertThat(text()).doesNotContain("chatter").contains("trouble");
    }
}
