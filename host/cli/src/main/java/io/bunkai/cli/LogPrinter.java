// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.control.LogEntry;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;

/**
 * Writes kept output where it first went: standard output and standard error apart, byte by byte as
 * they came, with the time before each line if that is wanted.
 */
final class LogPrinter {
    private static final int MILLI_DIGITS = 3;

    /** All of them equally long, so that lines stay aligned. */
    private static final DateTimeFormatter TIME =
            new DateTimeFormatterBuilder().appendInstant(MILLI_DIGITS).toFormatter();

    private final Side stdout;
    private final Side stderr;
    private final boolean timestamps;

    LogPrinter(OutputStream stdout, OutputStream stderr, boolean timestamps) {
        this.stdout = new Side(stdout);
        this.stderr = new Side(stderr);
        this.timestamps = timestamps;
    }

    private static final class Side {
        private final OutputStream stream;
        private boolean atLineStart = true;

        Side(OutputStream stream) {
            this.stream = stream;
        }
    }

    void print(LogEntry entry) throws IOException {
        print(entry.getStream(), entry.getTimeMs(), entry.getData().toByteArray());
    }

    void print(LogEntry.Stream stream, long timeMs, byte[] data) throws IOException {
        Side side = stream == LogEntry.Stream.STDERR ? stderr : stdout;
        if (!timestamps) {
            side.stream.write(data, 0, data.length);
            side.stream.flush();
            return;
        }
        byte[] time =
                (TIME.format(Instant.ofEpochMilli(timeMs)) + " ")
                        .getBytes(StandardCharsets.US_ASCII);
        int from = 0;
        while (from < data.length) {
            if (side.atLineStart) {
                side.stream.write(time);
            }
            int to = LogTail.endOfLine(data, from);
            side.stream.write(data, from, to - from);
            side.atLineStart = data[to - 1] == '\n';
            from = to;
        }
        side.stream.flush();
    }
}
