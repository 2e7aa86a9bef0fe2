// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Decompresses gzip data of any number of members, as layers that can be read lazily have. Unlike
 * the JDK's stream it does not take a pause of its source for the end, and it refuses what follows
 * the last member.
 *
 * @spec https://www.rfc-editor.org/rfc/rfc1952 RFC 1952, gzip
 */
final class GzipStream extends InputStream {
    private static final int BUFFER_BYTES = 64 * 1024;
    private static final int FLAG_HEADER_CRC = 2;
    private static final int FLAG_EXTRA = 4;
    private static final int FLAG_NAME = 8;
    private static final int FLAG_COMMENT = 16;

    private final InputStream in;
    private final Inflater inflater = new Inflater(true);
    private final CRC32 crc = new CRC32();
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private int at;
    private int filled;
    private boolean inMember;
    private boolean ended;

    /**
     * @param in not owned
     */
    GzipStream(InputStream in) {
        this.in = in;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] data, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        while (!ended) {
            if (!inMember && !beginMember()) {
                return -1;
            }
            try {
                int got = inflater.inflate(data, offset, length);
                if (got > 0) {
                    crc.update(data, offset, got);
                    return got;
                }
                if (inflater.needsDictionary()) {
                    throw damaged("it wants a dictionary");
                }
            } catch (DataFormatException e) {
                throw damaged("it does not inflate").causedBy(e);
            }
            if (inflater.finished()) {
                endMember();
            } else {
                refill();
                inflater.setInput(buffer, 0, filled);
                at = filled;
            }
        }
        return -1;
    }

    private boolean beginMember() throws IOException {
        if (at == filled && !fill()) {
            if (crc.getValue() == 0 && inflater.getBytesRead() == 0 && !ended) {
                throw damaged("it is empty");
            }
            ended = true;
            return false;
        }
        if (next() != 0x1f || next() != 0x8b || next() != 8) {
            throw damaged("a member does not begin as one");
        }
        int flags = next();
        for (int i = 0; i < 6; i++) {
            next(); // time, extra flags, operating system
        }
        if ((flags & FLAG_EXTRA) != 0) {
            int length = next() | next() << 8;
            for (int i = 0; i < length; i++) {
                next();
            }
        }
        if ((flags & FLAG_NAME) != 0) {
            skipText();
        }
        if ((flags & FLAG_COMMENT) != 0) {
            skipText();
        }
        if ((flags & FLAG_HEADER_CRC) != 0) {
            next();
            next();
        }
        inflater.reset();
        inflater.setInput(buffer, at, filled - at);
        at = filled;
        crc.reset();
        inMember = true;
        return true;
    }

    private void skipText() throws IOException {
        while (next() != 0) {}
    }

    private void endMember() throws IOException {
        at = filled - inflater.getRemaining();
        long expectedCrc = nextInt();
        long expectedLength = nextInt();
        if (expectedCrc != crc.getValue()
                || expectedLength != (inflater.getBytesWritten() & 0xffff_ffffL)) {
            throw damaged("its checksum does not match");
        }
        inMember = false;
    }

    private long nextInt() throws IOException {
        return next() | next() << 8 | next() << 16 | (long) next() << 24;
    }

    private int next() throws IOException {
        if (at == filled) {
            refill();
        }
        return buffer[at++] & 0xff;
    }

    private void refill() throws IOException {
        if (!fill()) {
            throw damaged("it is cut off");
        }
    }

    private boolean fill() throws IOException {
        int got = in.read(buffer);
        at = 0;
        filled = Math.max(got, 0);
        return got > 0;
    }

    /** Gives the inflater's memory back; the source stays open. */
    @Override
    public void close() {
        inflater.end();
    }

    private static Fault damaged(String how) {
        return Fault.invalidArgument("the gzip data is damaged: %s", how);
    }
}
