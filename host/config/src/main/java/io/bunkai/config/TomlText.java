// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Writes values as TOML has them. */
final class TomlText {
    private static final int SHORT = 100;

    private TomlText() {}

    static String of(Object value) {
        return switch (value) {
            case String text -> quoted(text);
            case Double number when number == Math.rint(number) && Math.abs(number) < 1e15 ->
                    String.valueOf(number.longValue());
            case List<?> list ->
                    list.stream().map(TomlText::of).collect(Collectors.joining(", ", "[", "]"));
            case Map<?, ?> map -> {
                Map<String, String> sorted = new TreeMap<>();
                map.forEach((name, member) -> sorted.put(String.valueOf(name), of(member)));
                yield sorted.entrySet().stream()
                        .map(entry -> entry.getKey() + " = " + entry.getValue())
                        .collect(Collectors.joining(", ", "{", "}"));
            }
            default -> String.valueOf(value);
        };
    }

    /** {@return the value, cut where it would fill a terminal} */
    static String shortened(Object value) {
        String text = of(value);
        return text.length() <= SHORT
                ? text
                : text.substring(0, SHORT) + "... (" + text.length() + " characters)";
    }

    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        text.chars()
                .forEach(c -> {
                    switch (c) {
                        case '"' -> quoted.append("\\\"");
                        case '\\' -> quoted.append("\\\\");
                        case '\n' -> quoted.append("\\n");
                        case '\t' -> quoted.append("\\t");
                        default -> {
                            if (Character.isISOControl(c)) {
                                quoted.append(String.format("\\u%04x", c));
                            } else {
                                quoted.append((char) c);
                            }
                        }
                    }
                });
        return quoted.append('"').toString();
    }
}
