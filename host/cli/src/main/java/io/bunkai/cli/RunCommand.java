// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.CreateRequest;
import io.bunkai.api.control.CreateResponse;
import java.io.PrintStream;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "run",
        description = "Run a command in a new container, in a virtual machine of its own.")
final class RunCommand implements Callable<Integer> {
    private final Bunkai root;

    @Option(
            names = {"-d", "--detach"},
            description = "Print the container's id and leave it running.")
    private boolean detach;

    @Mixin private ContainerOptions options = new ContainerOptions();

    RunCommand(Bunkai root) {
        this.root = root;
    }

    @Override
    public Integer call() throws Exception {
        Surroundings surroundings = root.surroundings();
        boolean attached = !detach;
        CreateRequest request = options.request(surroundings, attached);
        if (attached) {
            AttachedProcess.checkTerminal(surroundings, options.tty(), options.interactive());
        }
        try (Daemon daemon = root.connect()) {
            CreateResponse created = daemon.await(ControlMethods.CREATE, request);
            created.getWarningsList()
                    .forEach(warning ->
                            surroundings.err().println("warning: " + Texts.printable(warning)));
            ProcessAddress process = new ProcessAddress(created.getId(), "");
            if (attached) {
                return new AttachedProcess(
                                surroundings, daemon, process, options.tty(), options.interactive())
                        .run();
            }
            process.start(daemon);
            PrintStream out = surroundings.out();
            out.println(created.getId());
            out.flush();
            return ExitCode.OK.number();
        }
    }
}
