// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;

/** The environment of a process in a container. */
final class EnvironmentOptions {
    @Option(
            names = {"-e", "--env"},
            paramLabel = "KEY[=VALUE]",
            description = "Set a variable; without a value, pass the caller's own on.")
    private List<String> variables = new ArrayList<>();

    @Option(
            names = "--env-file",
            paramLabel = "FILE",
            description = "Read variables from a file, one in a line; -e wins over it.")
    private List<Path> files = new ArrayList<>();

    /** {@return all of them as KEY=VALUE, in the order in which the later one wins} */
    List<String> resolve(Surroundings surroundings) {
        List<String> all = new ArrayList<>();
        for (Path file : files) {
            try {
                for (String line : Files.readAllLines(surroundings.directory().resolve(file))) {
                    String text = line.stripLeading();
                    if (!text.isEmpty() && !text.startsWith("#")) {
                        add(text, surroundings.environment(), all);
                    }
                }
            } catch (IOException e) {
                throw Fault.invalidArgument("the environment file %s cannot be read", file)
                        .causedBy(e);
            }
        }
        variables.forEach(text -> add(text, surroundings.environment(), all));
        return all;
    }

    private static void add(String text, Map<String, String> caller, List<String> all) {
        int equals = text.indexOf('=');
        String name = equals < 0 ? text : text.substring(0, equals);
        if (name.isBlank() || name.chars().anyMatch(Character::isWhitespace)) {
            throw Fault.invalidArgument("'%s' is no environment variable", text)
                    .withHint("write KEY=VALUE, or KEY to pass the caller's own on");
        }
        if (equals >= 0) {
            all.add(text);
            return;
        }
        String value = caller.get(name);
        if (value != null) {
            all.add(name + "=" + value);
        }
    }
}
