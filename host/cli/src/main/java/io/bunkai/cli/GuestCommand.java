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

/**
 * What machines boot is built by programs of their own, which this process becomes: a command that
 * is about containers need not know how to build a kernel.
 */
@Command(
        name = "guest",
        description = "Build what the machines boot, and check that it fits.",
        customSynopsis = {
            "bunkai guest check [--format table|json] [--with FEATURE]... KERNEL IMAGE",
            "bunkai guest image build [ARGUMENT...]",
            "bunkai guest kernel setup|build|install|list [ARGUMENT...]",
            "bunkai guest check|image|kernel --help"
        })
final class GuestCommand implements Callable<Integer> {
    /** The programs beneath libexec, by the word that names them. */
    private static final Map<String, String> PROGRAMS =
            Map.of("image", "bunkai-image", "kernel", "bunkai-kernel");

    private final Bunkai root;

    @Parameters(
            arity = "0..*", // what is a command of its own here, as check, has none
            paramLabel = "PART",
            description = "image or kernel, and what its builder is to do.")
    private List<String> words = new ArrayList<>();

    @Spec private CommandSpec spec = CommandSpec.create();

    GuestCommand(Bunkai root) {
        this.root = root;
    }

    @Override
    public Integer call() {
        if (words.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(), "it is not said what: check, image or kernel");
        }
        String part = words.getFirst();
        String name = PROGRAMS.get(part);
        if (name == null) {
            throw Fault.invalidArgument("a guest has no part '%s'", part)
                    .withHint("run 'bunkai guest --help'");
        }
        throw LibexecProgram.become(name, words.subList(1, words.size()), root.surroundings());
    }
}
