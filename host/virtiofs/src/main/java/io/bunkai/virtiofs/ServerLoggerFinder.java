// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import java.time.Instant;
import java.util.ResourceBundle;
import org.jspecify.annotations.Nullable;

/**
 * The server's log: lines on standard error. A confined process writes them, so that nothing is
 * looked up for them that is in a file of the system: no time zone, no locale, no configuration.
 */
public final class ServerLoggerFinder extends System.LoggerFinder {
    private static volatile System.Logger.Level least = System.Logger.Level.INFO;

    /** Sets from which level on lines are written, for all loggers. */
    static void level(System.Logger.Level level) {
        least = level;
    }

    @Override
    public System.Logger getLogger(String name, Module module) {
        return new ServerLogger(name);
    }

    private record ServerLogger(String name) implements System.Logger {
        @Override
        public String getName() {
            return name;
        }

        @Override
        public boolean isLoggable(Level level) {
            return level != Level.OFF && level.getSeverity() >= least.getSeverity();
        }

        @Override
        public void log(
                Level level,
                @Nullable ResourceBundle bundle,
                @Nullable String text,
                @Nullable Throwable cause) {
            if (isLoggable(level)) {
                System.err.println(line(level, String.valueOf(text)));
                if (cause != null) {
                    cause.printStackTrace();
                }
            }
        }

        @Override
        public void log(
                Level level,
                @Nullable ResourceBundle bundle,
                @Nullable String text,
                @Nullable Object... fields) {
            if (isLoggable(level)) {
                System.err.println(line(level, fill(String.valueOf(text), fields)));
            }
        }

        private String line(Level level, String text) {
            return Instant.now()
                    + (" " + level + " " + name.substring(name.lastIndexOf('.') + 1) + ": ")
                    + text.replaceAll("\\p{Cntrl}", " ");
        }

        /** Puts each field where its number stands in braces, one digit. */
        private static String fill(String text, @Nullable Object[] fields) {
            if (fields == null) { // as the JDK has it where there are none
                return text;
            }
            StringBuilder filled = new StringBuilder();
            int from = 0;
            for (int at = text.indexOf('{'); at >= 0; at = text.indexOf('{', at + 1)) {
                int field = at + 2 < text.length() ? Character.digit(text.charAt(at + 1), 10) : -1;
                if (field >= 0 && field < fields.length && text.charAt(at + 2) == '}') {
                    filled.append(text, from, at).append(fields[field]);
                    from = at + 3;
                }
            }
            return filled.append(text, from, text.length()).toString();
        }
    }
}
