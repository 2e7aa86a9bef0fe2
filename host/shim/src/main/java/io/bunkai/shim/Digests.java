// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Short names for what is told apart by long ones. */
final class Digests {
    private static final int BYTES = 8;

    private Digests() {}

    /** {@return 16 characters that are the same for the same texts, for ever} */
    static String shortOf(String... texts) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (int i = 0; i < texts.length; i++) {
                if (i > 0) {
                    digest.update((byte) 0); // in none of them
                }
                digest.update(texts[i].getBytes(StandardCharsets.UTF_8));
            }
            return HexFormat.of().formatHex(digest.digest(), 0, BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
