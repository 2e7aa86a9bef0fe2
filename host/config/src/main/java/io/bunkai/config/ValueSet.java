// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.util.List;

/**
 * Some of the values that a key can have: none, all, or those that are named.
 *
 * @param all whether every value belongs to it
 * @param words the values that belong to it where not all do; of a list, each member is looked at
 */
public record ValueSet(boolean all, List<String> words) {
    static final ValueSet ALL = new ValueSet(true, List.of());
    static final ValueSet NONE = new ValueSet(false, List.of());

    public ValueSet {
        words = List.copyOf(words);
    }

    static ValueSet parse(String text) {
        return switch (text) {
            case "yes" -> ALL;
            case "no" -> NONE;
            default -> new ValueSet(false, List.of(text.split(" ", -1)));
        };
    }

    /** {@return whether no value belongs to it} */
    public boolean isEmpty() {
        return !all && words.isEmpty();
    }

    /** {@return whether this value, or one of the members of this list, belongs to it} */
    boolean covers(Object value) {
        if (all) {
            return true;
        }
        if (value instanceof List<?> list) {
            return list.stream().anyMatch(member -> words.contains(String.valueOf(member)));
        }
        return words.contains(String.valueOf(value));
    }
}
