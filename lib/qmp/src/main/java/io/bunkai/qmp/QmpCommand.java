// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.SortedMap;

/**
 * One request of the protocol: its name, its arguments, and how its answer is read.
 *
 * <p>Arguments are strings, booleans, whole numbers, and lists and maps of these; they are sorted
 * by name, so that what is sent, logged and compared is stable.
 *
 * @param <R> what the answer says; {@link Done} if it says nothing
 */
public interface QmpCommand<R> {
    /** {@return the name of the command on the wire} */
    String name();

    /** {@return the arguments; empty if the command takes none} */
    SortedMap<String, Object> arguments();

    /**
     * {@return what the answer says}
     *
     * @param reply the value of {@code return}
     * @throws QmpProtocolException if the answer does not have the form that the command promises
     */
    R result(QmpValue reply) throws QmpProtocolException;
}
