// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.Fault;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.HexFormat;

/**
 * What the parent asks of the packing child. On the wire, big-endian: a magic number, the limits,
 * the file system's id, the number of directories.
 *
 * @param uuid what becomes the file system's id, 32 hexadecimal digits
 * @param directories how many the child was given; several become one tree
 */
record PackRequest(UnpackLimits limits, String uuid, int directories) {
    private static final int MAGIC = 0x62756e32;
    private static final int UUID_BYTES = 16;

    void writeTo(DataOutput out) throws IOException {
        out.writeInt(MAGIC);
        limits.writeTo(out);
        out.write(HexFormat.of().parseHex(uuid));
        out.writeInt(directories);
    }

    static PackRequest readFrom(DataInput in) throws IOException {
        if (in.readInt() != MAGIC) {
            throw Fault.internal("the packing child was started by something else");
        }
        UnpackLimits limits = UnpackLimits.readFrom(in);
        byte[] uuid = new byte[UUID_BYTES];
        in.readFully(uuid);
        return new PackRequest(limits, HexFormat.of().formatHex(uuid), in.readInt());
    }
}
