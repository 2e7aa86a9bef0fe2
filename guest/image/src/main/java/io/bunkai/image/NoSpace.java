// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

/** A full disk, as programs and the Java runtime tell it in the C locale. */
final class NoSpace {
    static final String HINT = "make room where --output and --cache are, or name other places";

    private NoSpace() {}

    static boolean is(String message) {
        return message.contains("No space left on device")
                || message.contains("Could not allocate block");
    }
}
