// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.ControlMethods;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "explain",
        description = "Print the plan that 'run' with the same arguments would carry out, as JSON.")
final class ExplainCommand implements Callable<Integer> {
    private final Bunkai root;

    @Option(
            names = {"-d", "--detach"},
            description = "As 'run' has it.")
    private boolean detach;

    @Mixin private ContainerOptions options = new ContainerOptions();

    ExplainCommand(Bunkai root) {
        this.root = root;
    }

    @Override
    public Integer call() {
        var request = options.request(root.surroundings(), !detach);
        try (Daemon daemon = root.connect()) {
            Json.print(
                    root.surroundings().out(),
                    daemon.await(ControlMethods.EXPLAIN, request).getJson());
            return ExitCode.OK.number();
        }
    }
}
