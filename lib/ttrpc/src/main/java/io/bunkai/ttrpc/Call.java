// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.ttrpc;

import io.bunkai.base.Deadline;
import java.util.Optional;

/** What a handler knows about the call that it answers, besides the request. */
public interface Call {
    /** {@return the connection that the call came over} */
    Connection connection();

    /** {@return how long the caller waits; never passes if it did not say} */
    Deadline deadline();

    /**
     * Registers what to do if the connection ends before the handler has returned, so that a
     * handler which waits can be woken. It runs once, at once if the end has come already, and not
     * after the handler has returned, unless both happen in the same moment. It must not block.
     */
    void onAbandoned(Runnable action);

    /**
     * {@return whether a former process has had this call, and may have carried it out, in part or
     * wholly, without answering it}
     */
    default boolean isRepeated() {
        return false;
    }

    /** {@return what a former process has noted about this call} */
    default Optional<byte[]> noted() {
        return Optional.empty();
    }

    /** Notes something that a later process needs to answer this call; see {@link CallLog}. */
    default void note(byte[] note) {}

    /** From now on the call waits, and may be left to a successor at any moment. */
    default void park() {}
}
