// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.Fault;
import java.io.DataInput;
import java.io.DataInputStream;
import java.io.DataOutput;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * What the parent asks of the unpacking child, and the frame that the layers come in.
 *
 * <p>On the wire, big-endian: a magic number, the limits, the file system's id, the number of
 * layers, for each its compression and the digest of its uncompressed form; then for each layer
 * chunks of a length and so many bytes, ended by a length of 0; at last {@link #COMMIT}, which the
 * parent sends only once it has verified all that it sent. A child that does not see it writes no
 * super block.
 *
 * @param uuid what becomes the file system's id, 32 hexadecimal digits
 */
record UnpackRequest(UnpackLimits limits, String uuid, List<Layer> layers) {
    static final int MAX_CHUNK = 64 * 1024;
    static final int END_OF_LAYER = 0;
    static final int COMMIT = -1;

    private static final int MAGIC = 0x62756e31;
    private static final int UUID_BYTES = 16;
    private static final int DIGEST_BYTES = 32;

    /** How a layer is compressed. */
    enum Compression {
        NONE,
        GZIP,
        ZSTD,
        /** Nobody said; its first bytes tell. */
        DETECT
    }

    /**
     * @param diffId SHA-256 of the layer's uncompressed form, 64 hexadecimal digits
     */
    record Layer(Compression compression, String diffId) {}

    UnpackRequest {
        layers = List.copyOf(layers);
    }

    void writeTo(DataOutput out) throws IOException {
        out.writeInt(MAGIC);
        limits.writeTo(out);
        out.write(HexFormat.of().parseHex(uuid));
        out.writeInt(layers.size());
        for (Layer layer : layers) {
            out.writeUTF(layer.compression().name());
            out.write(HexFormat.of().parseHex(layer.diffId()));
        }
    }

    static UnpackRequest readFrom(DataInput in) throws IOException {
        if (in.readInt() != MAGIC) {
            throw Fault.internal("the unpacking child was started by something else");
        }
        UnpackLimits limits = UnpackLimits.readFrom(in);
        String uuid = hex(in, UUID_BYTES);
        int count = in.readInt();
        List<Layer> layers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Compression compression = Compression.valueOf(in.readUTF());
            layers.add(new Layer(compression, hex(in, DIGEST_BYTES)));
        }
        return new UnpackRequest(limits, uuid, layers);
    }

    private static String hex(DataInput in, int length) throws IOException {
        byte[] raw = new byte[length];
        in.readFully(raw);
        return HexFormat.of().formatHex(raw);
    }

    /** The parent's side of a layer. */
    static void writeChunk(DataOutputStream out, byte[] data, int length) throws IOException {
        out.writeInt(length);
        out.write(data, 0, length);
    }

    /** The child's side: the bytes of the next layer in the stream. */
    static InputStream layer(DataInputStream in) {
        return new LayerStream(in);
    }

    private static final class LayerStream extends InputStream {
        private final DataInputStream in;
        private int left;
        private boolean ended;

        LayerStream(DataInputStream in) {
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
            if (left == 0 && !nextChunk()) {
                return -1;
            }
            int got = in.read(data, offset, Math.min(length, left));
            if (got <= 0) {
                throw new EOFException("the parent went away");
            }
            left -= got;
            return got;
        }

        private boolean nextChunk() throws IOException {
            if (ended) {
                return false;
            }
            left = in.readInt();
            if (left < 0 || left > MAX_CHUNK) {
                throw new IOException("a chunk of " + left + " bytes is not possible");
            }
            ended = left == END_OF_LAYER;
            return !ended;
        }
    }
}
