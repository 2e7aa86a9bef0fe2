// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.ttrpc;

/** A connection that a server serves, as handlers see it. */
public interface Connection {
    /** {@return whether the other side can still be answered} */
    boolean isOpen();

    /**
     * Registers what to do when the connection has ended. It runs once, on the thread that serves
     * the connection, and at once on the calling thread if the end has come already. It must not
     * block.
     *
     * @return takes the registration back
     */
    Registration onClose(Runnable action);

    /** A registered action. Closing it twice, or after the action has run, does nothing. */
    interface Registration extends AutoCloseable {
        @Override
        void close();
    }
}
