// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.Locale;

/**
 * Makes a small tar archive in memory, in the ustar format: owner root, all times zero, so that the
 * same members give the same bytes.
 */
final class TarWriter {
    private static final int BLOCK = 512;
    private static final int MAX_NAME = 100;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    TarWriter directory(String name, int mode) {
        header(name + "/", '5', "", mode, 0);
        return this;
    }

    TarWriter file(String name, int mode, byte[] content) {
        header(name, '0', "", mode, content.length);
        out.writeBytes(content);
        out.writeBytes(new byte[-content.length & (BLOCK - 1)]);
        return this;
    }

    TarWriter hardLink(String name, String target, int mode) {
        header(name, '1', target, mode, 0);
        return this;
    }

    TarWriter symlink(String name, String target) {
        header(name, '2', target, 0777, 0);
        return this;
    }

    /** {@return the archive with its end marker} */
    byte[] finish() {
        out.writeBytes(new byte[2 * BLOCK]);
        return out.toByteArray();
    }

    private void header(String name, char type, String link, int mode, int size) {
        if (name.length() > MAX_NAME || link.length() > MAX_NAME) {
            throw new IllegalArgumentException("too long for this writer: " + name);
        }
        byte[] header = new byte[BLOCK];
        put(header, 0, name);
        put(header, 100, octal(mode, 7));
        put(header, 108, octal(0, 7));
        put(header, 116, octal(0, 7));
        put(header, 124, octal(size, 11));
        put(header, 136, octal(0, 11));
        Arrays.fill(header, 148, 156, (byte) ' ');
        header[156] = (byte) type;
        put(header, 157, link);
        put(header, 257, "ustar\00000");
        put(header, 265, "root");
        put(header, 297, "root");
        put(header, 329, octal(0, 7));
        put(header, 337, octal(0, 7));
        int sum = 0;
        for (byte b : header) {
            sum += b & 0xff;
        }
        put(header, 148, octal(sum, 6) + "\0 ");
        out.writeBytes(header);
    }

    private static String octal(int value, int digits) {
        return String.format(Locale.ROOT, "%0" + digits + "o", value);
    }

    private static void put(byte[] header, int offset, String text) {
        byte[] bytes = text.getBytes(US_ASCII);
        System.arraycopy(bytes, 0, header, offset, bytes.length);
    }
}
