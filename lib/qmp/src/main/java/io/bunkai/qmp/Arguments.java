// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Arguments of a command, sorted by name. */
final class Arguments {
    private static final SortedMap<String, Object> NONE =
            Collections.unmodifiableSortedMap(new TreeMap<>());

    private Arguments() {}

    static SortedMap<String, Object> none() {
        return NONE;
    }

    static SortedMap<String, Object> of(Map<String, ?> fixed) {
        return Collections.unmodifiableSortedMap(new TreeMap<>(fixed));
    }

    /** {@code fixed} wins over a property of the same name. */
    static SortedMap<String, Object> of(Map<String, ?> fixed, Map<String, ?> properties) {
        var all = new TreeMap<String, Object>(properties);
        all.putAll(fixed);
        return Collections.unmodifiableSortedMap(all);
    }
}
