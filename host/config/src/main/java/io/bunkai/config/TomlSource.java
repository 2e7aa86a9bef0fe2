// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.tomlj.Toml;
import org.tomlj.TomlArray;
import org.tomlj.TomlParseError;
import org.tomlj.TomlParseResult;
import org.tomlj.TomlPosition;
import org.tomlj.TomlTable;

/** One configuration file, taken apart into tables and values with their places. */
final class TomlSource {
    /** A configuration is some kilobytes; whoever names a disk image by mistake is told so. */
    private static final int LARGEST = 1 << 20;

    private final Path path;
    private final TomlParseResult root;

    private TomlSource(Path path, TomlParseResult root) {
        this.path = path;
        this.root = root;
    }

    /** A name in a table, with what it stands for: a plain value, or a table as a {@link Map}. */
    record Entry(List<String> names, Object value, Origin.InFile origin) {
        String name() {
            return names.getLast();
        }

        String path() {
            return String.join(".", names);
        }
    }

    /**
     * Reads a file.
     *
     * @param problems where syntax errors are added; the result has no entries then
     * @throws Fault NOT_FOUND, PERMISSION_DENIED or INVALID_ARGUMENT if the file cannot be read as
     *     text
     */
    static TomlSource read(Path path, List<Problem> problems) {
        return parse(path, text(path), problems);
    }

    static TomlSource parse(Path path, String text, List<Problem> problems) {
        TomlParseResult root = Toml.parse(text);
        for (TomlParseError error : root.errors()) {
            problems.add(
                    new Problem(
                            at(path, error.position()),
                            "this is not TOML: " + error.getMessage(),
                            "correct the line; strings want quotes, tables stand in brackets"));
        }
        return new TomlSource(path, root.hasErrors() ? Toml.parse("") : root);
    }

    private static String text(Path path) {
        try (InputStream in = Files.newInputStream(path)) {
            byte[] bytes = in.readNBytes(LARGEST + 1);
            if (bytes.length > LARGEST) {
                throw Fault.invalidArgument(
                                "the configuration %s was not loaded: it is larger than 1 MiB",
                                path)
                        .withHint("name a configuration.toml");
            }
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw Fault.invalidArgument(
                            "the configuration %s was not loaded: it is not UTF-8 text", path)
                    .withHint("name a configuration.toml, and save it as UTF-8");
        } catch (NoSuchFileException e) {
            throw Fault.notFound("the configuration %s was not loaded: there is no such file", path)
                    .withHint("correct the path, or leave it out to use the defaults");
        } catch (AccessDeniedException e) {
            throw Fault.of(
                            FaultCode.PERMISSION_DENIED,
                            "the configuration %s was not loaded: it may not be read",
                            path)
                    .withHint("run as root, or make the file readable");
        } catch (IOException e) {
            throw Fault.invalidArgument("the configuration %s was not loaded", path).causedBy(e);
        }
    }

    Path path() {
        return path;
    }

    /** {@return what stands directly in the table of this name, in the file's order} */
    List<Entry> entries(List<String> table) {
        TomlTable found = table.isEmpty() ? root : root.getTable(table);
        if (found == null) {
            return List.of();
        }
        List<Entry> entries = new ArrayList<>();
        for (String name : found.keySet()) {
            List<String> names = new ArrayList<>(table);
            names.add(name);
            Object value = Objects.requireNonNull(found.get(List.of(name)));
            entries.add(new Entry(List.copyOf(names), plain(value), place(names)));
        }
        entries.sort(
                Comparator.comparingInt((Entry entry) -> entry.origin().line())
                        .thenComparingInt(entry -> entry.origin().column()));
        return entries;
    }

    private Origin.InFile place(List<String> names) {
        TomlPosition position = root.inputPositionOf(names);
        return position == null ? new Origin.InFile(path, 1, 1) : at(path, position);
    }

    private static Origin.InFile at(Path path, TomlPosition position) {
        return new Origin.InFile(path, position.line(), position.column());
    }

    /** {@return the value with the library's tables and arrays as maps and lists} */
    static Object plain(Object value) {
        return switch (value) {
            case TomlArray array -> {
                List<Object> list = new ArrayList<>();
                for (int i = 0; i < array.size(); i++) {
                    list.add(plain(array.get(i)));
                }
                yield List.copyOf(list);
            }
            case TomlTable table -> {
                Map<String, Object> map = new LinkedHashMap<>();
                for (String name : table.keySet()) {
                    map.put(name, plain(Objects.requireNonNull(table.get(List.of(name)))));
                }
                yield map;
            }
            default -> value;
        };
    }
}
