// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A whole configuration, as the kernel's own tool writes it to {@code .config}.
 *
 * @param values by the option's name
 */
record KernelConfig(SortedMap<String, String> values) {
    /** An option that was asked for and is not what was asked for. */
    record Dropped(ConfigOption wanted, String got) {
        @Override
        public String toString() {
            return "%s is %s instead of %s".formatted(wanted.name(), got, wanted.value());
        }
    }

    KernelConfig {
        values = Collections.unmodifiableSortedMap(new TreeMap<>(values));
    }

    static KernelConfig read(Path file) throws IOException {
        return parse(Files.readString(file));
    }

    static KernelConfig parse(String text) {
        SortedMap<String, String> values = new TreeMap<>();
        text.lines()
                .map(String::strip)
                .forEach(line ->
                        ConfigOption.ofLine(line)
                                .ifPresent(option -> values.put(option.name(), option.value())));
        return new KernelConfig(values);
    }

    /** {@return an option's value; {@code n} if the configuration does not know it} */
    String value(String name) {
        return values.getOrDefault(name, ConfigOption.OFF);
    }

    /**
     * {@return those of {@code wanted} that did not stick; of two of a name the last one counts}
     */
    List<Dropped> droppedOf(List<ConfigOption> wanted) {
        SortedMap<String, ConfigOption> last = new TreeMap<>();
        wanted.forEach(option -> last.put(option.name(), option));
        return last.values().stream()
                .filter(option -> !value(option.name()).equals(option.value()))
                .map(option -> new Dropped(option, value(option.name())))
                .toList();
    }
}
