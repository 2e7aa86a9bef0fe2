// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.base.Fault;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The files of this module: a first line that says what it is, a line for each field, its name
 * before its value, in a fixed order, and {@code end}. Without the last one a file is not complete.
 */
final class FieldFile {
    /** Values are paths and names: a path has at most 4096 bytes, a name 76. */
    static final int LONGEST = 16 * 1024;

    private static final String END = "end";

    private FieldFile() {}

    /** {@return whether nothing is missing at the end} */
    static boolean isComplete(byte[] file) {
        byte[] end = ("\n" + END + "\n").getBytes(StandardCharsets.US_ASCII);
        return file.length >= end.length
                && ByteBuffer.wrap(file, file.length - end.length, end.length)
                        .equals(ByteBuffer.wrap(end));
    }

    /**
     * {@return the values of exactly these fields}
     *
     * @throws Fault INVALID_ARGUMENT if the file is anything else
     */
    static Map<String, String> parse(byte[] file, String title, List<String> names) {
        List<String> expected = new ArrayList<>(names);
        List<String> lines = text(file).lines().toList();
        if (lines.size() != names.size() + 2
                || !lines.getFirst().equals(title)
                || !isComplete(file)) {
            throw Fault.invalidArgument(
                    "the file is not '%s', %d fields and '%s'", title, names.size(), END);
        }
        Map<String, String> values = new LinkedHashMap<>();
        for (String line : lines.subList(1, lines.size() - 1)) {
            String name = expected.removeFirst();
            if (!line.startsWith(name + " ")) {
                throw Fault.invalidArgument("where '%s' is expected there is another line", name);
            }
            String value = line.substring(name.length() + 1);
            if (value.chars().anyMatch(Character::isISOControl)) {
                throw Fault.invalidArgument("the value of '%s' has control characters in it", name);
            }
            values.put(name, value);
        }
        return Collections.unmodifiableMap(values);
    }

    private static String text(byte[] file) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(file)).toString();
        } catch (CharacterCodingException e) {
            throw Fault.invalidArgument("the file is no UTF-8 text").causedBy(e);
        }
    }

    /** {@return the file with these values, none of which has a newline in it} */
    static String format(String title, Map<String, String> values) {
        StringBuilder file = new StringBuilder(title).append('\n');
        values.forEach((name, value) -> file.append(name).append(' ').append(value).append('\n'));
        return file.append(END).append('\n').toString();
    }
}
