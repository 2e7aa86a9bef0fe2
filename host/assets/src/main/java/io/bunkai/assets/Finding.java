// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.assets;

/**
 * Something about a kernel and an image.
 *
 * @param kind how bad it is
 * @param subject what it is about, the same word each time: {@code overlayfs}, {@code agent}
 * @param text what is the matter
 * @param remedy what to do
 */
public record Finding(Kind kind, String subject, String text, String remedy) {
    /** How bad it is. */
    public enum Kind {
        /** A guest made of these would fail. */
        MISMATCH,
        /** Nobody can say. */
        UNKNOWN
    }

    static Finding mismatch(String subject, String text, String remedy) {
        return new Finding(Kind.MISMATCH, subject, text, remedy);
    }

    static Finding unknown(String subject, String text, String remedy) {
        return new Finding(Kind.UNKNOWN, subject, text, remedy);
    }

    @Override
    public String toString() {
        return "%s: %s (%s)".formatted(subject, text, remedy);
    }
}
