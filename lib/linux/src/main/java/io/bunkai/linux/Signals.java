// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import io.bunkai.base.Fault;
import java.util.List;
import java.util.Locale;

/**
 * Signals by name and number, as on x86-64 and AArch64.
 *
 * @spec https://man7.org/linux/man-pages/man7/signal.7.html signal(7)
 */
public final class Signals {
    /** Hang-up of the controlling terminal. */
    public static final int SIGHUP = 1;

    /** Interrupt from the keyboard. */
    public static final int SIGINT = 2;

    /** Quit from the keyboard. */
    public static final int SIGQUIT = 3;

    /** Kill; cannot be caught. */
    public static final int SIGKILL = 9;

    /** The polite request to end. */
    public static final int SIGTERM = 15;

    private static final int LARGEST = 64;
    private static final List<String> NAMES =
            List.of(
                    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1",
                    "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP",
                    "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
                    "PWR", "SYS");

    private Signals() {}

    /**
     * {@return the number of a signal given as {@code TERM}, {@code SIGTERM} or {@code 15}}
     *
     * @throws Fault INVALID_ARGUMENT if there is no such signal
     */
    public static int number(String text) {
        String name = text.strip().toUpperCase(Locale.ROOT);
        if (name.startsWith("SIG")) {
            name = name.substring("SIG".length());
        }
        int index = NAMES.indexOf(name);
        if (index >= 0) {
            return index + 1;
        }
        try {
            int number = Integer.parseInt(name);
            if (number >= 1 && number <= LARGEST) {
                return number;
            }
        } catch (NumberFormatException e) {
            // neither a name nor a number: refused below
        }
        throw Fault.invalidArgument("there is no signal '%s'", text)
                .withHint("write a name such as TERM, or a number from 1 to %d", LARGEST);
    }

    /** {@return the name of a signal: {@code SIGTERM}; for real-time signals {@code signal 40}} */
    public static String name(int number) {
        return number >= 1 && number <= NAMES.size()
                ? "SIG" + NAMES.get(number - 1)
                : "signal " + number;
    }
}
