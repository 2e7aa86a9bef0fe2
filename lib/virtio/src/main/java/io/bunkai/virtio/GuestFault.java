// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import com.google.errorprone.annotations.FormatMethod;
import java.util.Locale;

/**
 * The guest has put something into a queue that no driver may put there. The queue is broken from
 * then on, until it is set up anew; other queues, and the process, go on.
 */
public final class GuestFault extends Exception {
    private static final long serialVersionUID = 1L;

    /** A fault that says what was wrong; {@code format} is filled as by {@link String#format}. */
    @FormatMethod
    public GuestFault(String format, Object... arguments) {
        super(String.format(Locale.ROOT, format, arguments));
    }
}
