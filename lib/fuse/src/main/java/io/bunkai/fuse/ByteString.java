// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Bytes that never change: a name, a target, a value. Not text: nothing says how to read them. */
public final class ByteString {
    /** No bytes at all. */
    public static final ByteString EMPTY = new ByteString(new byte[0]);

    private final byte[] bytes;

    private ByteString(byte[] bytes) {
        this.bytes = bytes;
    }

    /** {@return a copy of these bytes} */
    public static ByteString of(byte[] bytes) {
        return bytes.length == 0 ? EMPTY : new ByteString(bytes.clone());
    }

    /** {@return a text's bytes in UTF-8} */
    public static ByteString of(String text) {
        return of(text.getBytes(StandardCharsets.UTF_8));
    }

    /** {@return a copy of a part of a segment} */
    public static ByteString of(MemorySegment segment, long offset, int length) {
        byte[] copy = new byte[length];
        MemorySegment.copy(segment, Wire.BYTE, offset, copy, 0, length);
        return length == 0 ? EMPTY : new ByteString(copy);
    }

    /** {@return how many bytes there are} */
    public int length() {
        return bytes.length;
    }

    /** {@return one of them} */
    public byte at(int index) {
        return bytes[index];
    }

    /** {@return a copy of them} */
    public byte[] toByteArray() {
        return bytes.clone();
    }

    /** Copies them to a segment. */
    public void copyTo(MemorySegment target, long offset) {
        MemorySegment.copy(bytes, 0, target, Wire.BYTE, offset, bytes.length);
    }

    /** {@return the bytes themselves, as memory that cannot be written} */
    MemorySegment memory() {
        return MemorySegment.ofArray(bytes).asReadOnly();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ByteString that && Arrays.equals(bytes, that.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /** {@return what is printable ASCII as it is, everything else as {@code \x7f}} */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(bytes.length);
        for (byte b : bytes) {
            if (b >= ' ' && b < 0x7f && b != '\\') {
                text.append((char) b);
            } else {
                text.append(String.format("\\x%02x", b));
            }
        }
        return text.toString();
    }
}
