// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * How rings are read and written: little-endian, each access exactly once and whole.
 *
 * <p>A plain read of memory that somebody else writes may, by the language, be done twice or in
 * parts; an opaque one may not. Acquire and release say what may not move across it. None of this
 * costs an instruction on x86-64.
 *
 * @spec https://docs.oasis-open.org/virtio/virtio/v1.2/virtio-v1.2.html VIRTIO 1.2, 2.7
 */
final class LittleEndian {
    static final ValueLayout.OfShort LE16 =
            ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt LE32 = ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong LE64 = ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Without alignment, for copies into arrays. */
    static final ValueLayout.OfLong LE64_UNALIGNED =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    static final VarHandle SHORT = LE16.varHandle();
    static final VarHandle INT = LE32.varHandle();
    static final VarHandle LONG = LE64.varHandle();

    private LittleEndian() {}
}
