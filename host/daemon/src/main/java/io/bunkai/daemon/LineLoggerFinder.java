// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.text.MessageFormat;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
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
            // The JDK's own default methods hand on no array at all where there are no parameters.
            if (format == null || parameters == null || parameters.length == 0) {
                return format;
            }
            Object[] texts = new Object[parameters.length];
            for (int i = 0; i < parameters.length; i++) {
                texts[i] = String.valueOf(parameters[i]); // numbers without a locale's commas
            }
            try {
                return MessageFormat.format(format.replace("'", "''"), texts);
            } catch (IllegalArgumentException e) {
                return format + " " + List.of(texts); // a sentence with a brace of its own
            }
        }

        private void write(Level level, @Nullable String message, @Nullable Throwable thrown) {
            StringBuilder line = new StringBuilder(160);
            line.append(Instant.now().truncatedTo(ChronoUnit.MILLIS)).append(' ');
            line.append(level).append(' ');
            line.append(name.substring(name.lastIndexOf('.') + 1)).append(": ");
            appendPrintable(line, String.valueOf(message), false);
            if (thrown != null) {
                StringWriter trace = new StringWriter();
                thrown.printStackTrace(new PrintWriter(trace, true));
                line.append(System.lineSeparator());
                appendPrintable(line, trace.toString().stripTrailing(), true);
            }
            out.println(line);
        }

        /** What others have said may be part of it, and must not look like a line of its own. */
        private static void appendPrintable(StringBuilder line, String text, boolean severalLines) {
            for (int i = 0; i < text.length(); i++) {
                char c = text.charAt(i);
                boolean allowed = !Character.isISOControl(c) || (severalLines && isLayout(c));
                line.append(allowed ? c : ' ');
            }
        }

        private static boolean isLayout(char c) {
            return c == '\n' || c == '\t';
        }
    }
}
