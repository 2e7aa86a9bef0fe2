// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The other side of a vhost-user connection has sent what the protocol does not allow, or what
 * cannot be done. The connection is of no use any more.
 */
public final class VhostUserException extends IOException {
    private static final long serialVersionUID = 1L;

    /** An exception that says what was wrong. */
    public VhostUserException(String message) {
        super(message);
    }

    /** An exception that says what was wrong, and how that showed. */
    public VhostUserException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
