// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/** Runs programs of this machine: a port, so that tests need neither compiler nor kernel. */
interface ToolRunner {
    /** How much of a failed program's output is repeated. */
    int TAIL_LINES = 12;

    /**
     * Runs a program to its end, without standard input.
     *
     * @param directory where it runs
     * @param environment its whole environment, but for PATH and HOME, which are ours
     * @param command the program and its arguments; no shell sees them
     * @param output takes each line of its output and of its errors, as it comes
     * @return its exit status
     * @throws IOException if it could not be started
     * @throws InterruptedException if this thread was interrupted; the program and all that it
     *     started are dead by then
     */
    int run(
            Path directory,
            Map<String, String> environment,
            List<String> command,
            Consumer<String> output)
            throws IOException, InterruptedException;

    /**
     * Runs a program that has to succeed.
     *
     * @return the lines of its output
     * @throws Fault FAILED_PRECONDITION if it failed, with the end of its output;
     *     RESOURCE_EXHAUSTED if that says that a disk is full
     */
    default List<String> check(
            Path directory,
            Map<String, String> environment,
            List<String> command,
            Consumer<String> output)
            throws IOException, InterruptedException {
        List<String> lines = new ArrayList<>();
        int status =
                run(
                        directory,
                        environment,
                        command,
                        line -> {
                            lines.add(line);
                            output.accept(line);
                        });
        if (status != 0) {
            throw failed(command, status, lines);
        }
        return lines;
    }

    /** {@return a failure with what the program said last} */
    static Fault failed(List<String> command, int status, List<String> lines) {
        for (String line : lines) {
            if (line.toLowerCase(Locale.ROOT).contains("no space left on device")) {
                return Fault.resourceExhausted(
                                "%s found no space left: %s", command.getFirst(), line)
                        .withHint("make room, or name another folder with --cache");
            }
        }
        // Of a parallel make the first error counts; what follows it is others ending.
        int first = 0;
        while (first < lines.size() && !isError(lines.get(first))) {
            first++;
        }
        int from =
                first < lines.size()
                        ? Math.max(0, first - 2)
                        : Math.max(0, lines.size() - TAIL_LINES);
        List<String> said = lines.subList(from, Math.min(lines.size(), from + TAIL_LINES));
        return Fault.failedPrecondition(
                "%s ended with status %d: %s",
                command.getFirst(), status, String.join("; ", said).strip());
    }

    private static boolean isError(String line) {
        return line.contains("error:") || line.contains("***");
    }
}
