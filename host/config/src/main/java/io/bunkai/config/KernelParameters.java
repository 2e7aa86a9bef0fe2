// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The guest kernel's parameters: words with spaces between; a value in double quotes may have
 * spaces in it.
 */
final class KernelParameters {
    private KernelParameters() {}

    /** {@return the parameters, or nothing if a quote is not closed} */
    static Optional<List<String>> split(String text) {
        List<String> parameters = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        boolean quoted = false;
        for (char c : (text + " ").toCharArray()) {
            if (c == ' ' && !quoted) {
                if (!word.isEmpty()) {
                    parameters.add(word.toString());
                    word.setLength(0);
                }
                continue;
            }
            quoted ^= c == '"';
            word.append(c);
        }
        return quoted ? Optional.empty() : Optional.of(List.copyOf(parameters));
    }

    /** {@return {@code base}, with those of {@code changes} added and same names replaced} */
    static List<String> merge(List<String> base, List<String> changes) {
        List<String> changed = changes.stream().map(KernelParameters::nameOf).toList();
        List<String> merged = new ArrayList<>();
        for (String parameter : base) {
            if (!changed.contains(nameOf(parameter))) {
                merged.add(parameter);
            }
        }
        merged.addAll(changes);
        return merged;
    }

    /** The kernel takes dashes and underscores in names for the same. */
    private static String nameOf(String parameter) {
        return parameter.split("=", 2)[0].replace('-', '_');
    }
}
