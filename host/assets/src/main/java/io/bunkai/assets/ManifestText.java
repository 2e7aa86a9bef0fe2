// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.assets;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The manifest of an image, as it lies beside it. The member {@code digest} is the SHA-256 of the
 * text in which the digits of that digest are zeros, so the file proves by itself that it is whole.
 */
final class ManifestText {
    /** The format that this version reads. */
    static final String FORMAT = "1";

    private static final Pattern DIGEST = Pattern.compile("\"digest\" ?: ?\"([0-9a-f]{64})\"");

    private ManifestText() {}

    /** {@return the manifest's members; nothing if it is not as it was written} */
    static Optional<Map<String, Object>> read(byte[] content) {
        String text = new String(content, StandardCharsets.UTF_8);
        Matcher digest = DIGEST.matcher(text);
        if (!digest.find()) {
            return Optional.empty();
        }
        String zeros =
                text.substring(0, digest.start(1)) + "0".repeat(64) + text.substring(digest.end(1));
        byte[] bytes = zeros.getBytes(StandardCharsets.UTF_8);
        if (!HexFormat.of().formatHex(sha256().digest(bytes)).equals(digest.group(1))) {
            return Optional.empty();
        }
        return JsonText.object(text);
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java runtime has SHA-256", e);
        }
    }
}
