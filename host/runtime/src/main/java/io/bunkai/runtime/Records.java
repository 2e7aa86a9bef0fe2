// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

/**
 * A container's record, as those parts of its life see it that have a class of their own. The
 * journal is written first: what is believed here is never ahead of it.
 */
interface Records {
    /** {@return what the journal holds} */
    ContainerRecord now();

    /**
     * Writes the next state.
     *
     * @throws io.bunkai.base.Fault RESOURCE_EXHAUSTED if it cannot be written; the former still
     *     stands
     */
    void write(ContainerRecord next);

    /** Writes the next state, or goes on without: at the end there is no way back. */
    void writeIfPossible(ContainerRecord next);
}
