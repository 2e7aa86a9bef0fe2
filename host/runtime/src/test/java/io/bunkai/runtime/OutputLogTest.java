// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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

    private static OutputLog.Piece readPatiently(OutputLog log, long cursor) {
        try {
            return log.read(cursor, ALL, Duration.ofSeconds(10));
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void append(OutputLog log, OutputLog.Stream stream, long time, String text) {
        byte[] data = text.getBytes(StandardCharsets.UTF_8);
        log.append(stream, time, data, 0, data.length);
    }

    private static String text(OutputLog.Piece piece) {
        StringBuilder text = new StringBuilder();
        piece.entries().forEach(e -> text.append(new String(e.data(), StandardCharsets.UTF_8)));
        return text.toString();
    }
}
