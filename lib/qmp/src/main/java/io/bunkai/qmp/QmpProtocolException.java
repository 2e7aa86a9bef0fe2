// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.io.IOException;

/** The peer sent what the protocol does not allow. The connection is of no use any more. */
public final class QmpProtocolException extends IOException {
    private static final long serialVersionUID = 1L;

    /** An exception that says what was wrong with what the peer sent. */
    public QmpProtocolException(String message) {
        super(message);
    }

    /** An exception that says what was wrong with what the peer sent, and how that showed. */
    public QmpProtocolException(String message, Throwable cause) {
        super(message, cause);
    }
}
