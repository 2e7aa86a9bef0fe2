// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Runs programs of the host: a port, so that tests need none of them. */
interface CommandRunner {
    /**
     * What a program left behind.
     *
     * @param status its exit status
     * @param output what it wrote to its standard output
     * @param errors what it wrote to its standard error
     */
    record Result(int status, String output, String errors) {}

    /**
     * Runs a program to its end, in the C locale, without standard input.
     *
     * @param directory where it runs
     * @param command the program and its arguments; no shell sees them
     * @throws IOException if the program could not be started
     * @throws InterruptedException if this thread was interrupted; the program is dead by then
     */
    Result run(Path directory, List<String> command) throws IOException, InterruptedException;

    /**
     * Runs a program that has to succeed.
     *
     * @return what it wrote to its standard output
     * @throws io.bunkai.base.Fault FAILED_PRECONDITION if it ended with another status than 0, with
     *     the end of what it wrote
     */
    default String check(Path directory, List<String> command)
            throws IOException, InterruptedException {
        Result result = run(directory, command);
        if (result.status() != 0) {
            throw HostCommands.failed(command, result);
        }
        return result.output();
    }
}
