// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.oci;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a JSON document leaves out arrives as null; records hold empty collections instead. */
final class Copies {
    private Copies() {}

    static <T> List<T> list(@Nullable List<T> values) {
        return values == null ? List.of() : List.copyOf(values);
    }

    /** Keeps the order, unlike {@link Map#copyOf}, so that what is written is stable. */
    static <V> Map<String, V> map(@Nullable Map<String, V> values) {
        return values == null ? Map.of() : Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }

    static String text(@Nullable String value) {
        return value == null ? "" : value;
    }
}
