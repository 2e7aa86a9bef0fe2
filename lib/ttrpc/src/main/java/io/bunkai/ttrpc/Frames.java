// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.ttrpc;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.MessageLite;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.net.ProtocolException;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * The frames that ttrpc is made of: a header of ten bytes, big-endian, and up to 4 MiB of data.
 *
 * <pre>
 *  0        4          8      9       10
 *  +--------+----------+------+-------+------ - -
 *  | length | stream   | type | flags | data
 *  +--------+----------+------+-------+------ - -
 * </pre>
 *
 * <p>A length above 4 MiB breaks a promise but not the connection: its data can be skipped. A
 * length of 16 MiB or more, whose first byte is not zero, cannot be the start of a frame at all;
 * whoever reads it has lost the boundary and gives up.
 *
 * @spec https://github.com/containerd/ttrpc/blob/main/PROTOCOL.md ttrpc protocol specification
 */
final class Frames {
    /** The most data that a frame may carry. */
    static final int MAX_DATA = 4 << 20;

    static final int HEADER_BYTES = 10;

    /** Opens a stream: data is a {@code Request}. */
    static final byte REQUEST = 1;

    /** Ends a stream: data is a {@code Response}. */
    static final byte RESPONSE = 2;

    /** Goes on with a stream that is more than one question and one answer. */
    static final byte DATA = 3;

    /** On a request: data frames will follow it. Nothing here offers such methods. */
    static final byte FLAG_REMOTE_OPEN = 2;

    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);

    private Frames() {}

    /**
     * The header of a frame whose data has not been read yet.
     *
     * @param length bytes of data that follow, from 0 to 16 MiB - 1
     * @param stream number of the stream, unsigned
     * @param type what the data is, or a number that nobody has assigned
     * @param flags depend on the type
     */
    record Header(int length, int stream, byte type, byte flags) {
        boolean isOversized() {
            return length > MAX_DATA;
        }
    }

    /**
     * Reads up to the data of the next frame.
     *
     * @return the header, or null if the stream ended between two frames
     * @throws EOFException if the stream ended within the header
     * @throws ProtocolException if these bytes are not the start of a frame
     */
    static @Nullable Header readHeader(InputStream in) throws IOException {
        byte[] bytes = new byte[HEADER_BYTES];
        int count = in.readNBytes(bytes, 0, HEADER_BYTES);
        if (count == 0) {
            return null;
        }
        if (count < HEADER_BYTES) {
            throw new EOFException("the stream ended within the header of a frame");
        }
        if (bytes[0] != 0) {
            throw new ProtocolException(
                    "not a ttrpc frame: a length of %d"
                            .formatted(Integer.toUnsignedLong((int) INT.get(bytes, 0))));
        }
        return new Header((int) INT.get(bytes, 0), (int) INT.get(bytes, 4), bytes[8], bytes[9]);
    }

    /**
     * Reads the data of a frame that is not oversized.
     *
     * @throws EOFException if the stream ended within it
     */
    static byte[] readData(InputStream in, Header header) throws IOException {
        if (header.isOversized()) {
            throw new IllegalArgumentException("oversized data is skipped, never read");
        }
        byte[] data = new byte[header.length];
        if (in.readNBytes(data, 0, data.length) < data.length) {
            throw new EOFException("the stream ended within the data of a frame");
        }
        return data;
    }

    /**
     * Skips the data of a frame, whatever its length.
     *
     * @throws EOFException if the stream ended within it
     */
    static void skipData(InputStream in, Header header) throws IOException {
        in.skipNBytes(header.length);
    }

    /** {@return a whole frame; the stream's number may be filled in later by {@link #setStream}} */
    static byte[] encode(int stream, byte type, byte flags, MessageLite data) {
        int length = data.getSerializedSize();
        byte[] frame = new byte[HEADER_BYTES + length];
        INT.set(frame, 0, length);
        setStream(frame, stream);
        frame[8] = type;
        frame[9] = flags;
        try {
            CodedOutputStream out = CodedOutputStream.newInstance(frame, HEADER_BYTES, length);
            data.writeTo(out);
            out.checkNoSpaceLeft();
        } catch (IOException e) {
            throw new UncheckedIOException("writing to an array of the right size failed", e);
        }
        return frame;
    }

    static void setStream(byte[] frame, int stream) {
        INT.set(frame, 4, stream);
    }

    /** {@return whether the data of this frame is more than a peer accepts} */
    static boolean isOversized(byte[] frame) {
        return frame.length - HEADER_BYTES > MAX_DATA;
    }

    /** Writes a frame in one call, so that a transport which keeps boundaries sees it whole. */
    static void write(OutputStream out, byte[] frame) throws IOException {
        out.write(frame);
        out.flush();
    }
}
