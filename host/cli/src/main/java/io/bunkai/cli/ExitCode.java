// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.base.Fault;
import java.util.Locale;

/**
 * What the command's own exit status means; the same numbers as Docker's. Every other status is
 * that of the container's process: what it passed to exit, or 128 and the number of the signal that
 * killed it.
 */
enum ExitCode {
    /** It is done. */
    OK(0),
    /** A command about containers (ps, stop, rm, ...) failed. */
    FAILED(1),
    /** The command line makes no sense, or the runtime could not run the process. */
    RUNTIME_FAILED(125),
    /** The container's command was found and cannot be invoked. */
    CANNOT_INVOKE(126),
    /** The container's command was not found. */
    COMMAND_NOT_FOUND(127);

    /** A process killed by signal N is told as this plus N. */
    static final int SIGNAL_BASE = 128;

    private final int number;

    ExitCode(int number) {
        this.number = number;
    }

    /** {@return the status as the shell sees it} */
    int number() {
        return number;
    }

    /** {@return the status that tells why a process could not be started} */
    static ExitCode ofFailedStart(Fault fault) {
        return switch (fault.code()) {
            case NOT_FOUND -> COMMAND_NOT_FOUND;
            case PERMISSION_DENIED -> CANNOT_INVOKE;
            default -> ofRuntimeText(text(fault));
        };
    }

    /**
     * The runtime in the guest tells a missing program from one that cannot be executed by its text
     * alone.
     */
    private static ExitCode ofRuntimeText(String text) {
        boolean missing = text.contains("no such file") || text.contains("not found");
        if (missing && text.contains("executable")) {
            return COMMAND_NOT_FOUND;
        }
        boolean refused =
                text.contains("permission denied")
                        || text.contains("exec format error")
                        || text.contains("is a directory");
        if (refused && text.contains("exec")) {
            return CANNOT_INVOKE;
        }
        return RUNTIME_FAILED;
    }

    private static String text(Throwable failure) {
        StringBuilder all = new StringBuilder();
        for (Throwable next = failure; next != null; next = next.getCause()) {
            all.append(next.getMessage()).append('\n');
        }
        return all.toString().toLowerCase(Locale.ROOT);
    }
}
