// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** Turns what a file or an annotation says into a value that its key allows. */
final class ValueReader {
    /** The words that Go's runtime takes for booleans in annotations. */
    private static final Map<String, Boolean> BOOLEANS =
            Map.ofEntries(
                    Map.entry("true", true),
                    Map.entry("True", true),
                    Map.entry("TRUE", true),
                    Map.entry("t", true),
                    Map.entry("T", true),
                    Map.entry("1", true),
                    Map.entry("false", false),
                    Map.entry("False", false),
                    Map.entry("FALSE", false),
                    Map.entry("f", false),
                    Map.entry("F", false),
                    Map.entry("0", false));

    private ValueReader() {}

    /**
     * Checks a value of a file.
     *
     * @param raw as {@link TomlSource} hands it out
     * @return a Boolean, Long, Double, String, List or Map, as the key's type says
     */
    static Object fromToml(ConfigurationKey key, Object raw) throws BadValue {
        return switch (key.type()) {
            case STRING, SECRET -> printable(string(key, raw));
            case PATH -> path(string(key, raw));
            case ENUMERATION -> word(key, string(key, raw));
            case BOOLEAN -> {
                if (raw instanceof Boolean) {
                    yield raw;
                }
                throw wrongType(key, raw);
            }
            case INTEGER -> {
                if (raw instanceof Long number) {
                    inRange(key, number.doubleValue(), raw);
                    yield number;
                }
                throw wrongType(key, raw);
            }
            case FLOAT -> {
                if (raw instanceof Number number) {
                    inRange(key, number.doubleValue(), raw);
                    yield number.doubleValue();
                }
                throw wrongType(key, raw);
            }
            case STRINGS -> strings(key, raw);
            case GLOBS -> globs(strings(key, raw));
            case PATTERNS -> patterns(strings(key, raw));
            case TABLE -> {
                if (raw instanceof Map<?, ?>) {
                    yield raw;
                }
                throw wrongType(key, raw);
            }
            case TABLES -> {
                if (raw instanceof List<?> list
                        && list.stream().allMatch(member -> member instanceof Map<?, ?>)) {
                    yield raw;
                }
                throw wrongType(key, raw);
            }
        };
    }

    /** Checks the text of an annotation. */
    static Object fromAnnotation(ConfigurationKey key, String text) throws BadValue {
        return switch (key.type()) {
            case STRING, SECRET, PATH, ENUMERATION -> fromToml(key, text);
            case BOOLEAN -> {
                Boolean value = BOOLEANS.get(text);
                if (value == null) {
                    throw new BadValue(
                            "is " + describe(text) + ", but true or false is wanted",
                            "write \"true\" or \"false\"");
                }
                yield value;
            }
            case INTEGER, FLOAT -> fromToml(key, number(key, text));
            case STRINGS, GLOBS, PATTERNS -> fromToml(key, list(text));
            case TABLE, TABLES ->
                    throw new BadValue(
                            "cannot be given by an annotation here",
                            "leave the annotation out, or set the key in the configuration file");
        };
    }

    private static Object number(ConfigurationKey key, String text) throws BadValue {
        try {
            return key.type() == KeyType.INTEGER ? (Object) Long.valueOf(text) : decimal(text);
        } catch (NumberFormatException e) {
            throw wrongType(key, text);
        }
    }

    /**
     * Only plain decimals: the JDK's parser would take {@code NaN}, {@code 0x1p3} and {@code 1d}
     * too.
     */
    private static Double decimal(String text) {
        if (!text.matches("-?[0-9]{1,15}(\\.[0-9]{1,15})?")) {
            throw new NumberFormatException(text);
        }
        return Double.valueOf(text);
    }

    /** Lists are arrays as JSON has them, or words with spaces between. */
    private static Object list(String text) throws BadValue {
        if (!text.startsWith("[")) {
            return text.isBlank() ? List.of() : List.of(text.strip().split("\\s+", -1));
        }
        try {
            return StringList.parse(text);
        } catch (IllegalArgumentException e) {
            throw new BadValue(
                    "is not a list of strings: " + describe(text),
                    "write it as [\"one\", \"two\"]");
        }
    }

    private static String string(ConfigurationKey key, Object raw) throws BadValue {
        if (raw instanceof String text) {
            return text;
        }
        throw wrongType(key, raw);
    }

    private static String printable(String text) throws BadValue {
        if (text.chars().anyMatch(Character::isISOControl)) {
            throw new BadValue(
                    "holds a control character: " + describe(text), "leave the character out");
        }
        return text;
    }

    private static String path(String text) throws BadValue {
        printable(text);
        if (text.isEmpty()) {
            return text;
        }
        try {
            if (Path.of(text).isAbsolute()) {
                return text;
            }
        } catch (InvalidPathException e) {
            throw new BadValue("is no path: " + describe(text), "write an absolute path");
        }
        throw new BadValue("is not an absolute path: " + describe(text), "begin it with a slash");
    }

    private static String word(ConfigurationKey key, String text) throws BadValue {
        if (key.words().contains(text)) {
            return text;
        }
        String hint =
                NearestName.of(text, key.words())
                        .map(near -> "write \"" + near + "\", if that is what was meant")
                        .orElse("write one of these words");
        throw new BadValue(
                "is "
                        + describe(text)
                        + ", but one of these is wanted: "
                        + String.join(", ", key.words()),
                hint);
    }

    private static void inRange(ConfigurationKey key, double number, Object raw) throws BadValue {
        if (!key.range().allows(number)) {
            String unit = key.unit().isEmpty() ? "" : " (" + key.unit() + ")";
            throw new BadValue(
                    "is " + describe(raw) + ", but " + key.range() + unit + " is wanted",
                    "choose a number within these bounds");
        }
    }

    private static List<String> strings(ConfigurationKey key, Object raw) throws BadValue {
        if (!(raw instanceof List<?> list)) {
            throw wrongType(key, raw);
        }
        List<String> strings = new ArrayList<>();
        for (Object member : list) {
            if (!(member instanceof String text)) {
                throw new BadValue(
                        "has "
                                + describe(member)
                                + " among its members, but "
                                + key.type().wanted()
                                + " is wanted",
                        "put every member in quotes");
            }
            strings.add(printable(text));
        }
        return List.copyOf(strings);
    }

    private static List<String> globs(List<String> globs) throws BadValue {
        for (String glob : globs) {
            try {
                GlobPattern.of(glob);
            } catch (IllegalArgumentException e) {
                throw new BadValue(
                        "has a pattern that cannot be read, "
                                + describe(glob)
                                + ": "
                                + e.getMessage(),
                        "correct the pattern");
            }
        }
        return globs;
    }

    private static List<String> patterns(List<String> patterns) throws BadValue {
        for (String pattern : patterns) {
            try {
                Pattern.compile(pattern);
            } catch (PatternSyntaxException e) {
                throw new BadValue(
                        "has a regular expression that cannot be read, "
                                + describe(pattern)
                                + ": "
                                + e.getDescription(),
                        "correct the expression");
            }
        }
        return patterns;
    }

    private static BadValue wrongType(ConfigurationKey key, Object raw) {
        String unit = key.unit().isEmpty() ? "" : " (" + key.unit() + ")";
        return new BadValue(
                "is "
                        + (key.type() == KeyType.SECRET ? "of another type" : describe(raw))
                        + ", but "
                        + key.type().wanted()
                        + unit
                        + " is wanted",
                "write it as in: " + key.name() + " = " + example(key));
    }

    private static String example(ConfigurationKey key) {
        return key.kataDefaults().stream()
                .findFirst()
                .or(key::ownDefault)
                .map(TomlText::of)
                .orElse(
                        switch (key.type()) {
                            case INTEGER -> "1000";
                            case FLOAT -> "1.5";
                            case BOOLEAN -> "true";
                            default -> "\"\"";
                        });
    }

    private static String describe(Object raw) {
        String text = TomlText.shortened(raw);
        return switch (raw) {
            case String _ -> "the string " + text;
            case Boolean _ -> text;
            case Long _, Double _ -> "the number " + text;
            case List<?> _ -> "the list " + text;
            case Map<?, ?> _ -> "a table";
            default -> "the date or time " + text;
        };
    }
}
