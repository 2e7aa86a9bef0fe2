// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * A file name pattern as Kata's {@code valid_*} lists have them: {@code *} and {@code ?} match
 * within one path component, {@code [a-z]} one character of a class. The JDK's own globs are not
 * used: their {@code **} and braces would match more than the writer of a list meant.
 */
final class GlobPattern {
    private final String text;
    private final Pattern pattern;

    private GlobPattern(String text, Pattern pattern) {
        this.text = text;
        this.pattern = pattern;
    }

    /**
     * @throws IllegalArgumentException if a class is not closed, or the text ends with a backslash
     */
    static GlobPattern of(String text) {
        StringBuilder regex = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '*' -> regex.append("[^/]*");
                case '?' -> regex.append("[^/]");
                case '[' -> {
                    int end = text.indexOf(']', i + 2);
                    if (end < 0) {
                        throw new IllegalArgumentException("'[' is not closed by ']'");
                    }
                    regex.append(characterClass(text.substring(i + 1, end)));
                    i = end;
                }
                case '\\' -> {
                    i++;
                    if (i == text.length()) {
                        throw new IllegalArgumentException("it ends with a backslash");
                    }
                    regex.append(Pattern.quote(text.substring(i, i + 1)));
                }
                default -> regex.append(Pattern.quote(String.valueOf(c)));
            }
        }
        try {
            return new GlobPattern(text, Pattern.compile(regex.toString(), Pattern.DOTALL));
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException(e.getDescription(), e);
        }
    }

    private static String characterClass(String members) {
        boolean negated = members.startsWith("!") || members.startsWith("^");
        String rest = negated ? members.substring(1) : members;
        String escaped = rest.replaceAll("([\\[\\]\\\\&^])", "\\\\$1");
        return "(?!/)[" + (negated ? "^" : "") + escaped + "]";
    }

    boolean matches(String path) {
        return pattern.matcher(path).matches();
    }

    /** {@return whether it names exactly one path, with no wildcard in it} */
    boolean isLiteral() {
        return text.chars().noneMatch(c -> "*?[\\".indexOf(c) >= 0);
    }
}
