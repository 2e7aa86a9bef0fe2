// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Cuts a stream into lines and refuses those that are too long before they fill the memory. */
final class LineReader {
    private static final int CHUNK = 8192;

    private final InputStream in;
    private final int longest;
    private final byte[] chunk = new byte[CHUNK];
    private int next;
    private int end;

    /**
     * A reader that owns nothing.
     *
     * @param longest the most bytes that a line may have, its end not counted
     */
    LineReader(InputStream in, int longest) {
        this.in = in;
        this.longest = longest;
    }

    /**
     * {@return the next line without its end, be it LF or CR LF; null at the end of the stream,
     * where a line without an end is dropped}
     *
     * @throws QmpProtocolException if the line is too long
     */
    byte @Nullable [] read() throws IOException {
        var line = new ByteArrayOutputStream(CHUNK);
        while (true) {
            if (next == end) {
                next = 0;
                end = Math.max(0, in.read(chunk, 0, CHUNK));
                if (end == 0) {
                    return null;
                }
            }
            int from = next;
            while (next < end && chunk[next] != '\n') {
                next++;
            }
            if (line.size() + (next - from) > longest) {
                throw new QmpProtocolException("a line of more than " + longest + " bytes");
            }
            line.write(chunk, from, next - from);
            if (next < end) {
                next++;
                return withoutCarriageReturn(line.toByteArray());
            }
        }
    }

    private static byte[] withoutCarriageReturn(byte[] line) {
        boolean ends = line.length > 0 && line[line.length - 1] == '\r';
        return ends ? Arrays.copyOf(line, line.length - 1) : line;
    }
}
