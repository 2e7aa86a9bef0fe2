// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OutputLogTest {
    private static final int ALL = 1_000_000;

    @TempDir Path directory;

    @Test
    void keepsOrderStreamAndTime() throws Exception {
        try (OutputLog log = OutputLog.open(directory)) {
            append(log, OutputLog.Stream.STDOUT, 1, "one");
            append(log, OutputLog.Stream.STDERR, 2, "two");
            OutputLog.Piece piece = log.read(0, ALL, Duration.ZERO);
            assertThat(piece.entries()).hasSize(2);
            assertThat(piece.entries().get(0).data()).asString().isEqualTo("one");
            assertThat(piece.entries().get(1).stream()).isEqualTo(OutputLog.Stream.STDERR);
            assertThat(piece.entries().get(1).timeMillis()).isEqualTo(2);
            assertThat(piece.end()).isFalse();
        }
    }

    @Test
    void goesOnWhereTheLastPieceEnded() throws Exception {
        try (OutputLog log = OutputLog.open(directory)) {
            append(log, OutputLog.Stream.STDOUT, 1, "aaaa");
            append(log, OutputLog.Stream.STDOUT, 1, "bbbb");
            OutputLog.Piece first = log.read(0, 4, Duration.ZERO);
            assertThat(text(first)).isEqualTo("aaaa");
            assertThat(text(log.read(first.cursor(), 4, Duration.ZERO))).isEqualTo("bbbb");
        }
    }

    @Test
    void oneEntryLargerThanTheLimitIsReturnedAllTheSame() throws Exception {
        try (OutputLog log = OutputLog.open(directory)) {
            append(log, OutputLog.Stream.STDOUT, 1, "abcdef");
            assertThat(text(log.read(0, 1, Duration.ZERO))).isEqualTo("abcdef");
        }
    }

    @Test
    void outlivesItsOwnerAndForgetsARecordThatWasCutShort() throws Exception {
        try (OutputLog log = OutputLog.open(directory)) {
            append(log, OutputLog.Stream.STDOUT, 1, "whole");
        }
        Path file = directory.resolve("0.output");
        Files.write(file, new byte[] {1, 0, 0, 0}, StandardOpenOption.APPEND);
        try (OutputLog log = OutputLog.open(directory)) {
            append(log, OutputLog.Stream.STDOUT, 1, "next");
            assertThat(text(log.read(0, ALL, Duration.ZERO))).isEqualTo("wholenext");
        }
    }

    @Test
    void dropsTheOldestAndTakesNoMoreThanTwoFiles() throws Exception {
        try (OutputLog log = OutputLog.open(directory, 100)) {
            for (int i = 0; i < 50; i++) {
                append(log, OutputLog.Stream.STDOUT, 1, "%020d".formatted(i));
            }
            OutputLog.Piece kept = log.read(0, ALL, Duration.ZERO);
            assertThat(text(kept))
                    .endsWith("%020d".formatted(49))
                    .doesNotContain("%020d".formatted(0));
            assertThat(text(log.read(kept.cursor(), ALL, Duration.ZERO))).isEmpty();
        }
        try (var files = Files.list(directory)) {
            assertThat(files).hasSize(2);
        }
    }

    @Test
    void aReaderThatWaitsIsToldWhatComesAndTheEnd() throws Exception {
        try (OutputLog log = OutputLog.open(directory)) {
            CompletableFuture<OutputLog.Piece> waiting =
                    CompletableFuture.supplyAsync(() -> readPatiently(log, 0));
            append(log, OutputLog.Stream.STDOUT, 1, "news");
            OutputLog.Piece piece = waiting.get(10, TimeUnit.SECONDS);
            assertThat(text(piece)).isEqualTo("news");
            CompletableFuture<OutputLog.Piece> last =
                    CompletableFuture.supplyAsync(() -> readPatiently(log, piece.cursor()));
            log.end();
            assertThat(last.get(10, TimeUnit.SECONDS).end()).isTrue();
        }
    }

    @Test
    void theInterruptOfOneReaderIsNobodyElses() throws Exception {
        try (OutputLog log = OutputLog.open(directory)) {
            append(log, OutputLog.Stream.STDOUT, 1, "one");
            Thread.currentThread().interrupt();
            assertThat(text(log.read(0, ALL, Duration.ZERO))).isEqualTo("one");
            append(log, OutputLog.Stream.STDOUT, 1, "two");
            assertThat(Thread.interrupted()).isTrue();
            assertThat(text(log.read(0, ALL, Duration.ZERO))).isEqualTo("onetwo");
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 12, 13, 14, 15, 20, 30})
    void aPlaceWhereNoPieceEndedIsRefused(long cursor) throws Exception {
        try (OutputLog log = OutputLog.open(directory)) {
            // Whatever is taken for a length here is far too long.
            append(log, OutputLog.Stream.STDOUT, -1, "\u007f".repeat(20));
            append(log, OutputLog.Stream.STDOUT, -1, "\u007f".repeat(20));
            Fault fault =
                    catchThrowableOfType(Fault.class, () -> log.read(cursor, ALL, Duration.ZERO));
            assertThat(fault.code()).isEqualTo(FaultCode.INVALID_ARGUMENT);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {66, 67, Long.MAX_VALUE})
    void nothingIsReadAtTheEndOrBeyond(long cursor) throws Exception {
        try (OutputLog log = OutputLog.open(directory)) {
            append(log, OutputLog.Stream.STDOUT, 1, "x".repeat(20));
            append(log, OutputLog.Stream.STDOUT, 1, "x".repeat(20));
            assertThat(log.read(cursor, ALL, Duration.ZERO).entries()).isEmpty();
        }
    }

    @Test
    void aNegativePlaceIsTheBeginning() throws Exception {
        try (OutputLog log = OutputLog.open(directory)) {
            append(log, OutputLog.Stream.STDOUT, 1, "one");
            assertThat(text(log.read(Long.MIN_VALUE, ALL, Duration.ZERO))).isEqualTo("one");
        }
    }

    @Test
    void aPieceOfManySmallEntriesIsNotLargerThanItsLimit() throws Exception {
        try (OutputLog log = OutputLog.open(directory)) {
            for (int i = 0; i < 1000; i++) {
                append(log, OutputLog.Stream.STDOUT, 1, "x");
            }
            assertThat(log.read(0, 330, Duration.ZERO).entries()).hasSize(10);
        }
    }

    @Test
    void aClosedLogTakesNothingAndMakesNothing() throws Exception {
        OutputLog log = OutputLog.open(directory);
        append(log, OutputLog.Stream.STDOUT, 1, "kept");
        log.close();
        append(log, OutputLog.Stream.STDOUT, 1, "late");
        assertThat(log.read(0, ALL, Duration.ofDays(1)).end()).isTrue();
        try (OutputLog next = OutputLog.open(directory)) {
            assertThat(text(next.read(0, ALL, Duration.ZERO))).isEqualTo("kept");
        }
    }

    @Test
    void filesOfOthersAreLeftAlone() throws Exception {
        Files.writeString(directory.resolve("notes.output"), "x");
        Files.writeString(directory.resolve("99999999999999999999.output"), "x");
        try (OutputLog log = OutputLog.open(directory)) {
            append(log, OutputLog.Stream.STDOUT, 1, "one");
            assertThat(text(log.read(0, ALL, Duration.ZERO))).isEqualTo("one");
        }
    }

    // ---- offsets ----

    private static void appendAt(OutputLog log, OutputLog.Stream stream, long at, String text) {
        log.append(stream, 1, at, text.getBytes(StandardCharsets.UTF_8));
    }

    private static void assertOffsets(OutputLog log, long stdout, long stderr) {
        assertThat(log.offset(OutputLog.Stream.STDOUT)).isEqualTo(stdout);
        assertThat(log.offset(OutputLog.Stream.STDERR)).isEqualTo(stderr);
    }

    @Test
    void whatIsOfferedAgainIsKeptOnce() throws Exception {
        try (OutputLog log = OutputLog.open(directory)) {
            appendAt(log, OutputLog.Stream.STDOUT, 0, "one");
            appendAt(log, OutputLog.Stream.STDOUT, 0, "one");
            appendAt(log, OutputLog.Stream.STDERR, 0, "err");
            appendAt(log, OutputLog.Stream.STDOUT, 1, "netwo");
            assertThat(text(log.read(0, ALL, Duration.ZERO))).isEqualTo("oneerrtwo");
            assertOffsets(log, 6, 3);
        }
        try (OutputLog log = OutputLog.open(directory)) {
            assertOffsets(log, 6, 3);
            appendAt(log, OutputLog.Stream.STDOUT, 3, "two");
            assertThat(text(log.read(0, ALL, Duration.ZERO))).isEqualTo("oneerrtwo");
        }
    }

    @Test
    void aRecordThatWasCutShortIsOfferedAgainAndKept() throws Exception {
        try (OutputLog log = OutputLog.open(directory)) {
            appendAt(log, OutputLog.Stream.STDOUT, 0, "one");
            appendAt(log, OutputLog.Stream.STDOUT, 3, "two");
        }
        Path file = directory.resolve("0.output");
        byte[] whole = Files.readAllBytes(file);
        for (int cut = 13 + 3; cut < whole.length; cut++) {
            Files.write(file, java.util.Arrays.copyOf(whole, cut));
            try (OutputLog log = OutputLog.open(directory)) {
                assertOffsets(log, 3, 0);
                appendAt(log, OutputLog.Stream.STDOUT, 3, "two");
                assertThat(text(log.read(0, ALL, Duration.ZERO))).isEqualTo("onetwo");
            }
        }
    }

    /** Also of a stream of which nothing is left in any file. */
    @Test
    void offsetsOutliveTheRecordsThatTheyCount() throws Exception {
        try (OutputLog log = OutputLog.open(directory, 100)) {
            append(log, OutputLog.Stream.STDERR, 1, "only once");
            for (int i = 0; i < 50; i++) {
                append(log, OutputLog.Stream.STDOUT, 1, "%020d".formatted(i));
            }
            assertThat(text(log.read(0, ALL, Duration.ZERO))).doesNotContain("only once");
        }
        try (OutputLog log = OutputLog.open(directory, 100)) {
            assertOffsets(log, 1000, 9);
            appendAt(log, OutputLog.Stream.STDOUT, 980, "%020d".formatted(49));
            append(log, OutputLog.Stream.STDOUT, 1, "last");
            assertThat(text(log.read(0, ALL, Duration.ZERO)))
                    .containsOnlyOnce("%020d".formatted(49))
                    .endsWith("49last");
        }
    }

    @Test
    void aGapIsRememberedAndShownToNobody() throws Exception {
        try (OutputLog log = OutputLog.open(directory)) {
            appendAt(log, OutputLog.Stream.STDOUT, 0, "one");
            appendAt(log, OutputLog.Stream.STDOUT, 1000, "two");
            assertOffsets(log, 1003, 0);
        }
        try (OutputLog log = OutputLog.open(directory)) {
            assertOffsets(log, 1003, 0);
            OutputLog.Piece one = log.read(0, 3, Duration.ZERO);
            assertThat(text(one)).isEqualTo("one");
            assertThat(text(log.read(one.cursor(), ALL, Duration.ZERO))).isEqualTo("two");
            assertThat(log.read(0, ALL, Duration.ZERO).entries()).hasSize(2);
        }
    }

    private static OutputLog.Piece readPatiently(OutputLog log, long cursor) {
        try {
            return log.read(cursor, ALL, Duration.ofSeconds(10));
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void append(OutputLog log, OutputLog.Stream stream, long time, String text) {
        byte[] data = text.getBytes(StandardCharsets.UTF_8);
        log.append(stream, time, data);
    }

    private static String text(OutputLog.Piece piece) {
        StringBuilder text = new StringBuilder();
        piece.entries().forEach(e -> text.append(new String(e.data(), StandardCharsets.UTF_8)));
        return text.toString();
    }
}
