// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** Builds guest images from the command line. */
@Command(
        name = "bunkai-image",
        description = "Builds the guest that containers run in.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {BuildCommand.class, BuildGuestCommand.class, IsCurrentCommand.class})
public final class ImageMain implements Runnable {
    /** Done. */
    static final int OK = 0;

    /** Failed; standard error says why. */
    static final int FAILED = 1;

    /** is-current: the image has to be built. Usage errors have 2, as picocli has it. */
    static final int STALE = 3;

    /** Interrupted. */
    static final int INTERRUPTED = 130;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

    /** Used by picocli. */
    ImageMain() {}

    /** Runs a command and ends the process with its status. */
    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    /** {@return the commands; faults are printed in three lines} */
    static CommandLine commandLine() {
        CommandLine line = new CommandLine(new ImageMain());
        line.setExecutionExceptionHandler((failure, command, _) -> {
            print(failure, command.getErr());
            return failure instanceof InterruptedException ? INTERRUPTED : FAILED;
        });
        return line;
    }

    @Override
    public void run() {
        throw new CommandLine.ParameterException(spec.commandLine(), "a command is missing");
    }

    private static void print(Exception failure, PrintWriter err) {
        if (failure instanceof InterruptedException) {
            err.println("error: interrupted; nothing was changed");
            err.flush();
            return;
        }
        err.println("error: " + text(failure));
        List<String> causes = new ArrayList<>();
        String hint = failure instanceof Fault fault ? fault.hint().orElse("") : "";
        for (Throwable cause = failure.getCause(); cause != null; cause = cause.getCause()) {
            causes.add(text(cause));
            if (hint.isEmpty() && cause instanceof Fault fault) {
                hint = fault.hint().orElse("");
            }
        }
        if (!causes.isEmpty()) {
            err.println("cause: " + String.join(": ", causes));
        }
        if (hint.isEmpty() && NoSpace.is(failure.toString())) {
            hint = NoSpace.HINT;
        }
        if (!hint.isEmpty()) {
            err.println("hint:  " + hint);
        }
        err.flush();
    }

    private static String text(Throwable failure) {
        String message = failure.getMessage();
        boolean says = failure instanceof Fault || failure.getClass() == IOException.class;
        String text = says && message != null ? message : failure.toString();
        return text.strip().replaceAll("\\s*\\R\\s*", "; ");
    }
}
