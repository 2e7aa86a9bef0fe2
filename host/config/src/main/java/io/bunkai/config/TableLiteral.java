// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The values of the key table: the part of TOML that it needs. Two hundred calls of the real parser
 * would cost every start of the daemon half a second.
 */
final class TableLiteral {
    private TableLiteral() {}

    /**
     * {@return a Boolean, Long, Double, String, List of Strings or empty Map}
     *
     * @throws IllegalArgumentException if the text is something else
     */
    static Object parse(String text) {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            case "{}" -> Map.of();
            default -> {
                if (text.startsWith("\"")) {
                    yield string(text);
                }
                if (text.startsWith("[") && text.endsWith("]")) {
                    yield strings(text.substring(1, text.length() - 1));
                }
                yield number(text);
            }
        };
    }

    private static Object number(String text) {
        return text.contains(".") ? (Object) Double.valueOf(text) : (Object) Long.valueOf(text);
    }

    private static String string(String text) {
        String content = text.substring(1, Math.max(1, text.length() - 1));
        if (text.length() < 2 || !text.endsWith("\"") || content.matches(".*[\"\\\\].*")) {
            throw new IllegalArgumentException(text);
        }
        return content;
    }

    private static List<String> strings(String members) {
        List<String> strings = new ArrayList<>();
        if (!members.isEmpty()) {
            for (String member : members.split(", ", -1)) {
                strings.add(string(member));
            }
        }
        return List.copyOf(strings);
    }
}
