// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * How much an image may demand of the machine that unpacks it. What goes beyond is refused with
 * RESOURCE_EXHAUSTED, and nothing of the image is kept.
 *
 * @param unpacked sum of the lengths of all files of all layers, replaced ones included
 * @param entries files, directories and links of all layers together
 * @param layers layers of the image
 * @param ratio bytes that one compressed byte may become; counted per layer, beyond {@code
 *     ratioFree}
 * @param ratioFree unpacked bytes of a layer that are never held against the ratio: small layers of
 *     zeros are ordinary
 * @param depth directories in each other
 * @param xattrBytes names and values of one file's extended attributes together
 * @param document length of an index, manifest or config
 * @param processorSeconds processor time of the unpacking child
 * @param heap memory of the unpacking child for the tree of files
 */
public record UnpackLimits(
        ByteSize unpacked,
        int entries,
        int layers,
        int ratio,
        ByteSize ratioFree,
        int depth,
        int xattrBytes,
        ByteSize document,
        int processorSeconds,
        ByteSize heap) {

    /** What every image in common use stays far below. */
    public static final UnpackLimits DEFAULTS =
            new UnpackLimits(
                    ByteSize.ofMib(16 * 1024),
                    1_000_000,
                    256,
                    200,
                    ByteSize.ofMib(256),
                    256,
                    64 * 1024,
                    ByteSize.ofMib(4),
                    1800,
                    ByteSize.ofMib(768));

    /** Deeper trees than this would need more stack than a thread has. */
    private static final int DEEPEST = 1024;

    /** What the disk's format can hold for one file. */
    private static final int MOST_XATTR_BYTES = 128 * 1024;

    public UnpackLimits {
        if (entries < 1
                || layers < 1
                || ratio < 1
                || depth < 1
                || depth > DEEPEST
                || xattrBytes < 0
                || xattrBytes > MOST_XATTR_BYTES
                || processorSeconds < 1) {
            throw Fault.invalidArgument("the limits for unpacking an image are out of range");
        }
    }

    void writeTo(DataOutput out) throws IOException {
        out.writeLong(unpacked.bytes());
        out.writeInt(entries);
        out.writeInt(layers);
        out.writeInt(ratio);
        out.writeLong(ratioFree.bytes());
        out.writeInt(depth);
        out.writeInt(xattrBytes);
        out.writeLong(document.bytes());
        out.writeInt(processorSeconds);
        out.writeLong(heap.bytes());
    }

    static UnpackLimits readFrom(DataInput in) throws IOException {
        return new UnpackLimits(
                new ByteSize(in.readLong()),
                in.readInt(),
                in.readInt(),
                in.readInt(),
                new ByteSize(in.readLong()),
                in.readInt(),
                in.readInt(),
                new ByteSize(in.readLong()),
                in.readInt(),
                new ByteSize(in.readLong()));
    }
}
