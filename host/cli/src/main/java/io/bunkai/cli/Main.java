// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The program {@code bunkai}. */
public final class Main {
    /** In the order of the help. */
    private static final List<String> COMMANDS =
            List.of(
                    "run",
                    "exec",
                    "ps",
                    "stats",
                    "logs",
                    "stop",
                    "kill",
                    "rm",
                    "wait",
                    "inspect",
                    "trace",
                    "limits",
                    "metrics",
                    "explain",
                    "version",
                    "daemon",
                    "template",
                    "factory",
                    "guest",
                    "bench");

    /** Their positional arguments end in a command line of the container's. */
    private static final Set<String> WITH_COMMAND_LINE = Set.of("run", "exec", "explain");

    /** From their first positional argument on, words belong to another program. */
    private static final Set<String> WITH_PROGRAM = Set.of("guest", "bench");

    private Main() {}

    /** Runs the command that the arguments name and ends the process with its exit status. */
    public static void main(String[] arguments) {
        if (arguments.length == 1 && arguments[0].equals("--train")) {
            Rehearsal.run();
            System.exit(ExitCode.OK.number());
        }
        // Nothing is left to be done at the end: the terminal has been put back, and nothing is
        // buffered. An orderly exit would load the JDK's logging to tell that it takes place.
        Runtime.getRuntime().halt(run(Surroundings.ofThisProcess(), arguments));
    }

    /** {@return the exit status of the command that the arguments name} */
    static int run(Surroundings surroundings, String... arguments) {
        List<String> words = helpAsOption(arguments);
        int at = indexOfCommand(words);
        String name = at < 0 ? "" : words.get(at);
        Bunkai root = new Bunkai(surroundings);
        CommandLine commands = new CommandLine(root);
        // Reading the annotations of a command costs more than running it, so a known command is
        // read alone; help and errors see all of them.
        for (String candidate : COMMANDS.contains(name) ? List.of(name) : COMMANDS) {
            commands.addSubcommand(candidate, command(candidate, root));
        }
        if (WITH_COMMAND_LINE.contains(name)) {
            Objects.requireNonNull(commands.getSubcommands().get(name)).setStopAtPositional(true);
            words = ContainerWords.keepSeparators(words, at + 1);
        }
        if (WITH_PROGRAM.contains(name)) {
            Objects.requireNonNull(commands.getSubcommands().get(name)).setStopAtPositional(true);
        }
        if (name.equals("guest")) {
            CommandLine guest = Objects.requireNonNull(commands.getSubcommands().get(name));
            // Not a program of its own: options may stand behind its arguments again.
            guest.addSubcommand("check", new GuestCheckCommand(root));
        }
        if (name.equals("bench")) {
            CommandLine bench = Objects.requireNonNull(commands.getSubcommands().get(name));
            bench.addSubcommand("start", new BenchStartCommand(root));
        }
        // These reach the subcommands that are there already.
        commands.setExpandAtFiles(false); // an argument that begins with @ is the container's
        commands.setOverwrittenOptionsAllowed(true); // the last one counts, as everywhere
        PrintStream err = surroundings.err();
        commands.setOut(new PrintWriter(surroundings.stdout(), true, StandardCharsets.UTF_8));
        commands.setErr(new PrintWriter(surroundings.stderr(), true, StandardCharsets.UTF_8));
        commands.setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.OFF));
        commands.setParameterExceptionHandler((e, _) -> refuse(e, err));
        commands.setExecutionExceptionHandler(
                (e, command, _) -> fail(e, command.getCommandName(), surroundings, err));
        return commands.execute(words.toArray(String[]::new));
    }

    /** {@code help COMMAND} is {@code COMMAND --help}. */
    private static List<String> helpAsOption(String[] arguments) {
        if (arguments.length == 0 || !arguments[0].equals("help")) {
            return Arrays.asList(arguments);
        }
        List<String> words = new ArrayList<>(List.of(arguments).subList(1, arguments.length));
        words.add("--help");
        return words;
    }

    /** The first word that is neither an option nor the value of one. */
    private static int indexOfCommand(List<String> words) {
        for (int i = 0; i < words.size(); i++) {
            String word = words.get(i);
            if (word.equals("--state-root")) {
                i++;
            } else if (!word.startsWith("-")) {
                return i;
            }
        }
        return -1;
    }

    private static Object command(String name, Bunkai root) {
        return switch (name) {
            case "run" -> new RunCommand(root);
            case "exec" -> new ExecCommand(root);
            case "ps" -> new PsCommand(root);
            case "logs" -> new LogsCommand(root);
            case "stop" -> new StopCommand(root);
            case "kill" -> new KillCommand(root);
            case "rm" -> new RmCommand(root);
            case "wait" -> new WaitCommand(root);
            case "inspect" -> new InspectCommand(root);
            case "trace" -> new TraceCommand(root);
            case "limits" -> new LimitsCommand(root);
            case "stats" -> new StatsCommand(root);
            case "metrics" -> new MetricsCommand(root);
            case "explain" -> new ExplainCommand(root);
            case "version" -> new VersionCommand(root);
            case "daemon" -> new DaemonCommand(root);
            case "template" -> new TemplateCommand(root);
            case "factory" -> new FactoryCommand(root);
            case "guest" -> new GuestCommand(root);
            case "bench" -> new BenchCommand(root);
            default -> throw new IllegalArgumentException(name);
        };
    }

    /** The command line makes no sense. */
    private static int refuse(ParameterException e, PrintStream err) {
        String command = e.getCommandLine().getCommandSpec().qualifiedName();
        String hint = "run '" + command + " --help'";
        if (e instanceof UnmatchedArgumentException unmatched) {
            List<String> meant = unmatched.getSuggestions();
            if (!meant.isEmpty()) {
                hint = "did you mean '" + meant.getFirst() + "'? Otherwise " + hint;
            }
        }
        String message = String.valueOf(e.getMessage());
        new ErrorReport(ContainerWords.readable(decapitalized(message)), null, hint).print(err);
        return ExitCode.RUNTIME_FAILED.number();
    }

    private static String decapitalized(String text) {
        return text.isEmpty() ? text : Character.toLowerCase(text.charAt(0)) + text.substring(1);
    }

    /** The one place where a failure becomes text and an exit status. */
    private static int fail(
            Exception e, String command, Surroundings surroundings, PrintStream err) {
        if (surroundings.debug()) {
            e.printStackTrace(err);
        }
        return switch (e) {
            case StartFailed failed -> {
                ErrorReport.of(failed.fault()).print(err);
                yield ExitCode.ofFailedStart(failed.fault()).number();
            }
            default -> {
                ErrorReport.of(e).print(err);
                yield WITH_COMMAND_LINE.contains(command)
                        ? ExitCode.RUNTIME_FAILED.number()
                        : ExitCode.FAILED.number();
            }
        };
    }
}
