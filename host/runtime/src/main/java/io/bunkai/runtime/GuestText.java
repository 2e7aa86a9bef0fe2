// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Fault;

/**
 * Words that came from a guest. They end up in logs, in the journal and on terminals, so they are
 * cut to what a person reads, and hold no control characters.
 */
final class GuestText {
    private static final int LONGEST = 500;
    private static final int MOST_CAUSES = 4;

    private GuestText() {}

    /** {@return the text in one line of bounded length} */
    static String printable(String text) {
        StringBuilder line = new StringBuilder(Math.min(text.length(), LONGEST + 3));
        for (int i = 0; i < text.length() && line.length() < LONGEST; i++) {
            char c = text.charAt(i);
            line.append(
                    Character.isISOControl(c) || Character.getType(c) == Character.FORMAT
                            ? ' '
                            : c);
        }
        if (text.length() > LONGEST) {
            line.append("...");
        }
        return line.toString();
    }

    /** {@return the guest's failure with the guest's code, in words that can be shown} */
    static Fault cleaned(Fault guests) {
        Fault clean = Fault.of(guests.code(), "%s", printable(String.valueOf(guests.getMessage())));
        Throwable cause = guests.getCause();
        if (cause != null) {
            clean = clean.causedBy(new GuestCause(printable(String.valueOf(cause.getMessage()))));
        }
        return guests.hint().isEmpty()
                ? clean
                : clean.withHint("%s", printable(guests.hint().get()));
    }

    /** {@return a failure and what led to it, in one line} */
    static String reason(Throwable failure) {
        StringBuilder words = new StringBuilder(String.valueOf(failure.getMessage()));
        Throwable cause = failure.getCause();
        for (int i = 0; cause != null && i < MOST_CAUSES; i++, cause = cause.getCause()) {
            words.append(": ").append(cause.getMessage());
        }
        return printable(words.toString());
    }

    /** What a guest names as the cause of its failure. It was not thrown here. */
    private static final class GuestCause extends Exception {
        private static final long serialVersionUID = 1L;

        GuestCause(String message) {
            super(message, null, true, false);
        }
    }
}
