// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/**
 * A connection in memory, seen from its two ends, like a pair of connected sockets.
 *
 * @param left one end
 * @param right the other
 */
public record MemoryLink(End left, End right) {
    /** {@return a link that holds this many bytes in each direction} */
    public static MemoryLink create(int capacity) {
        MemoryPipe there = new MemoryPipe(capacity);
        MemoryPipe back = new MemoryPipe(capacity);
        return new MemoryLink(
                new End(back.input(), there.output()), new End(there.input(), back.output()));
    }

    /**
     * One end of a link. Closing it wakes whoever waits at either end.
     *
     * @param in what the other end writes
     * @param out what the other end reads
     */
    public record End(InputStream in, OutputStream out) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            out.close();
            in.close();
        }
    }
}
