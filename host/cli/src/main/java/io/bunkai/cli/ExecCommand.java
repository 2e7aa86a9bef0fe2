// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.ExecRequest;
import io.bunkai.base.Fault;
import io.bunkai.linux.Terminal;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "exec", description = "Run a further command in a running container.")
final class ExecCommand implements Callable<Integer> {
    private final Bunkai root;

    @Option(
            names = {"-d", "--detach"},
            description = "Leave the command running.")
    private boolean detach;

    @Option(
            names = {"-i", "--interactive"},
            description = "Copy standard input to the process.")
    private boolean interactive;

    @Option(
            names = {"-t", "--tty"},
            description = "Give the process a terminal.")
    private boolean tty;

    @Mixin private EnvironmentOptions environment = new EnvironmentOptions();

    @Option(
            names = {"-w", "--workdir"},
            paramLabel = "DIR",
            description = "Working directory of the process.")
    private String directory = "";

    @Option(
            names = {"-u", "--user"},
            paramLabel = "USER[:GROUP]",
            description = "User of the process, by name or number.")
    private String user = "";

    @Parameters(
            paramLabel = "CONTAINER [--] COMMAND...",
            hideParamSyntax = true,
            arity = "0..*",
            description = "The container, then the command.")
    private List<String> words = new ArrayList<>();

    ExecCommand(Bunkai root) {
        this.root = root;
    }

    @Override
    public Integer call() throws Exception {
        Surroundings surroundings = root.surroundings();
        List<String> all = ContainerWords.command(words); // also "exec -- CONTAINER COMMAND"
        List<String> command =
                all.isEmpty()
                        ? List.of()
                        : ContainerWords.afterSeparator(all.subList(1, all.size()));
        if (command.isEmpty()) {
            throw Fault.invalidArgument("a container and a command are needed")
                    .withHint("write: bunkai exec [OPTIONS] CONTAINER COMMAND...");
        }
        boolean attached = !detach;
        if (attached) {
            AttachedProcess.checkTerminal(surroundings, tty, interactive);
        }
        ExecRequest.Builder request =
                ExecRequest.newBuilder()
                        .setContainer(all.getFirst())
                        .addAllArgs(command)
                        .addAllEnv(environment.resolve(surroundings))
                        .setCwd(directory)
                        .setUser(user)
                        .setTty(tty)
                        .setStdin(interactive)
                        .setTied(attached);
        if (tty) {
            Terminal.Size size = surroundings.terminal().size();
            request.setTtyRows(size.rows()).setTtyColumns(size.columns());
        }
        try (Daemon daemon = root.connect()) {
            String id = daemon.await(ControlMethods.EXEC, request.build()).getExecId();
            ProcessAddress process = new ProcessAddress(all.getFirst(), id);
            if (attached) {
                return new AttachedProcess(surroundings, daemon, process, tty, interactive).run();
            }
            process.start(daemon);
            return ExitCode.OK.number();
        }
    }
}
