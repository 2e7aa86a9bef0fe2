// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import java.util.HexFormat;

/** Bytes written down by hand, for golden tests of wire formats. */
public final class Hex {
    private Hex() {}

    /**
     * {@return the bytes of a text of hexadecimal digits}
     *
     * <p>White space separates what belongs to different fields, and {@code //} starts a comment
     * that says which.
     */
    public static byte[] hex(String annotated) {
        StringBuilder digits = new StringBuilder();
        annotated
                .lines()
                .map(line -> line.contains("//") ? line.substring(0, line.indexOf("//")) : line)
                .forEach(line -> digits.append(line.replaceAll("\\s", "")));
        return HexFormat.of().parseHex(digits);
    }
}
