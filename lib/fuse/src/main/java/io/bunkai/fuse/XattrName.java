// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

/**
 * The name of an extended attribute, with its namespace: 1 to 255 bytes, any but NUL.
 *
 * @param bytes the name, without a NUL at the end
 * @spec https://man7.org/linux/man-pages/man7/xattr.7.html xattr(7)
 */
public record XattrName(ByteString bytes) {
    /** XATTR_NAME_MAX of Linux. */
    public static final int MAX_BYTES = 255;

    /** XATTR_SIZE_MAX of Linux: the most that a value can be. */
    public static final int MAX_VALUE_BYTES = 65536;

    /**
     * @throws IllegalArgumentException if that can be no name
     */
    public XattrName {
        int length = bytes.length();
        if (length == 0 || length > MAX_BYTES) {
            throw new IllegalArgumentException("an attribute's name of " + length + " bytes");
        }
        for (int i = 0; i < length; i++) {
            if (bytes.at(i) == 0) {
                throw new IllegalArgumentException("an attribute's name with NUL: " + bytes);
            }
        }
    }

    /** {@return a name in UTF-8} */
    public static XattrName of(String name) {
        return new XattrName(ByteString.of(name));
    }

    @Override
    public String toString() {
        return bytes.toString();
    }
}
