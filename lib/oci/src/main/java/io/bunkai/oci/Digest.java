// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.oci;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import io.bunkai.base.Fault;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/**
 * The SHA-256 digest that names a blob by its content.
 *
 * <p>The specification registers SHA-512 too; no registry and no tool writes it, so it is refused
 * by name.
 *
 * @param hex 64 lower-case hexadecimal digits
 * @spec https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#digests OCI image
 *     specification 1.1, digests
 */
public record Digest(String hex) implements Comparable<Digest> {
    /** The one algorithm. */
    public static final String ALGORITHM = "sha256";

    private static final Pattern TEXT = Pattern.compile("([a-z0-9+._-]+):([a-zA-Z0-9=_-]+)");
    private static final Pattern HEX = Pattern.compile("[0-9a-f]{64}");

    public Digest {
        if (!HEX.matcher(hex).matches()) {
            throw Fault.invalidArgument("'%s' is not a SHA-256 digest", shortened(hex));
        }
    }

    /**
     * {@return the digest written as {@code sha256:…}}
     *
     * @throws Fault INVALID_ARGUMENT if it is no digest, UNIMPLEMENTED if it is of another
     *     algorithm
     */
    @JsonCreator
    public static Digest parse(String text) {
        var matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            throw Fault.invalidArgument("'%s' is not a digest", shortened(text));
        }
        if (!matcher.group(1).equals(ALGORITHM)) {
            throw Fault.unimplemented(
                    "the digest algorithm '%s' is not supported", shortened(matcher.group(1)));
        }
        return new Digest(matcher.group(2));
    }

    /** {@return the digest of these bytes} */
    public static Digest of(byte[] data) {
        return ofRaw(newMessageDigest().digest(data));
    }

    /** {@return the digest whose 32 raw bytes a {@link MessageDigest} has computed} */
    public static Digest ofRaw(byte[] raw) {
        return new Digest(HexFormat.of().formatHex(raw));
    }

    /** {@return a fresh computation of this algorithm} */
    public static MessageDigest newMessageDigest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    /** {@return the 32 bytes} */
    public byte[] raw() {
        return HexFormat.of().parseHex(hex);
    }

    /** {@return the first twelve digits, as people write them} */
    public String abbreviated() {
        return hex.substring(0, 12);
    }

    @Override
    public int compareTo(Digest other) {
        return hex.compareTo(other.hex);
    }

    @Override
    @JsonValue
    public String toString() {
        return ALGORITHM + ":" + hex;
    }

    private static String shortened(String text) {
        return text.length() <= 100 ? text : text.substring(0, 100) + "…";
    }
}
