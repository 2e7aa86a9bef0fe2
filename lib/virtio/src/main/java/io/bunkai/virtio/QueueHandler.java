// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

/**
 * What a device does with the requests of one queue. Called by the queue's own platform thread, but
 * for {@link #stopping}.
 */
@FunctionalInterface
public interface QueueHandler {
    /**
     * Serves a request, or starts to: it is answered by {@link Chain#complete}, here or later.
     * Blocking here holds up this queue only.
     *
     * @throws GuestFault if it is nothing that a driver may send; the queue is broken then.
     *     Requests that are merely wrong are answered. So is a queue whose handler throws anything
     *     else, which is logged as an error of the device.
     */
    void serve(Chain chain) throws GuestFault;

    /** Called when no more requests wait, before the queue's thread goes to sleep. */
    default void idle() {}

    /**
     * Called by the session's thread when the queue is about to stop, or is disabled: what is
     * parked has to be completed soon, and what is not within the drain time is lost to the guest.
     * Requests may still be served until the queue's thread has noticed; when it has ended this is
     * called once more.
     */
    default void stopping() {}
}
