// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.control.LogEntry;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The last lines of output that comes in pieces of any size. A line belongs to one stream; lines
 * keep the order in which they began. Holds no more than those lines.
 */
final class LogTail {
    private final int limit;
    private final Deque<Line> lines = new ArrayDeque<>();

    /** The line of each stream that has no end yet. */
    private final Map<LogEntry.Stream, Line> open = new EnumMap<>(LogEntry.Stream.class);

    /**
     * Makes an empty tail.
     *
     * @param limit most lines to keep
     */
    LogTail(int limit) {
        this.limit = limit;
    }

    private record Line(LogEntry.Stream stream, long timeMs, List<byte[]> pieces) {}

    void add(LogEntry entry) {
        byte[] data = entry.getData().toByteArray();
        LogEntry.Stream stream =
                entry.getStream() == LogEntry.Stream.STDERR
                        ? LogEntry.Stream.STDERR
                        : LogEntry.Stream.STDOUT;
        int from = 0;
        while (from < data.length) {
            int to = endOfLine(data, from);
            Line line = open.remove(stream);
            if (line == null) {
                line = new Line(stream, entry.getTimeMs(), new ArrayList<>());
                lines.add(line);
            }
            line.pieces.add(Arrays.copyOfRange(data, from, to));
            if (data[to - 1] != '\n') {
                open.put(stream, line);
            }
            if (lines.size() > limit) {
                lines.remove();
            }
            from = to;
        }
    }

    void print(LogPrinter printer) throws IOException {
        for (Line line : lines) {
            for (byte[] piece : line.pieces) {
                printer.print(line.stream, line.timeMs, piece);
            }
        }
    }

    /** {@return the index behind the next line's end, or behind the data} */
    static int endOfLine(byte[] data, int from) {
        int at = from;
        while (at < data.length && data[at] != '\n') {
            at++;
        }
        return Math.min(at + 1, data.length);
    }
}
