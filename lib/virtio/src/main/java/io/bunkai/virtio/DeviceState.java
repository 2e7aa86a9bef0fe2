// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/**
 * A device's own state, for the process that goes on with the device. Called on a thread of its own
 * while all queues are stopped.
 *
 * @spec https://www.qemu.org/docs/master/interop/vhost-user.html vhost-user, Migrating back-end
 *     state
 */
public interface DeviceState {
    /**
     * Writes all of it.
     *
     * @throws IOException if it cannot be written; the migration fails
     */
    void save(OutputStream out) throws IOException;

    /**
     * Takes up what {@link #save} has written, which came from another machine.
     *
     * @throws IOException if it cannot be read, or makes no sense; the migration fails
     */
    void load(InputStream in) throws IOException;
}
