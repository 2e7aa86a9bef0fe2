// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.Fault;
import java.time.Duration;
import java.util.List;

/** The program {@code bunkai-virtiofsd}. */
public final class VirtiofsdMain {
    private static final String SPARE = "--spare=";
    private static final Duration TRAINING = Duration.ofSeconds(3);
    private static final int FAILED = 1;
    private static final int UNUSABLE = 2;

    private VirtiofsdMain() {}

    /** Serves a directory until the machine monitor ends the connection. */
    public static void main(String[] arguments) {
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
        // Before any class has made its logger.
        System.setProperty("jdk.system.logger.level", level(options.logLevel()));
        // Signals end the process by this; without one it is ended by halt() and needs no hook.
        Runtime.getRuntime()
                .addShutdownHook(new Thread(() -> Runtime.getRuntime().halt(FAILED), "end"));
        try {
            DirectoryServer.serve(options);
            return 0;
        } catch (Fault e) {
            report(e);
            return FAILED;
        }
    }

    private static String level(ServerOptions.LogLevel level) {
        return switch (level) {
            case ERROR -> "ERROR";
            case WARN -> "WARNING";
            case INFO -> "INFO";
            case DEBUG -> "DEBUG";
            case TRACE -> "TRACE";
            case OFF -> "OFF";
        };
    }

    private static void report(Fault fault) {
        System.err.println("error: bunkai-virtiofsd: " + fault.getMessage());
        for (Throwable cause = fault.getCause(); cause != null; cause = cause.getCause()) {
            System.err.println("cause: " + cause.getMessage());
        }
        fault.hint().ifPresent(hint -> System.err.println("hint:  " + hint));
    }
}
