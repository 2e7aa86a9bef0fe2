// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

/**
 * How a process ended.
 *
 * @param code what it passed to exit, if it ended by itself, else 0
 * @param signal the signal that killed it, else 0; -1 if how it ended cannot be known
 */
public record ExitStatus(int code, int signal) {
    /** The process was not this process's child, so the kernel tells only that it has ended. */
    public static final ExitStatus UNKNOWN = new ExitStatus(0, -1);

    private static final int UNKNOWN_CODE = 255;
    private static final int SIGNAL_BASE = 128;

    /** {@return whether it is known how the process ended} */
    public boolean known() {
        return signal >= 0;
    }

    /**
     * {@return the code as shells tell it: 128 + signal for a killed process; 255 if it is unknown}
     */
    public int shellCode() {
        if (!known()) {
            return UNKNOWN_CODE;
        }
        return signal > 0 ? SIGNAL_BASE + signal : code;
    }

    @Override
    public String toString() {
        if (!known()) {
            return "ended, status unknown";
        }
        return signal > 0 ? "killed by " + Signals.name(signal) : "exited with status " + code;
    }
}
