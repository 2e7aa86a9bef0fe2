// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.base.Fault;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command without a subcommand, and what all subcommands share. */
@Command(
        name = "bunkai",
        description = "Runs containers, each in a virtual machine of its own.",
        synopsisSubcommandLabel = "COMMAND",
        exitCodeListHeading = "%nExit status:%n",
        exitCodeList = {
            " 0:done",
            " 1:a command about containers failed",
            " 125:the command line makes no sense, or the runtime could not run the process",
            " 126:the container's command cannot be invoked",
            " 127:the container's command was not found",
            " other:run, exec: what the container's process ended with; 128 + N if signal N killed"
                    + " it"
        },
        footerHeading = "%nEnvironment:%n",
        footer = {
            "  BUNKAI_ROOT     folder of all state, as --state-root",
            "  BUNKAI_DEBUG=1  print stack traces",
            "  NO_COLOR        no colours, no Unicode bars"
        })
final class Bunkai implements Callable<Integer> {
    private final Surroundings surroundings;

    @Option(
            names = "--state-root",
            paramLabel = "DIR",
            scope = ScopeType.INHERIT,
            description = "Folder of all state: daemon, containers, images.")
    private @Nullable Path stateRoot;

    @Option(
            names = "--help",
            usageHelp = true,
            scope = ScopeType.INHERIT,
            description = "Print this help.")
    @SuppressWarnings("UnusedVariable") // the option parser alone looks at it
    private boolean help;

    @Spec private @Nullable CommandSpec spec;

    Bunkai(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() {
        if (spec != null) {
            PrintStream out = surroundings.out();
            spec.commandLine().usage(out, CommandLine.Help.Ansi.OFF);
            out.flush();
        }
        return ExitCode.OK.number();
    }

    Surroundings surroundings() {
        return surroundings;
    }

    /** {@return the path as the caller meant it} */
    Path resolve(Path path) {
        return surroundings.directory().resolve(path).normalize();
    }

    StateRoot stateRoot() {
        if (stateRoot != null) {
            return new StateRoot(resolve(stateRoot));
        }
        String named = surroundings.environment().get("BUNKAI_ROOT");
        return new StateRoot(
                named == null || named.isEmpty()
                        ? surroundings.defaultRoot().toAbsolutePath()
                        : resolve(Path.of(named)));
    }

    private DaemonLauncher launcher() {
        return new DaemonLauncher(stateRoot(), surroundings.programs(), surroundings.environment());
    }

    /** {@return a connection to the daemon, started if need be; the caller closes it} */
    Daemon connect() {
        return launcher().findOrStart();
    }

    /** {@return a connection to a daemon that is started with these arguments of its own} */
    Daemon start(List<String> arguments) {
        return launcher().startWith(arguments);
    }

    /** {@return a connection to a daemon that has taken over from the one that runs} */
    Daemon takeOver(List<String> arguments) {
        return launcher().takeOver(arguments);
    }

    /** {@return a connection to the daemon that runs; empty if none does} */
    Optional<Daemon> connectIfRunning() {
        return launcher().find();
    }

    /** One thing to do for a container. */
    interface Action {
        void on(String container);
    }

    /**
     * Does the same for several containers. A failure with one does not keep the others from it.
     *
     * @return FAILED if anything failed
     */
    int forEach(Iterable<String> containers, Action action) {
        ExitCode code = ExitCode.OK;
        for (String container : containers) {
            try {
                action.on(container);
            } catch (Fault fault) {
                ErrorReport.of(fault).print(surroundings.err());
                code = ExitCode.FAILED;
            }
        }
        return code.number();
    }
}
