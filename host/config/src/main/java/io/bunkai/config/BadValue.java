// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

/** A value that its key does not allow. Caught where the key's place is known. */
final class BadValue extends Exception {
    private static final long serialVersionUID = 1L;

    private final String hint;

    /**
     * @param what what is wrong, as it continues the key's name
     * @param hint what to do instead
     */
    BadValue(String what, String hint) {
        super(what);
        this.hint = hint;
    }

    String what() {
        return String.valueOf(getMessage());
    }

    String hint() {
        return hint;
    }
}
