// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

/**
 * What holds for one key, for logs and {@code bunkai explain}.
 *
 * @param key section and name with a dot between
 * @param value as TOML; a secret is masked
 * @param origin where it comes from
 * @param honoured whether it has an effect
 */
public record EffectiveValue(String key, String value, Origin origin, boolean honoured) {
    /** {@return the value as one line} */
    @Override
    public String toString() {
        return key + " = " + value + " (" + origin + (honoured ? ")" : "; no effect)");
    }
}
