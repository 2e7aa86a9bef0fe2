// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

/**
 * The name of a file in its directory: 1 to 255 bytes, any but NUL and '/'. It never leads anywhere
 * else: "." and ".." exist only where {@link InitFlag#EXPORT_SUPPORT} was agreed on, and only in a
 * LOOKUP.
 *
 * @param bytes the name, without a NUL at the end
 */
public record FileName(ByteString bytes) {
    /** The longest name that Linux knows. */
    public static final int MAX_BYTES = 255;

    /**
     * @throws IllegalArgumentException if that can be no name
     */
    public FileName {
        int length = bytes.length();
        if (length == 0 || length > MAX_BYTES) {
            throw new IllegalArgumentException("a name of " + length + " bytes");
        }
        for (int i = 0; i < length; i++) {
            if (bytes.at(i) == 0 || bytes.at(i) == '/') {
                throw new IllegalArgumentException("a name with NUL or '/': " + bytes);
            }
        }
    }

    /** {@return a name in UTF-8} */
    public static FileName of(String name) {
        return new FileName(ByteString.of(name));
    }

    /** {@return whether it is "." or ".."} */
    public boolean isDots() {
        int length = bytes.length();
        return bytes.at(0) == '.' && (length == 1 || (length == 2 && bytes.at(1) == '.'));
    }

    @Override
    public String toString() {
        return bytes.toString();
    }
}
