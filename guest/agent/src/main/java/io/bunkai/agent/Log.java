// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.linux.Machine;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Lines for the console, each with its priority in front as kernel messages have it: {@code
 * <6>agent: ...}. No logging library: the agent's start is what a pod waits for.
 *
 * <p>A line is written whole, from any thread. What containers say never gets here; what crun says
 * about them does, without its control characters and cut to a bounded length.
 */
final class Log {
    private static final int ERROR = 3;
    private static final int WARNING = 4;
    private static final int INFO = 6;
    private static final int DEBUG = 7;
    private static final int MOST_CHARACTERS = 1024;
    private static final Object LOCK = new Object();

    private static OutputStream out = new FileOutputStream(FileDescriptor.out); // guarded by LOCK
    private static volatile int least = INFO;

    private Log() {}

    /** Sets the least important priority that is still written, by its name on the command line. */
    static void level(String name) {
        least =
                switch (name) {
                    case "critical", "error" -> ERROR;
                    case "warn", "warning" -> WARNING;
                    case "debug", "trace" -> DEBUG;
                    default -> INFO;
                };
    }

    static void redirect(OutputStream to) {
        synchronized (LOCK) {
            out = to;
        }
    }

    static void error(String line) {
        write(ERROR, line);
    }

    static void warning(String line) {
        write(WARNING, line);
    }

    static void info(String line) {
        write(INFO, line);
    }

    static void debug(String line) {
        write(DEBUG, line);
    }

    /**
     * Records how long a step took, for the timeline that the runtime draws: begin and end in
     * microseconds since the machine was booted.
     */
    static void step(String name, String id, long beginMicros) {
        info(
                "step name="
                        + name
                        + (id.isEmpty() ? "" : " id=" + id)
                        + " begin_us="
                        + beginMicros
                        + " end_us="
                        + Machine.bootMicros());
    }

    private static void write(int priority, String line) {
        if (priority > least) {
            return;
        }
        byte[] bytes =
                ("<" + priority + ">agent: " + printable(line) + "\n")
                        .getBytes(StandardCharsets.UTF_8);
        synchronized (LOCK) {
            try {
                out.write(bytes);
                out.flush();
            } catch (IOException e) {
                // there is no second console to complain on
            }
        }
    }

    /** {@return one line of bounded length, whatever came in} */
    static String printable(String text) {
        StringBuilder clean = new StringBuilder(Math.min(text.length(), MOST_CHARACTERS));
        for (int i = 0; i < text.length() && i < MOST_CHARACTERS; i++) {
            char c = text.charAt(i);
            clean.append(Character.isISOControl(c) ? ' ' : c);
        }
        return clean.toString();
    }
}
