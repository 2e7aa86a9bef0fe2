// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Arrays;

/**
 * The disk that is being written: a file that was empty and is open for reading and writing. Blocks
 * of zeros are left out, so that holes cost no room on the host.
 *
 * <p>Used by one thread. Does not own the channels.
 */
final class BlockOutput {
    private static final int BUFFER_BYTES = 1024 * 1024;

    private final FileChannel reading;
    private final FileChannel writing;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
    private long bufferStart;

    BlockOutput(FileChannel reading, FileChannel writing) {
        this.reading = reading;
        this.writing = writing;
    }

    /** {@return the file that this process was given as {@code descriptor}, open both ways} */
    @SuppressWarnings("resource") // the descriptor is the process's own and ends with it
    static BlockOutput of(FileDescriptor descriptor) {
        return new BlockOutput(
                new FileInputStream(descriptor).getChannel(),
                new FileOutputStream(descriptor).getChannel());
    }

    /**
     * Writes where nothing has been written before, in whole blocks from the start of one; the last
     * may be cut. What is zero is left out.
     */
    void write(long position, byte[] data, int length) throws IOException {
        int from = 0;
        while (from < length) {
            int end = Math.min(from + ErofsFormat.BLOCK, length);
            if (isZero(data, from, end)) {
                from = end;
                continue;
            }
            int runEnd = end;
            while (runEnd < length) {
                int next = Math.min(runEnd + ErofsFormat.BLOCK, length);
                if (isZero(data, runEnd, next)) {
                    break;
                }
                runEnd = next;
            }
            append(position + from, data, from, runEnd - from);
            from = runEnd;
        }
    }

    private static boolean isZero(byte[] data, int from, int end) {
        if (data[from] != 0) {
            return false;
        }
        return Arrays.mismatch(data, from, end - 1, data, from + 1, end) < 0;
    }

    /** Writes at once, whatever was there. */
    void overwrite(long position, byte[] data, int length) throws IOException {
        flush();
        writeFully(ByteBuffer.wrap(data, 0, length), position);
    }

    /** Writes through the buffer; cheap if positions are near each other and rise. */
    void append(long position, byte[] data) throws IOException {
        append(position, data, 0, data.length);
    }

    private void append(long position, byte[] data, int offset, int length) throws IOException {
        int from = offset;
        int left = length;
        long at = position;
        while (left > 0) {
            long end = bufferStart + buffer.position();
            if (buffer.position() == 0) {
                bufferStart = at;
            } else if (at != end) {
                flush();
                bufferStart = at;
            }
            int some = Math.min(left, buffer.remaining());
            buffer.put(data, from, some);
            from += some;
            left -= some;
            at += some;
            if (!buffer.hasRemaining()) {
                flush();
            }
        }
    }

    void flush() throws IOException {
        buffer.flip();
        writeFully(buffer, bufferStart);
        buffer.clear();
    }

    private void writeFully(ByteBuffer data, long position) throws IOException {
        long at = position;
        while (data.hasRemaining()) {
            at += writing.write(data, at);
        }
    }

    /** Reads what has been written; holes read as zeros. */
    void read(long position, byte[] data, int length) throws IOException {
        flush();
        ByteBuffer target = ByteBuffer.wrap(data, 0, length);
        long at = position;
        while (target.hasRemaining()) {
            int got = reading.read(target, at);
            if (got < 0) {
                Arrays.fill(data, target.position(), length, (byte) 0);
                return; // the file ends with a hole that was left out
            }
            at += got;
        }
    }

    /** Cuts the file there, or lets it end with a hole. */
    void setLength(long length) throws IOException {
        flush();
        if (writing.size() > length) {
            writing.truncate(length);
        } else if (writing.size() < length) {
            writeFully(ByteBuffer.wrap(new byte[1]), length - 1);
        }
    }
}
