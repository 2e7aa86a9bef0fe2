// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import java.io.IOException;

/**
 * A request is not what the protocol allows. It is answered with {@link #errno}; the requests after
 * it are as good as before.
 *
 * <p>Without a stack trace: a guest can send such requests as fast as any others, and the message
 * says everything.
 */
public final class FuseProtocolException extends IOException {
    private static final long serialVersionUID = 1L;

    private final int errno;

    /** An exception that says what was wrong, and what to answer. */
    public FuseProtocolException(int errno, String message) {
        super(message);
        this.errno = errno;
    }

    /** {@return what to answer, a number of {@link io.bunkai.linux.Errno}} */
    public int errno() {
        return errno;
    }

    @Override
    public synchronized Throwable fillInStackTrace() {
        return this;
    }
}
