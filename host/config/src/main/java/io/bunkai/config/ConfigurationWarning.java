// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

/**
 * Something in the configuration that has no effect, or hardly the wanted one.
 *
 * @param kind what kind of thing
 * @param key section and name with a dot between, as they were written
 * @param origin where it stands
 * @param message what is the matter and what happens instead, without the place
 */
public record ConfigurationWarning(Kind kind, String key, Origin origin, String message) {
    /** Kinds of warnings. */
    public enum Kind {
        /** Nobody knows this key. */
        UNKNOWN_KEY,
        /** Nobody knows this section, or it is about something that Bunkai does not have. */
        UNKNOWN_SECTION,
        /** Kata knows this key or value, Bunkai does not do what it says. */
        NOT_HONOURED,
        /** It is honoured, but probably does not do what its writer thinks. */
        QUESTIONABLE
    }

    /** {@return the warning as one line, its place first} */
    @Override
    public String toString() {
        return origin + ": " + message;
    }
}
