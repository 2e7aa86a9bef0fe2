// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.base.Fault;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Measures a part of the runtime by itself, with a program of its own. */
@Command(
        name = "bench",
        description = "Measure a part of the runtime, beside others of its kind.",
        customSynopsis = {
            "bunkai bench start [--runs N] [--at-once N] [--format table|json]",
            "bunkai bench virtiofs [ARGUMENT...]",
            "bunkai bench start|virtiofs --help"
        })
final class BenchCommand implements Callable<Integer> {
    /** The programs beneath libexec, by the word that names what they measure. */
    private static final Map<String, String> PROGRAMS = Map.of("virtiofs", "bunkai-virtiofs-bench");

    private final Bunkai root;

    @Parameters(
            arity = "0..*",
            paramLabel = "PART",
            description = "virtiofs, the file server, and how it is to be measured.")
    private List<String> words = new ArrayList<>();

    @Spec private CommandSpec spec = CommandSpec.create();

    BenchCommand(Bunkai root) {
        this.root = root;
    }

    @Override
    public Integer call() {
        if (words.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(), "it is not said what: start or virtiofs");
        }
        String name = PROGRAMS.get(words.getFirst());
        if (name == null) {
            throw Fault.invalidArgument("there is nothing to measure about '%s'", words.getFirst())
                    .withHint("run 'bunkai bench --help'");
        }
        throw LibexecProgram.become(name, words.subList(1, words.size()), root.surroundings());
    }
}
