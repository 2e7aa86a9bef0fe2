// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.util.Optional;

/**
 * How a pod's annotation can change a key.
 *
 * @param suffix what the annotation's name ends with, after its class
 * @param never whether it is refused whatever the configuration enables
 * @param validPaths the key whose globs its value has to match, as {@code section.key}
 */
public record AnnotationRule(String suffix, boolean never, Optional<String> validPaths) {
    static Optional<AnnotationRule> parse(String section, String text) {
        if (text.equals("-")) {
            return Optional.empty();
        }
        boolean never = text.startsWith("never ");
        String[] parts = (never ? text.substring("never ".length()) : text).split(" in ", 2);
        Optional<String> validPaths =
                parts.length < 2
                        ? Optional.empty()
                        : Optional.of(parts[1].contains(".") ? parts[1] : section + "." + parts[1]);
        return Optional.of(new AnnotationRule(parts[0], never, validPaths));
    }
}
