// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import java.io.IOException;

/** A system call failed. The caller is expected to look at {@link #errno}. */
public final class ErrnoException extends IOException {
    private static final long serialVersionUID = 1L;

    private final int errno;

    /**
     * Makes the exception for one failed call.
     *
     * @param operation the call and its object: {@code "open /dev/kvm"}
     * @param errno the kernel's number, positive
     */
    public ErrnoException(String operation, int errno) {
        super(operation + ": " + Errno.describe(errno));
        this.errno = errno;
    }

    /** {@return the kernel's number, see {@link Errno}} */
    public int errno() {
        return errno;
    }

    /**
     * {@return {@code result} if it is no error, as the convention "result or negated errno" has
     * it}
     */
    public static long check(String operation, long result) throws ErrnoException {
        if (result < 0) {
            throw new ErrnoException(operation, (int) -result);
        }
        return result;
    }
}
