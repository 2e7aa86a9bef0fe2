// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.io.IOException;

/**
 * Hears of what happens on a connection, in order, on the thread that reads it. It must not wait
 * for an answer on the same connection, and whatever takes long belongs on another thread.
 */
public interface QmpListener {
    /** Something happened. */
    void onEvent(QmpEvent event);

    /**
     * The connection is gone: the last call of all.
     *
     * @param cause why: an {@link java.io.EOFException} if the peer ended it, a {@link
     *     QmpProtocolException} if it had to be ended because of what the peer sent, a {@link
     *     java.nio.channels.ClosedChannelException} if this side closed it
     */
    void onClosed(IOException cause);
}
