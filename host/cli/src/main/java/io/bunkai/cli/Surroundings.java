// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What an invocation finds around itself. Nothing in this module asks the process for these
 * elsewhere, so a test can run every command within its own process.
 *
 * @param environment variables of the caller
 * @param directory what relative paths start from
 * @param stdin the caller's input, as bytes
 * @param stdout results; whole writes, nothing kept back
 * @param stderr what is said to people
 * @param terminal the terminal behind these streams, if there is one
 * @param signals the signals sent to this process
 * @param clock the time of day
 * @param programs folder that holds the daemon's launcher; null if it is not known
 * @param defaultRoot where state lives if nobody says otherwise
 */
record Surroundings(
        Map<String, String> environment,
        Path directory,
        InputStream stdin,
        OutputStream stdout,
        OutputStream stderr,
        TerminalPort terminal,
        SignalPort signals,
        Clock clock,
        @Nullable Path programs,
        Path defaultRoot) {

    /** Where an installed Bunkai keeps its state. */
    private static final Path INSTALLED_ROOT = Path.of("/var/lib/bunkai");

    Surroundings {
        environment = Map.copyOf(environment);
    }

    /** {@return the surroundings of this very process} */
    static Surroundings ofThisProcess() {
        Map<String, String> environment = System.getenv();
        String programs = System.getProperty("bunkai.home", environment.get("BUNKAI_HOME"));
        String root = System.getProperty("bunkai.default-root");
        return new Surroundings(
                environment,
                Path.of("").toAbsolutePath(),
                StandardStreams.input(),
                StandardStreams.output(),
                StandardStreams.error(),
                new LinuxTerminal(),
                new JvmSignals(),
                Clock.systemUTC(),
                programs == null ? null : Path.of(programs),
                root == null ? INSTALLED_ROOT : Path.of(root));
    }

    /** {@return a writer of text to standard output; whoever uses it flushes it} */
    PrintStream out() {
        return new PrintStream(stdout, false, StandardCharsets.UTF_8);
    }

    /** {@return a writer of text to standard error, which holds nothing back} */
    PrintStream err() {
        return new PrintStream(stderr, true, StandardCharsets.UTF_8);
    }

    /** {@return whether a reader's terminal shows more than ASCII} */
    boolean showsUnicode() {
        for (String name : new String[] {"LC_ALL", "LC_CTYPE", "LANG"}) {
            String value = environment.get(name);
            if (value != null && !value.isEmpty()) {
                String charset = value.toUpperCase(Locale.ROOT);
                return charset.contains("UTF-8") || charset.contains("UTF8");
            }
        }
        return false;
    }

    /** {@return whether stack traces are wanted} */
    boolean debug() {
        return "1".equals(environment.get("BUNKAI_DEBUG"));
    }
}
