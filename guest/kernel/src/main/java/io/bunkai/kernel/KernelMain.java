// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import io.bunkai.base.Fault;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The program behind {@code bunkai guest kernel}. */
@Command(
        name = "bunkai guest kernel",
        description = "Builds the kernel that containers' machines boot.",
        synopsisSubcommandLabel = "COMMAND",
        footerHeading = "%nEnvironment:%n",
        footer = {
            "  BUNKAI_CACHE              folder of what is kept between builds (default:"
                    + " ~/.cache/bunkai)",
            "  BUNKAI_NO_INSTALL=1       as --no-install",
            "  KERNEL_DEBUG_ENABLED=yes  as --debug",
            "  SOURCE_DATE_EPOCH         the time that is written into a kernel"
        })
public final class KernelMain implements Runnable {
    /** Done. */
    static final int OK = 0;

    /** Failed; standard error says why. */
    static final int FAILED = 1;

    /** The command line makes no sense. */
    static final int USAGE = 125;

    /** Interrupted. */
    static final int INTERRUPTED = 130;

    private static final Set<String> COMMANDS = Set.of("setup", "build", "install", "list");

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

    @CommandLine.Option(
            names = {"-h", "--help"},
            usageHelp = true,
            scope = CommandLine.ScopeType.INHERIT,
            description = "Print this help.")
    @SuppressWarnings("UnusedVariable") // the option parser alone looks at it
    private boolean help;

    /** Used by picocli. */
    KernelMain() {}

    /** Runs a command and ends the process with its status. */
    public static void main(String[] arguments) {
        System.exit(run(new Surroundings(), arguments));
    }

    /**
     * What an invocation finds around itself; a test has its own.
     *
     * @param environment variables of the caller
     * @param tools runs programs
     * @param neededTools says what programs are there; null to look for oneself
     * @param out takes results
     * @param err takes what is said to people
     */
    record Surroundings(
            Map<String, String> environment,
            ToolRunner tools,
            @org.jspecify.annotations.Nullable BuildTools neededTools,
            PrintWriter out,
            PrintWriter err) {
        Surroundings() {
            this(
                    System.getenv(),
                    new HostTools(),
                    null,
                    new PrintWriter(System.out, true, java.nio.charset.StandardCharsets.UTF_8),
                    new PrintWriter(System.err, true, java.nio.charset.StandardCharsets.UTF_8));
        }
    }

    /** {@return the exit status of what the arguments name} */
    static int run(Surroundings surroundings, String... arguments) {
        CommandLine line = new CommandLine(new KernelMain());
        line.addSubcommand(new SetupCommand(surroundings));
        line.addSubcommand(new BuildCommand(surroundings));
        line.addSubcommand(new InstallCommand(surroundings));
        line.addSubcommand(new ListCommand(surroundings));
        line.setOut(surroundings.out());
        line.setErr(surroundings.err());
        line.setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.OFF));
        line.setExpandAtFiles(false);
        line.setExecutionExceptionHandler((failure, _, _) -> {
            print(failure, surroundings.err());
            return failure instanceof InterruptedException ? INTERRUPTED : FAILED;
        });
        line.setParameterExceptionHandler((failure, _) -> {
            surroundings.err().println("error: " + failure.getMessage());
            surroundings
                    .err()
                    .println(
                            "hint:  run '%s --help'"
                                    .formatted(
                                            failure.getCommandLine()
                                                    .getCommandSpec()
                                                    .qualifiedName()));
            return USAGE;
        });
        return line.execute(commandFirst(arguments));
    }

    /** Kata Containers' script takes its flags before the command. */
    static String[] commandFirst(String... arguments) {
        if (arguments.length < 2
                || !arguments[0].startsWith("-")
                || !COMMANDS.contains(arguments[arguments.length - 1])) {
            return arguments;
        }
        List<String> words = new ArrayList<>(Arrays.asList(arguments));
        words.addFirst(words.removeLast());
        return words.toArray(String[]::new);
    }

    @Override
    public void run() {
        throw new CommandLine.ParameterException(
                spec.commandLine(), "a command is missing: setup, build, install or list");
    }

    private static void print(Exception failure, PrintWriter err) {
        if (failure instanceof InterruptedException) {
            err.println("error: interrupted; no kernel was changed");
            err.println("hint:  the same command goes on where this one ended");
            return;
        }
        err.println("error: " + text(failure));
        List<String> causes = new ArrayList<>();
        for (Throwable cause = failure.getCause(); cause != null; cause = cause.getCause()) {
            causes.add(text(cause));
        }
        if (!causes.isEmpty()) {
            err.println("cause: " + String.join(": ", causes));
        }
        if (failure instanceof Fault fault) {
            fault.hint().ifPresent(hint -> err.println("hint:  " + hint));
        }
    }

    private static String text(Throwable failure) {
        String message = failure.getMessage();
        String text = failure instanceof Fault && message != null ? message : failure.toString();
        return text.strip().replaceAll("\\s*\\R\\s*", "; ");
    }
}
