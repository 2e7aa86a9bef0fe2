// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * All keys of {@code configuration.toml}: Kata's and Bunkai's own. What is known of a key stands in
 * one line of the resource {@code keys.table} and nowhere else. Immutable.
 */
public final class KeyCatalogue {
    private static final KeyCatalogue STANDARD = read();

    private final Map<String, ConfigurationKey> byPath = new LinkedHashMap<>();
    private final Map<String, ConfigurationKey> byOtherPath = new LinkedHashMap<>();
    private final Map<String, String> sections = new LinkedHashMap<>();

    private KeyCatalogue(List<String> lines) {
        String section = "";
        for (String line : lines) {
            if (line.startsWith("[")) {
                String[] names = line.substring(1, line.length() - 1).split("] \\[", -1);
                section = names[0];
                for (String name : names) {
                    sections.put(name, section);
                }
            } else if (!line.isEmpty() && !line.startsWith("#")) {
                add(keyOf(section, line));
            }
        }
    }

    /** {@return the catalogue of this version} */
    public static KeyCatalogue standard() {
        return STANDARD;
    }

    private static KeyCatalogue read() {
        try (InputStream in = KeyCatalogue.class.getResourceAsStream("keys.table")) {
            byte[] table = Objects.requireNonNull(in, "keys.table").readAllBytes();
            return new KeyCatalogue(new String(table, StandardCharsets.UTF_8).lines().toList());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static KeyCatalogue of(String table) {
        return new KeyCatalogue(table.lines().toList());
    }

    private void add(ConfigurationKey key) {
        if (byPath.put(key.path(), key) != null) {
            throw new IllegalStateException("the key table has " + key.path() + " twice");
        }
        for (String other : key.otherNames()) {
            byOtherPath.put(key.section() + "." + other, key);
        }
    }

    private static ConfigurationKey keyOf(String section, String line) {
        String[] cells =
                Arrays.stream(line.split("\\|", -1)).map(String::strip).toArray(String[]::new);
        if (cells.length != 10) {
            throw new IllegalStateException("the key table has a line without ten cells: " + line);
        }
        List<String> names = List.of(cells[0].split(" ", -1));
        String[] type = cells[1].split(": ", 2);
        String[] defaults = cells[2].split(" -> ", 2);
        ConfigurationKey raw =
                new ConfigurationKey(
                        section,
                        names.getFirst(),
                        names.subList(1, names.size()),
                        typeOf(type[0]),
                        type.length == 1 ? List.of() : List.of(type[1].split(" ", -1)),
                        List.of(),
                        Optional.empty(),
                        cells[3],
                        NumberRange.parse(cells[4]),
                        ValueSet.parse(cells[5]),
                        ValueSet.parse(cells[6]),
                        AnnotationRule.parse(section, cells[7]),
                        cells[8],
                        cells[9]);
        List<Object> kata =
                defaults[0].equals("-")
                        ? List.of()
                        : Stream.of(defaults[0].split(" or ", -1))
                                .map(text -> literal(raw, text))
                                .toList();
        Optional<Object> own =
                defaults.length == 1
                        ? kata.stream().findFirst()
                        : defaults[1].equals("caller")
                                ? Optional.empty()
                                : Optional.of(literal(raw, defaults[1]));
        return withDefaults(raw, kata, own);
    }

    private static ConfigurationKey withDefaults(
            ConfigurationKey raw, List<Object> kata, Optional<Object> own) {
        return new ConfigurationKey(
                raw.section(),
                raw.name(),
                raw.otherNames(),
                raw.type(),
                raw.words(),
                kata,
                own,
                raw.unit(),
                raw.range(),
                raw.honoured(),
                raw.security(),
                raw.annotation(),
                raw.kata(),
                raw.meaning());
    }

    private static KeyType typeOf(String text) {
        return switch (text) {
            case "string" -> KeyType.STRING;
            case "secret" -> KeyType.SECRET;
            case "path" -> KeyType.PATH;
            case "bool" -> KeyType.BOOLEAN;
            case "int" -> KeyType.INTEGER;
            case "float" -> KeyType.FLOAT;
            case "strings" -> KeyType.STRINGS;
            case "globs" -> KeyType.GLOBS;
            case "patterns" -> KeyType.PATTERNS;
            case "enum" -> KeyType.ENUMERATION;
            case "table" -> KeyType.TABLE;
            case "tables" -> KeyType.TABLES;
            default ->
                    throw new IllegalStateException("the key table has an unknown type: " + text);
        };
    }

    private static Object literal(ConfigurationKey key, String text) {
        try {
            Object raw = TableLiteral.parse(text);
            // "*/bin/x" stands for a path, but does not look like one.
            return key.type() == KeyType.PATH && text.startsWith("\"*/")
                    ? raw
                    : ValueReader.fromToml(key, raw);
        } catch (IllegalArgumentException | BadValue e) {
            throw new IllegalStateException(
                    "the default of " + key.path() + " cannot be read: " + text, e);
        }
    }

    /** {@return all keys, in the table's order} */
    public List<ConfigurationKey> keys() {
        return List.copyOf(byPath.values());
    }

    /** {@return the sections, each by its first name, in the table's order} */
    public List<String> sections() {
        return sections.values().stream().distinct().toList();
    }

    /** {@return the other names of a section} */
    public List<String> otherNamesOf(String section) {
        return sections.entrySet().stream()
                .filter(entry ->
                        entry.getValue().equals(section) && !entry.getKey().equals(section))
                .map(Map.Entry::getKey)
                .toList();
    }

    /** {@return the keys of a section, in the table's order} */
    public List<ConfigurationKey> keysOf(String section) {
        return byPath.values().stream().filter(key -> key.section().equals(section)).toList();
    }

    /** {@return the key of this name, or this other name, in the section of this name} */
    public Optional<ConfigurationKey> find(String section, String name) {
        String path = sections.getOrDefault(section, section) + "." + name;
        @Nullable ConfigurationKey key = byPath.get(path);
        return Optional.ofNullable(key != null ? key : byOtherPath.get(path));
    }

    /** {@return the key with this section and name} */
    ConfigurationKey get(String path) {
        return Objects.requireNonNull(byPath.get(path), path);
    }

    /** {@return whether a section has this name, under which other names it is known} */
    boolean isSection(String name) {
        return sections.containsKey(name);
    }

    /** {@return whether a section's name begins with this name and a dot} */
    boolean isAboveSection(String name) {
        return sections.keySet().stream().anyMatch(section -> section.startsWith(name + "."));
    }

    /** {@return a remark on what was probably meant by an unknown key, as the end of a sentence} */
    String guess(String section, String name) {
        String known = sections.getOrDefault(section, section);
        List<String> elsewhere =
                keys().stream()
                        .filter(key -> key.name().equals(name) || key.otherNames().contains(name))
                        .map(ConfigurationKey::section)
                        .toList();
        if (!elsewhere.isEmpty()) {
            return "; it belongs into [" + String.join("] or [", elsewhere) + "]";
        }
        List<String> names =
                keysOf(known).stream()
                        .flatMap(key ->
                                Stream.concat(Stream.of(key.name()), key.otherNames().stream()))
                        .toList();
        return NearestName.of(name, names)
                .map(near -> "; did you mean '" + near + "'?")
                .orElse("; no key there has a similar name");
    }

    /** {@return a remark on what was probably meant by an unknown section} */
    String guessSection(String name) {
        return NearestName.of(name, sections.keySet())
                .map(near -> "; did you mean [" + near + "]?")
                .orElse("; there is no section with a similar name");
    }
}
