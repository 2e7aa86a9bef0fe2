// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import java.util.Optional;

/**
 * A device whose queues a {@link VhostUserSession} serves. Called by the session's thread, unless
 * said otherwise.
 */
public interface VhostUserDevice {
    /** {@return how many queues there are} */
    int queues();

    /**
     * {@return what serves a queue that is about to start} Called again after each stop.
     *
     * @param queue from 0 on
     */
    QueueHandler handler(int queue);

    /** {@return feature bits of this type of device; those of rings are not among them} */
    default long features() {
        return 0;
    }

    /**
     * {@return what one queue may take of this process}
     *
     * @param queue from 0 on
     */
    default QueueLimits limits(int queue) {
        return QueueLimits.DEFAULT;
    }

    /**
     * {@return the configuration that the guest reads, if it is this side that has it} QEMU from
     * 7.1 to 8.0 crashes when a file system device offers that.
     */
    default Optional<DeviceConfig> config() {
        return Optional.empty();
    }

    /** {@return what saves and loads this device's own state, if it can be migrated} */
    default Optional<DeviceState> state() {
        return Optional.empty();
    }

    /** Tells which feature bits of this type of device the guest uses. */
    default void negotiated(long features) {}

    /** Tells that a migration begins, or is over or cancelled: writes are marked from now on. */
    default void migrating(boolean begins) {}

    /** Forgets everything but who the front-end is. All queues have stopped. */
    default void reset() {}

    /**
     * Tells that a queue is of no use until it is set up anew; its other queues go on. Called by
     * whichever thread found out, so it must not wait.
     */
    default void queueBroken(int queue, GuestFault fault) {}
}
