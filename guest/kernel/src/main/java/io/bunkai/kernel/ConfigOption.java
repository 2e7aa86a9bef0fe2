// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One option of a kernel's configuration.
 *
 * @param name with {@code CONFIG_}
 * @param value {@code y}, {@code m}, {@code n}, a number, or a text with its quotation marks
 * @spec https://docs.kernel.org/kbuild/kconfig.html Kconfig
 */
record ConfigOption(String name, String value) {
    /** What an option is that nobody asked for, or that a version does not have. */
    static final String OFF = "n";

    private static final Pattern SET = Pattern.compile("(CONFIG_\\w+)=(\\S.*)");
    private static final Pattern UNSET = Pattern.compile("# (CONFIG_\\w+) is not set");

    /** {@return the option that a line sets; nothing if it sets none} */
    static Optional<ConfigOption> ofLine(String line) {
        Matcher set = SET.matcher(line);
        if (set.matches()) {
            return Optional.of(new ConfigOption(set.group(1), set.group(2).strip()));
        }
        Matcher unset = UNSET.matcher(line);
        return unset.matches()
                ? Optional.of(new ConfigOption(unset.group(1), OFF))
                : Optional.empty();
    }

    @Override
    public String toString() {
        return name + "=" + value;
    }
}
