// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** How numbers stand in a message: little endian, at any address. */
final class Wire {
    static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    static final ValueLayout.OfShort LE16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt LE32 =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong LE64 =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    static final int IN_HEADER_BYTES = Structs.IN_HEADER.bytes();
    static final int OUT_HEADER_BYTES = Structs.OUT_HEADER.bytes();

    /** Protocol error; the one number that only a negotiation needs. */
    static final int EPROTO = 71;

    private Wire() {}
}
