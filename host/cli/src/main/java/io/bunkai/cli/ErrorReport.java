// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.base.Fault;
import java.io.PrintStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A failure as a person reads it: what did not happen, why, what to do. One line each; the second
 * and the third only if there is something to say.
 *
 * @param error what did not happen
 * @param cause why; null if nothing is known beyond the error itself
 * @param hint what the reader can do; null if there is no advice
 */
record ErrorReport(String error, @Nullable String cause, @Nullable String hint) {
    private static final String OUR_FAULT =
            "this is a defect of bunkai; run it again with BUNKAI_DEBUG=1 and report what it"
                    + " prints";

    static ErrorReport of(Throwable failure) {
        String hint =
                switch (failure) {
                    case Fault fault -> fault.hint().orElse(null);
                    case RuntimeException _, Error _ -> OUR_FAULT;
                    default -> null;
                };
        return new ErrorReport(text(failure), causes(failure), hint);
    }

    private static @Nullable String causes(Throwable failure) {
        List<String> texts = new ArrayList<>();
        String last = text(failure);
        for (Throwable next = failure.getCause(); next != null; next = next.getCause()) {
            String text = text(next);
            // Many a wrapper repeats what it wraps.
            if (!last.contains(text)) {
                texts.add(text);
            }
            last = text;
        }
        return texts.isEmpty() ? null : String.join(": ", texts);
    }

    private static String text(Throwable failure) {
        String message = failure.getMessage();
        if (message == null || message.isBlank()) {
            return failure.getClass().getSimpleName();
        }
        return switch (failure) {
            case Fault _ -> message;
            // These say nothing but the file's name.
            case NoSuchFileException _ -> message + ": there is no such file";
            case AccessDeniedException _ -> message + ": permission denied";
            case RuntimeException e -> e.getClass().getSimpleName() + ": " + message;
            case Error e -> e.getClass().getSimpleName() + ": " + message;
            default -> message;
        };
    }

    /** Prints one to three lines. */
    void print(PrintStream out) {
        out.print(lines());
        out.flush();
    }

    String lines() {
        StringBuilder lines = new StringBuilder("error: ").append(oneLine(error)).append('\n');
        if (cause != null) {
            lines.append("cause: ").append(oneLine(cause)).append('\n');
        }
        if (hint != null) {
            lines.append("hint:  ").append(oneLine(hint)).append('\n');
        }
        return lines.toString();
    }

    /** Also keeps what a guest may have put into the text from steering the terminal. */
    private static String oneLine(String text) {
        return Texts.printable(text.strip().replaceAll("\\s*\\R\\s*", "; "));
    }
}
