// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.ttrpc;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.ttrpc.wire.Status;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Failures as they travel: a code and one text, in one of two forms.
 *
 * <p>In lines, what a fault knows besides its message is appended to that text on lines of their
 * own, "cause: ..." and "hint: ...", which a person can read whatever the client is, and which
 * {@link #faultOf} takes apart again. On one line, it reads "message: cause: cause (hint)", and
 * stays the message: for clients that put their own words before and behind it.
 */
final class Statuses {
    private static final String CAUSE = "\ncause: ";
    private static final String HINT = "\nhint: ";

    /** Enough for a person, little enough that no text grows without bound on its way. */
    private static final int MAX_CAUSES = 8;

    private Statuses() {}

    /** {@return the one status that stands for this failure, in lines} */
    static Status statusOf(Throwable failure) {
        return switch (failure) {
            case Fault fault -> status(fault.code(), lines(fault));
            default -> status(FaultCode.INTERNAL, "internal error: " + failure);
        };
    }

    /** {@return the one status that stands for this failure, on one line} */
    static Status statusOnOneLineOf(Throwable failure) {
        return switch (failure) {
            case Fault fault -> status(fault.code(), line(fault));
            default -> status(FaultCode.INTERNAL, oneLine("internal error: " + failure));
        };
    }

    static Status status(FaultCode code, String text) {
        return Status.newBuilder().setCode(code.number()).setMessage(text).build();
    }

    /** {@return the failure that a peer meant by a status that is not a success} */
    static Fault faultOf(Status status) {
        String text = status.getMessage();
        @Nullable String hint = null;
        int at = text.lastIndexOf(HINT);
        if (at >= 0) {
            hint = text.substring(at + HINT.length());
            text = text.substring(0, at);
        }
        List<String> causes = new ArrayList<>();
        while (causes.size() < MAX_CAUSES && (at = text.lastIndexOf(CAUSE)) >= 0) {
            causes.add(text.substring(at + CAUSE.length()));
            text = text.substring(0, at);
        }
        Fault fault = Fault.of(FaultCode.ofNumber(status.getCode()), "%s", text);
        @Nullable RemoteCause cause = null;
        for (String next : causes) { // the innermost comes first
            cause = new RemoteCause(next, cause);
        }
        if (cause != null) {
            fault = fault.causedBy(cause);
        }
        return hint == null ? fault : fault.withHint("%s", hint);
    }

    private static String lines(Fault fault) {
        StringBuilder text = new StringBuilder(String.valueOf(fault.getMessage()));
        causes(fault).forEach(cause -> text.append(CAUSE).append(cause));
        fault.hint().ifPresent(hint -> text.append(HINT).append(hint));
        return text.toString();
    }

    private static String line(Fault fault) {
        StringBuilder text = new StringBuilder(oneLine(String.valueOf(fault.getMessage())));
        causes(fault).forEach(cause -> text.append(": ").append(cause));
        fault.hint().ifPresent(hint -> text.append(" (").append(oneLine(hint)).append(')'));
        return text.toString();
    }

    private static List<String> causes(Fault fault) {
        List<String> causes = new ArrayList<>();
        @Nullable Throwable cause = fault.getCause();
        for (; cause != null && causes.size() < MAX_CAUSES; cause = cause.getCause()) {
            String message = cause.getMessage();
            causes.add(oneLine(message == null ? cause.toString() : message));
        }
        return causes;
    }

    private static String oneLine(String text) {
        return text.strip().replaceAll("\\s*\\R\\s*", " ");
    }
}
