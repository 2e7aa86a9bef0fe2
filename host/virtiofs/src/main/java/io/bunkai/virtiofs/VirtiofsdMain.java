// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.Fault;
import io.bunkai.base.NanoClock;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;

/** The program {@code bunkai-virtiofsd}. */
public final class VirtiofsdMain {
    private static final String SPARE = "--spare=";
    private static final Duration TRAINING = Duration.ofSeconds(3);
    private static final int FAILED = 1;
    private static final int UNUSABLE = 2;

    /** For what the guest has no part in. */
    private static final PrintStream ERRORS = System.err;

    private static final BoundedLog LOG = new BoundedLog(ERRORS, NanoClock.SYSTEM);

    private VirtiofsdMain() {}

    /** Serves a directory until the machine monitor ends the connection. */
    public static void main(String[] arguments) {
        System.setErr(new PrintStream(LOG, true, StandardCharsets.UTF_8));
        ServerOptions options;
        try {
            if (arguments.length == 1 && arguments[0].equals("--train")) {
                Rehearsal.run(TRAINING);
                System.exit(0);
            }
            options = OptionParser.parse(words(arguments));
        } catch (Fault e) {
            report(e);
            System.exit(UNUSABLE);
            return;
        }
        if (options.help()) {
            System.out.print(Option.help());
        } else if (options.version()) {
            System.out.println(
                    "bunkai-virtiofsd "
                            + VirtiofsdMain.class
                                    .getModule()
                                    .getDescriptor()
                                    .version()
                                    .map(Object::toString)
                                    .orElse("0.1.0"));
        } else if (options.printCapabilities()) {
            System.out.println("{\n  \"type\": \"fs\"\n}");
        } else {
            Runtime.getRuntime().halt(serve(options));
        }
    }

    private static List<String> words(String[] arguments) {
        if (arguments.length != 1 || !arguments[0].startsWith(SPARE)) {
            return List.of(arguments);
        }
        return Spare.awaitOrders(number(arguments[0]));
    }

    private static int number(String word) {
        try {
            return Integer.parseInt(word.substring(SPARE.length()));
        } catch (NumberFormatException e) {
            throw Fault.invalidArgument("'%s' names no descriptor", word).causedBy(e);
        }
    }

    private static int serve(ServerOptions options) {
        ServerLoggerFinder.level(level(options.logLevel()));
        // Signals end the process by this; without one it is ended by halt() and needs no hook.
        Runtime.getRuntime()
                .addShutdownHook(new Thread(() -> Runtime.getRuntime().halt(FAILED), "end"));
        try {
            DirectoryServer.serve(options);
            System.err.close(); // tells what was left out
            return 0;
        } catch (Fault e) {
            report(e);
            return FAILED;
        }
    }

    private static System.Logger.Level level(ServerOptions.LogLevel level) {
        return switch (level) {
            case ERROR -> System.Logger.Level.ERROR;
            case WARN -> System.Logger.Level.WARNING;
            case INFO -> System.Logger.Level.INFO;
            case DEBUG -> System.Logger.Level.DEBUG;
            case TRACE -> System.Logger.Level.TRACE;
            case OFF -> System.Logger.Level.OFF;
        };
    }

    private static void report(Fault fault) {
        System.err.close();
        ERRORS.println("error: bunkai-virtiofsd: " + fault.getMessage());
        for (Throwable cause = fault.getCause(); cause != null; cause = cause.getCause()) {
            ERRORS.println("cause: " + cause.getMessage());
        }
        fault.hint().ifPresent(hint -> ERRORS.println("hint:  " + hint));
    }
}
