// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The list of an annotation: strings as JSON has them in an array. Read flatly, since a pod's
 * author may write anything: a parser that follows brackets into brackets could be led out of its
 * stack.
 */
final class StringList {
    private static final Pattern MEMBER =
            Pattern.compile(
                    "\\s*\"((?:[^\"\\\\\\p{Cntrl}]|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-fA-F]{4})*+)\"\\s*([,\\]])");
    private static final Pattern ESCAPE = Pattern.compile("\\\\(u([0-9a-fA-F]{4})|.)");

    private StringList() {}

    /**
     * {@return the members of the array}
     *
     * @throws IllegalArgumentException if the text is no array of strings
     */
    static List<String> parse(String text) {
        if (text.matches("\\[\\s*+\\]\\s*+")) {
            return List.of();
        }
        List<String> members = new ArrayList<>();
        Matcher matcher = MEMBER.matcher(text).region(1, text.length());
        while (matcher.lookingAt()) {
            members.add(unescaped(matcher.group(1)));
            matcher.region(matcher.end(), text.length());
            if (text.charAt(matcher.regionStart() - 1) == ']') {
                if (text.substring(matcher.regionStart()).isBlank()) {
                    return List.copyOf(members);
                }
                break;
            }
        }
        throw new IllegalArgumentException("no array of strings");
    }

    private static String unescaped(String text) {
        return ESCAPE.matcher(text)
                .replaceAll(match -> Matcher.quoteReplacement(character(match.group(1))));
    }

    private static String character(String escape) {
        return switch (escape.charAt(0)) {
            case 'u' -> String.valueOf((char) Integer.parseInt(escape.substring(1), 16));
            case 'n' -> "\n";
            case 't' -> "\t";
            case 'r' -> "\r";
            case 'b' -> "\b";
            case 'f' -> "\f";
            default -> escape;
        };
    }
}
