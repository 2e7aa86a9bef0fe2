// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

/**
 * File names are bytes, not text: any but NUL and '/' may occur. Inside this module they are held
 * in strings of one char per byte, which are as small as byte arrays and compare as the kernel
 * compares names: byte by byte, unsigned.
 */
final class Bytes {
    private static final int LONGEST_SHOWN = 200;

    private Bytes() {}

    static String of(byte[] data) {
        return new String(data, ISO_8859_1);
    }

    static String of(byte[] data, int offset, int length) {
        return new String(data, offset, length, ISO_8859_1);
    }

    /** The inner form of what a person would write. */
    static String ofText(String text) {
        return of(text.getBytes(UTF_8));
    }

    static byte[] raw(String bytes) {
        return bytes.getBytes(ISO_8859_1);
    }

    /**
     * {@return the name for a message: quoted, as UTF-8 where it is that, without control
     * characters, shortened}
     */
    static String shown(String bytes) {
        String text = new String(raw(bytes), UTF_8);
        StringBuilder shown = new StringBuilder("'");
        text.codePoints()
                .limit(LONGEST_SHOWN)
                .forEach(c -> shown.appendCodePoint(Character.isISOControl(c) ? '?' : c));
        if (text.codePointCount(0, text.length()) > LONGEST_SHOWN) {
            shown.append('…');
        }
        return shown.append('\'').toString();
    }
}
