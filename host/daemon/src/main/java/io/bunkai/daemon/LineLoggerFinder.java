// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.text.MessageFormat;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ResourceBundle;
import org.jspecify.annotations.Nullable;

/**
 * Logs to standard error, an event a line: time, level, name of the class, a sentence and its
 * fields.
 */
public final class LineLoggerFinder extends System.LoggerFinder {
    /** Everything at this level and above is written; DEBUG if the daemon was asked for it. */
    private static final System.Logger.Level THRESHOLD =
            System.getenv("BUNKAI_DEBUG") == null
                    ? System.Logger.Level.INFO
                    : System.Logger.Level.DEBUG;

    @Override
    public System.Logger getLogger(String name, Module module) {
        return new LineLogger(name, System.err);
    }

    private record LineLogger(String name, PrintStream out) implements System.Logger {
        @Override
        public String getName() {
            return name;
        }

        @Override
        public boolean isLoggable(Level level) {
            return level.getSeverity() >= threshold().getSeverity();
        }

        /** The JDK's own classes are not this project's debugging. */
        private Level threshold() {
            return name.startsWith("io.bunkai") ? THRESHOLD : Level.WARNING;
        }

        @Override
        public void log(
                Level level,
                @Nullable ResourceBundle bundle,
                @Nullable String message,
                @Nullable Throwable thrown) {
            if (isLoggable(level)) {
                write(level, message, thrown);
            }
        }

        @Override
        public void log(
                Level level,
                @Nullable ResourceBundle bundle,
                @Nullable String format,
                @Nullable Object... parameters) {
            if (isLoggable(level)) {
                write(level, filled(format, parameters), null);
            }
        }

        private static @Nullable String filled(
                @Nullable String format, @Nullable Object[] parameters) {
            if (format == null || parameters.length == 0) {
                return format;
            }
            Object[] texts = new Object[parameters.length];
            for (int i = 0; i < parameters.length; i++) {
                texts[i] = String.valueOf(parameters[i]); // numbers without a locale's commas
            }
            return MessageFormat.format(format.replace("'", "''"), texts);
        }

        private void write(Level level, @Nullable String message, @Nullable Throwable thrown) {
            StringBuilder line = new StringBuilder(160);
            line.append(Instant.now().truncatedTo(ChronoUnit.MILLIS)).append(' ');
            line.append(level).append(' ');
            line.append(name.substring(name.lastIndexOf('.') + 1)).append(": ").append(message);
            if (thrown != null) {
                StringWriter trace = new StringWriter();
                thrown.printStackTrace(new PrintWriter(trace, true));
                line.append(System.lineSeparator()).append(trace.toString().stripTrailing());
            }
            out.println(line);
        }
    }
}
