// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;
import java.util.zip.CRC32C;

/**
 * The frames on the agent's virtio-serial port. Both directions use the same ones, all numbers are
 * big-endian:
 *
 * <pre>
 *  0       4          12       16       20
 *  +-------+----------+--------+--------+------ - -
 *  | magic | session  | length | crc32c | payload
 *  +-------+----------+--------+--------+------ - -
 *
 *  magic    SYN "BkSy", HELLO "BkHe", DATA "BkDa", END "BkEn"
 *  session  the first half of the session's id
 *  length   of the payload: at most 64 KiB for DATA, 20 for SYN and HELLO, 0 for END
 *  crc32c   of the payload
 *
 *  payload of SYN and HELLO:  session's whole id (16 bytes), version (4 bytes)
 *  payload of DATA:           the next bytes of the session's stream
 * </pre>
 *
 * <h2>Why a protocol</h2>
 *
 * A virtio-serial port is a wire and not a connection. Its host end is a socket that QEMU listens
 * on, so host processes come and go, and the guest's end knows nothing of it: what one of them sent
 * by halves is continued by the first byte of the next one, and an answer to one that is gone is
 * delivered to the next one. QEMU throws away what is under way when a host process leaves, so
 * either direction may be cut in the middle of a frame. Bytes that do arrive are in order and
 * undamaged.
 *
 * <h2>Why zeros</h2>
 *
 * A host opens with as many zeros as the largest frame has bytes. Should the guest be in the middle
 * of a frame of a former host, then the zeros complete it, wherever it was cut. The result has a
 * wrong checksum, unless zeros are what was missing, and then it is the frame that was meant; in
 * both cases the guest knows afterwards where the next frame begins. Zeros that are left over, or
 * come when nothing was cut, are no frame, and skipped. The reverse of this, looking for a frame's
 * beginning among bytes that may be payload, would let whoever supplies a container's input forge
 * frames.
 *
 * <p>The first host of a machine that has just begun sends none: nobody can have left half a frame.
 * They cost an interpreted agent as much as all else until it answers.
 *
 * <h2>Why sessions</h2>
 *
 * After the zeros comes SYN with a random id, and the guest answers HELLO with that id. The host
 * skips all that comes before it, which may be anything: the rest of a cut frame, whole frames for
 * former hosts, a HELLO for one of them. It looks for the HELLO that nobody could have known before
 * and not for frames, so what it skips cannot mislead it. The guest on its side, when it sees SYN,
 * ends the session before: nothing of it is written after the HELLO.
 *
 * <p>Within a session no frame is missing. If one is damaged, or something that is not a frame
 * comes between, then the stream has a hole; the session is over, and the host may open another
 * one.
 */
final class ChannelFrames {
    static final int SYN = 0x426b5379;
    static final int HELLO = 0x426b4865;
    static final int DATA = 0x426b4461;
    static final int END = 0x426b456e;

    static final int HEADER_BYTES = 20;
    static final int MAX_PAYLOAD = 64 << 10;
    static final int ID_BYTES = 16;
    static final int GREETING_BYTES = ID_BYTES + 4;

    /** The first byte of every magic number. */
    private static final byte FIRST = 0x42;

    static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
    static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    private ChannelFrames() {}

    /** {@return as many zeros as complete any frame} */
    static byte[] zeros() {
        return new byte[HEADER_BYTES + MAX_PAYLOAD];
    }

    /** {@return a SYN or HELLO} */
    static byte[] greeting(int magic, byte[] id, int version) {
        byte[] frame = new byte[HEADER_BYTES + GREETING_BYTES];
        System.arraycopy(id, 0, frame, HEADER_BYTES, ID_BYTES);
        INT.set(frame, HEADER_BYTES + ID_BYTES, version);
        finish(frame, magic, sessionOf(id), GREETING_BYTES, new CRC32C());
        return frame;
    }

    static byte[] end(long session) {
        byte[] frame = new byte[HEADER_BYTES];
        finish(frame, END, session, 0, new CRC32C());
        return frame;
    }

    static long sessionOf(byte[] id) {
        return (long) LONG.get(id, 0);
    }

    /** Puts the header before a payload that is in place. */
    private static void finish(byte[] frame, int magic, long session, int length, CRC32C crc) {
        crc.reset();
        crc.update(frame, HEADER_BYTES, length);
        INT.set(frame, 0, magic);
        LONG.set(frame, 4, session);
        INT.set(frame, 12, length);
        INT.set(frame, 16, (int) crc.getValue());
    }

    /** Cuts a stream into frames. Each frame is one write. Used under its owner's lock. */
    static final class Writer {
        private final OutputStream out;
        private final CRC32C crc = new CRC32C();
        private final byte[] frame = new byte[HEADER_BYTES + MAX_PAYLOAD];

        Writer(OutputStream out) {
            this.out = out;
        }

        /** Writes at most {@code MAX_PAYLOAD} bytes. */
        void writeData(long session, byte[] bytes, int offset, int length) throws IOException {
            System.arraycopy(bytes, offset, frame, HEADER_BYTES, length);
            finish(frame, DATA, session, length, crc);
            out.write(frame, 0, HEADER_BYTES + length);
            out.flush();
        }

        void write(byte[] other) throws IOException {
            out.write(other);
            out.flush();
        }
    }

    /** What was found next on the wire. */
    enum Event {
        SYN,
        HELLO,
        DATA,
        END,
        /** A frame whose checksum is wrong: one that was cut, and completed by zeros. */
        DAMAGED,
        /** Bytes that do not begin a frame; they have been skipped. */
        NO_FRAME,
        /** There is nothing to read at the moment, or for ever: the port knows, this does not. */
        SILENCE
    }

    /**
     * Takes the wire apart. After SYN, HELLO, DATA and END the accessors describe the frame, until
     * the next call. Used by one thread at a time.
     */
    static final class Reader {
        private final InputStream in;
        private final CRC32C crc = new CRC32C();
        private final byte[] buffer = new byte[2 * (HEADER_BYTES + MAX_PAYLOAD)];
        private int position;
        private int limit;
        private long session;
        private int payload;
        private int length;

        Reader(InputStream in) {
            this.in = in;
        }

        /** {@return the first half of the id of the session that the frame belongs to} */
        long session() {
            return session;
        }

        /** {@return how much of the payload has not been taken yet} */
        int remaining() {
            return length;
        }

        /** Takes the next part of the payload. {@return its length} */
        int take(byte[] into, int offset, int max) {
            int count = Math.min(max, length);
            System.arraycopy(buffer, payload, into, offset, count);
            payload += count;
            length -= count;
            return count;
        }

        /** Drops what is left of the payload. */
        void skip() {
            length = 0;
        }

        /** {@return the whole id in a SYN or HELLO} */
        byte[] id() {
            return Arrays.copyOfRange(buffer, payload, payload + ID_BYTES);
        }

        /** {@return the version in a SYN or HELLO} */
        int version() {
            return (int) INT.get(buffer, payload + ID_BYTES);
        }

        /** {@return whether all that has been read has been understood} */
        boolean isBetweenFrames() {
            return position == limit;
        }

        /** Reads up to the end of the next frame, or of what cannot be one. */
        Event next() throws IOException {
            length = 0;
            if (!have(HEADER_BYTES)) {
                return Event.SILENCE;
            }
            int magic = (int) INT.get(buffer, position);
            int announced = (int) INT.get(buffer, position + 12);
            if (!isPlausible(magic, announced)) {
                position = nextCandidate(position + 1);
                return Event.NO_FRAME;
            }
            if (!have(HEADER_BYTES + announced)) {
                return Event.SILENCE;
            }
            int start = position;
            position += HEADER_BYTES + announced;
            session = (long) LONG.get(buffer, start + 4);
            if (!isIntact(start, announced)) {
                return Event.DAMAGED;
            }
            payload = start + HEADER_BYTES;
            length = announced;
            return switch (magic) {
                case SYN -> Event.SYN;
                case HELLO -> Event.HELLO;
                case DATA -> Event.DATA;
                default -> Event.END;
            };
        }

        /**
         * Looks for the HELLO of a session and for nothing else: what comes before it may look like
         * a frame and is none.
         *
         * @param mostSkipped how many bytes may come before it
         * @return HELLO, SILENCE if it has not come yet, or NO_FRAME if more has come before it
         */
        Event nextHello(byte[] id, long mostSkipped) throws IOException {
            length = 0;
            for (long skipped = 0; have(HEADER_BYTES + GREETING_BYTES); ) {
                int start = position;
                if ((int) INT.get(buffer, start) == HELLO
                        && (int) INT.get(buffer, start + 12) == GREETING_BYTES
                        && Arrays.equals(
                                buffer,
                                start + HEADER_BYTES,
                                start + HEADER_BYTES + ID_BYTES,
                                id,
                                0,
                                ID_BYTES)
                        && isIntact(start, GREETING_BYTES)) {
                    session = (long) LONG.get(buffer, start + 4);
                    payload = start + HEADER_BYTES;
                    length = GREETING_BYTES;
                    position = payload + GREETING_BYTES;
                    return Event.HELLO;
                }
                position = nextCandidate(start + 1);
                skipped += position - start;
                if (skipped > mostSkipped) {
                    return Event.NO_FRAME;
                }
            }
            return Event.SILENCE;
        }

        private static boolean isPlausible(int magic, int announced) {
            return switch (magic) {
                case SYN, HELLO -> announced == GREETING_BYTES;
                case DATA -> announced >= 0 && announced <= MAX_PAYLOAD;
                case END -> announced == 0;
                default -> false;
            };
        }

        private boolean isIntact(int start, int announced) {
            crc.reset();
            crc.update(buffer, start + HEADER_BYTES, announced);
            return (int) crc.getValue() == (int) INT.get(buffer, start + 16);
        }

        /** Zeros are what is skipped most, and there are many of them. */
        private static final byte[] ZEROS = new byte[4096];

        private int nextCandidate(int from) {
            int at = from;
            while (at < limit && buffer[at] != FIRST) {
                int run = Math.min(limit - at, ZEROS.length);
                int mismatch = Arrays.mismatch(buffer, at, at + run, ZEROS, 0, run);
                if (mismatch != 0) {
                    at += mismatch < 0 ? run : mismatch;
                } else {
                    at++;
                }
            }
            return at;
        }

        /** {@return whether there are this many bytes, after reading whatever can be read} */
        private boolean have(int count) throws IOException {
            Objects.checkIndex(count, buffer.length);
            while (limit - position < count) {
                if (position + count > buffer.length || position == limit) {
                    System.arraycopy(buffer, position, buffer, 0, limit - position);
                    limit -= position;
                    position = 0;
                }
                int read = in.read(buffer, limit, buffer.length - limit);
                if (read <= 0) {
                    return false;
                }
                limit += read;
            }
            return true;
        }
    }
}
