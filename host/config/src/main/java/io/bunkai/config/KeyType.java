// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

/** What a key's value may be. */
public enum KeyType {
    /** Any text. */
    STRING("a string"),
    /** Text that is never printed. */
    SECRET("a string"),
    /** An absolute path on the host, or empty. */
    PATH("a string that holds an absolute path"),
    /** {@code true} or {@code false}. */
    BOOLEAN("true or false"),
    /** A whole number. */
    INTEGER("a whole number"),
    /** A number; a whole one will do. */
    FLOAT("a number"),
    /** A list of strings. */
    STRINGS("a list of strings"),
    /** A list of file name patterns: {@code *} and {@code ?} do not match a slash. */
    GLOBS("a list of strings that hold file name patterns"),
    /** A list of regular expressions. */
    PATTERNS("a list of strings that hold regular expressions"),
    /** One of the key's words. */
    ENUMERATION("a string"),
    /** A table. */
    TABLE("a table"),
    /** A list of tables. */
    TABLES("a list of tables");

    private final String wanted;

    KeyType(String wanted) {
        this.wanted = wanted;
    }

    /** {@return this type as it stands in the sentence "... is wanted"} */
    public String wanted() {
        return wanted;
    }
}
