// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import io.bunkai.base.Fault;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A part of a kernel's configuration: groups of options, each with the reason that it is there for.
 *
 * <p>Groups are parted by empty lines; a group begins with comments, which are its reason. A group
 * without options (the head of a file) is left out.
 *
 * @param name of the file, without its end
 * @param text the file
 * @param groups in the file's order
 */
record ConfigFragment(String name, String text, List<Group> groups) {
    /** Options that are there for the same reason. */
    record Group(String reason, List<ConfigOption> options) {
        Group {
            options = List.copyOf(options);
        }
    }

    ConfigFragment {
        groups = List.copyOf(groups);
    }

    /**
     * {@return the fragment that a text describes}
     *
     * @throws Fault INVALID_ARGUMENT if a line is neither an option nor a comment, an option stands
     *     twice, or a group has no reason; with the line's number
     */
    static ConfigFragment parse(String name, String text) {
        List<Group> groups = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        StringBuilder reason = new StringBuilder();
        List<ConfigOption> options = new ArrayList<>();
        int number = 0;
        for (String line : (text + "\n\n").split("\n", -1)) {
            number++;
            Optional<ConfigOption> option = ConfigOption.ofLine(line.strip());
            if (option.isPresent()) {
                if (reason.isEmpty()) {
                    throw bad(name, number, "the group of %s has no reason", option.get().name());
                }
                if (!seen.add(option.get().name())) {
                    throw bad(name, number, "%s is there twice", option.get().name());
                }
                options.add(option.get());
            } else if (line.isBlank()) {
                if (!options.isEmpty()) {
                    groups.add(new Group(reason.toString().strip(), options));
                }
                reason.setLength(0);
                options = new ArrayList<>();
            } else if (line.startsWith("#") && options.isEmpty()) {
                reason.append(line.substring(1).strip()).append(' ');
            } else {
                throw bad(name, number, "'%s' is neither an option nor a reason", line.strip());
            }
        }
        return new ConfigFragment(name, text, groups);
    }

    private static Fault bad(String name, int line, String format, String argument) {
        return Fault.invalidArgument(
                "fragment %s, line %d: %s", name, line, format.formatted(argument));
    }

    /** {@return all options, in the file's order} */
    List<ConfigOption> options() {
        return groups.stream().flatMap(group -> group.options().stream()).toList();
    }
}
