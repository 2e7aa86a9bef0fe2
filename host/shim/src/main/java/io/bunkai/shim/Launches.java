// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

/** What a launcher may ask for. Called on any thread. */
interface Launches extends TaskDeletion {
    /**
     * {@return the address of the socket that serves this owner's tasks: {@code unix:///...}}
     *
     * @throws io.bunkai.base.Fault if there cannot be one
     */
    String socketFor(TaskOwner owner);
}
