// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.RemoveRequest;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "rm", description = "Remove containers.")
final class RmCommand implements Callable<Integer> {
    /** A forced removal takes a machine down. */
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final Bunkai root;

    @Option(
            names = {"-f", "--force"},
            description = "Kill what still runs.")
    private boolean force;

    @Parameters(
            paramLabel = "CONTAINER",
            arity = "1..*",
            description = "Ids, the beginnings of ids, or names.")
    private List<String> containers = new ArrayList<>();

    RmCommand(Bunkai root) {
        this.root = root;
    }

    @Override
    public Integer call() {
        PrintStream out = root.surroundings().out();
        try (Daemon daemon = root.connect()) {
            return root.forEach(
                    containers,
                    container -> {
                        daemon.call(
                                ControlMethods.REMOVE,
                                RemoveRequest.newBuilder()
                                        .setContainer(container)
                                        .setForce(force)
                                        .build(),
                                LIMIT);
                        out.println(container);
                        out.flush();
                    });
        }
    }
}
