// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.base.Fault;

/** Ids that come with requests and become names of files. */
final class Names {
    private static final int MOST_CHARACTERS = 128;

    private Names() {}

    /**
     * {@return {@code id}, if it can be a file's name}
     *
     * @throws Fault INVALID_ARGUMENT if it is empty, longer than 128 characters, begins with a dot
     *     or a dash, or has a character other than letters, digits, dot, dash and underscore
     */
    static String checked(String what, String id) {
        if (id.isEmpty() || id.length() > MOST_CHARACTERS || !isLetterOrDigit(id.charAt(0))) {
            throw refused(what, id);
        }
        for (int i = 1; i < id.length(); i++) {
            char c = id.charAt(i);
            if (!isLetterOrDigit(c) && c != '.' && c != '-' && c != '_') {
                throw refused(what, id);
            }
        }
        return id;
    }

    private static boolean isLetterOrDigit(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    }

    private static Fault refused(String what, String id) {
        return Fault.invalidArgument("'%s' is no %s", Log.printable(id), what);
    }
}
