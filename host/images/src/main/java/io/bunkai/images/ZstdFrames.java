// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.Fault;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

/**
 * Passes Zstandard data on without its skippable frames, which the decompressor does not know and
 * which layers that can be read lazily end with; and refuses by name what the decompressor cannot
 * do: windows beyond 8 MiB and dictionaries.
 *
 * @spec https://www.rfc-editor.org/rfc/rfc8878 RFC 8878, Zstandard
 */
final class ZstdFrames extends InputStream {
    private static final int MAGIC = 0xFD2FB528;
    private static final int SKIPPABLE_MAGIC = 0x184D2A50;
    private static final long LARGEST_WINDOW = 8 * 1024 * 1024;
    private static final int BLOCK_RLE = 1;
    private static final int BLOCK_RESERVED = 3;

    private final InputStream in;

    /** What was read to be understood and is still to be passed on. */
    private final byte[] head = new byte[32];

    private int headAt;
    private int headEnd;

    /** Bytes that are to be passed on without being understood. */
    private long through;

    private boolean inFrame;
    private boolean lastBlock;
    private boolean hasChecksum;
    private boolean sawFrame;

    /**
     * @param in not owned
     */
    ZstdFrames(InputStream in) {
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
        while (headAt == headEnd && through == 0) {
            headAt = 0;
            headEnd = 0;
            if (!advance()) {
                return -1;
            }
        }
        if (headAt < headEnd) {
            int some = Math.min(length, headEnd - headAt);
            System.arraycopy(head, headAt, data, offset, some);
            headAt += some;
            return some;
        }
        int got = in.read(data, offset, (int) Math.min(length, through));
        if (got <= 0) {
            throw damaged("it is cut off");
        }
        through -= got;
        return got;
    }

    /** Reads the next frame's or block's header. {@return false at the end} */
    private boolean advance() throws IOException {
        if (inFrame) {
            if (lastBlock) {
                through = hasChecksum ? 4 : 0;
                inFrame = false;
            } else {
                blockHeader();
            }
            return true;
        }
        int got = in.readNBytes(head, 0, 4);
        if (got == 0) {
            if (!sawFrame) {
                throw damaged("it is empty");
            }
            return false;
        }
        if (got < 4) {
            throw damaged("it is cut off");
        }
        int magic = (int) littleEndian(0, 4);
        if ((magic & ~0xf) == SKIPPABLE_MAGIC) {
            want(4, 4);
            drop(littleEndian(4, 4));
            return true;
        }
        if (magic != MAGIC) {
            throw damaged("a frame does not begin as one");
        }
        frameHeader();
        return true;
    }

    private void frameHeader() throws IOException {
        want(4, 1);
        int descriptor = head[4] & 0xff;
        int end = 5;
        boolean single = (descriptor & 0x20) != 0;
        hasChecksum = (descriptor & 0x4) != 0;
        if ((descriptor & 0x8) != 0) {
            throw damaged("a reserved bit is set");
        }
        if ((descriptor & 0x3) != 0) {
            throw Fault.unimplemented("the layer is compressed with a Zstandard dictionary");
        }
        long window = 0;
        if (!single) {
            want(end, 1);
            int log = 10 + (head[end] >> 3 & 0x1f);
            window = (1L << log) + ((1L << log) / 8) * (head[end] & 0x7);
            end++;
        }
        int sizeField = descriptor >> 6;
        int sizeBytes = sizeField == 0 ? (single ? 1 : 0) : 1 << sizeField;
        want(end, sizeBytes);
        if (single) {
            window = littleEndian(end, sizeBytes) + (sizeBytes == 2 ? 256 : 0);
        }
        end += sizeBytes;
        if (!single && window > LARGEST_WINDOW) {
            throw Fault.unimplemented(
                            "the layer is compressed with a Zstandard window of %d MiB; the limit"
                                    + " is %d",
                            window >> 20, LARGEST_WINDOW >> 20)
                    .withHint("compress it without --long and --ultra");
        }
        headEnd = end;
        inFrame = true;
        lastBlock = false;
        sawFrame = true;
    }

    private void blockHeader() throws IOException {
        want(0, 3);
        int header = (int) littleEndian(0, 3);
        lastBlock = (header & 1) != 0;
        int type = header >> 1 & 3;
        if (type == BLOCK_RESERVED) {
            throw damaged("a block is of no known type");
        }
        headEnd = 3;
        through = type == BLOCK_RLE ? 1 : header >> 3;
    }

    private void want(int offset, int count) throws IOException {
        if (in.readNBytes(head, offset, count) < count) {
            throw damaged("it is cut off");
        }
    }

    private void drop(long count) throws IOException {
        try {
            in.skipNBytes(count);
        } catch (EOFException e) {
            throw damaged("it is cut off").causedBy(e);
        }
    }

    private long littleEndian(int offset, int count) {
        long value = 0;
        for (int i = 0; i < count; i++) {
            value |= (head[offset + i] & 0xffL) << (8 * i);
        }
        return value;
    }

    private static Fault damaged(String how) {
        return Fault.invalidArgument("the Zstandard data is damaged: %s", how);
    }
}
