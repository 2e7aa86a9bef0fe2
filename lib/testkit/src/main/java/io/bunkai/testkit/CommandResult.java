// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import java.nio.charset.StandardCharsets;

/**
 * What a command left behind.
 *
 * @param command what was run, for messages
 * @param exitCode as a shell reports it: 128 plus the signal's number if it was killed
 * @param stdout bytes of its standard output; not copied
 * @param stderr bytes of its standard error; not copied
 */
// The arrays are megabytes in tests of throughput and are handed over, not shared.
@SuppressWarnings("ArrayRecordComponent")
public record CommandResult(String command, int exitCode, byte[] stdout, byte[] stderr) {
    private static final int SHOWN = 4000;

    /** {@return its standard output as UTF-8 text} */
    public String out() {
        return new String(stdout, StandardCharsets.UTF_8);
    }

    /** {@return its standard error as UTF-8 text} */
    public String err() {
        return new String(stderr, StandardCharsets.UTF_8);
    }

    /**
     * {@return this result}
     *
     * @throws AssertionError with all of the output, if the exit code is another
     */
    public CommandResult expectExit(int expected) {
        if (exitCode != expected) {
            throw new AssertionError(
                    "expected exit code " + expected + ", but this happened:\n" + this);
        }
        return this;
    }

    /**
     * {@return this result}
     *
     * @throws AssertionError with all of the output, if the command failed
     */
    public CommandResult expectSuccess() {
        return expectExit(0);
    }

    /** {@return command, exit code and the ends of both outputs} */
    @Override
    public String toString() {
        return command
                + "\nexit code: "
                + exitCode
                + "\nstdout: "
                + endOf(out())
                + "\nstderr: "
                + endOf(err());
    }

    private static String endOf(String text) {
        return text.length() <= SHOWN
                ? text
                : "... ("
                        + text.length()
                        + " characters) ..."
                        + text.substring(text.length() - SHOWN);
    }
}
