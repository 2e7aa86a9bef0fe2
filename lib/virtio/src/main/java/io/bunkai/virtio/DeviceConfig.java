// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

/**
 * A device's configuration space.
 *
 * @spec https://docs.oasis-open.org/virtio/virtio/v1.2/virtio-v1.2.html VIRTIO 1.2, 2.5
 */
public interface DeviceConfig {
    /** {@return all of it, at most 256 bytes} */
    byte[] read();

    /**
     * Changes a part of it.
     *
     * @param offset of the first byte
     * @param migration whether this is the state of another device's, so that also fields are set
     *     that the guest may only read
     * @return whether all of that may be changed
     */
    default boolean write(int offset, byte[] data, boolean migration) {
        return false;
    }
}
