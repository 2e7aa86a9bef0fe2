// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.base;

import com.google.errorprone.annotations.FormatMethod;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The one unchecked failure above the mechanisms: what did not happen and why, a code that a
 * program can act on, and a hint that a person can act on.
 *
 * <p>The message names the object and the operation and does not repeat the cause's text; whoever
 * prints a fault prints the causes beneath it.
 */
public final class Fault extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final FaultCode code;
    private final @Nullable String hint;

    private Fault(
            FaultCode code, String message, @Nullable String hint, @Nullable Throwable cause) {
        super(message, cause);
        this.code = code;
        this.hint = hint;
    }

    /** {@return a fault with this code; {@code format} is filled as by {@link String#format}} */
    @FormatMethod
    public static Fault of(FaultCode code, String format, @Nullable Object... arguments) {
        return new Fault(code, fill(format, arguments), null, null);
    }

    /** {@return a fault with the code INVALID_ARGUMENT} */
    @FormatMethod
    public static Fault invalidArgument(String format, @Nullable Object... arguments) {
        return of(FaultCode.INVALID_ARGUMENT, format, arguments);
    }

    /** {@return a fault with the code NOT_FOUND} */
    @FormatMethod
    public static Fault notFound(String format, @Nullable Object... arguments) {
        return of(FaultCode.NOT_FOUND, format, arguments);
    }

    /** {@return a fault with the code ALREADY_EXISTS} */
    @FormatMethod
    public static Fault alreadyExists(String format, @Nullable Object... arguments) {
        return of(FaultCode.ALREADY_EXISTS, format, arguments);
    }

    /** {@return a fault with the code FAILED_PRECONDITION} */
    @FormatMethod
    public static Fault failedPrecondition(String format, @Nullable Object... arguments) {
        return of(FaultCode.FAILED_PRECONDITION, format, arguments);
    }

    /** {@return a fault with the code UNAVAILABLE} */
    @FormatMethod
    public static Fault unavailable(String format, @Nullable Object... arguments) {
        return of(FaultCode.UNAVAILABLE, format, arguments);
    }

    /** {@return a fault with the code RESOURCE_EXHAUSTED} */
    @FormatMethod
    public static Fault resourceExhausted(String format, @Nullable Object... arguments) {
        return of(FaultCode.RESOURCE_EXHAUSTED, format, arguments);
    }

    /** {@return a fault with the code DEADLINE_EXCEEDED} */
    @FormatMethod
    public static Fault deadlineExceeded(String format, @Nullable Object... arguments) {
        return of(FaultCode.DEADLINE_EXCEEDED, format, arguments);
    }

    /** {@return a fault with the code UNIMPLEMENTED} */
    @FormatMethod
    public static Fault unimplemented(String format, @Nullable Object... arguments) {
        return of(FaultCode.UNIMPLEMENTED, format, arguments);
    }

    /** {@return a fault with the code INTERNAL} */
    @FormatMethod
    public static Fault internal(String format, @Nullable Object... arguments) {
        return of(FaultCode.INTERNAL, format, arguments);
    }

    /** {@return this fault with what led to it} */
    public Fault causedBy(Throwable cause) {
        return copy(hint, cause);
    }

    /**
     * {@return this fault with what the reader can do about it, as an imperative sentence without a
     * full stop}
     */
    @FormatMethod
    public Fault withHint(String format, @Nullable Object... arguments) {
        return copy(fill(format, arguments), getCause());
    }

    /** {@return the code that a program can act on} */
    public FaultCode code() {
        return code;
    }

    /** {@return what the reader can do about it} */
    public Optional<String> hint() {
        return Optional.ofNullable(hint);
    }

    private Fault copy(@Nullable String newHint, @Nullable Throwable newCause) {
        Fault copy = new Fault(code, message(), newHint, newCause);
        copy.setStackTrace(getStackTrace());
        return copy;
    }

    private String message() {
        String message = getMessage();
        return message == null ? code.name() : message;
    }

    @FormatMethod
    private static String fill(String format, @Nullable Object... arguments) {
        return arguments.length == 0 ? format : String.format(Locale.ROOT, format, arguments);
    }
}
