// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

/**
 * Feature bits that belong to no device type, as masks.
 *
 * @spec https://docs.oasis-open.org/virtio/virtio/v1.2/virtio-v1.2.html VIRTIO 1.2, 6
 * @spec https://www.qemu.org/docs/master/interop/vhost-user.html vhost-user, Migration
 */
public final class VirtioFeatures {
    /** VHOST_F_LOG_ALL: the device marks in a log what it writes to. */
    public static final long LOG_ALL = 1L << 26;

    /** VIRTIO_F_INDIRECT_DESC: a descriptor may stand for a table of descriptors. */
    public static final long INDIRECT_DESC = 1L << 28;

    /** VIRTIO_F_EVENT_IDX: each side says at which index it wants to be notified. */
    public static final long EVENT_IDX = 1L << 29;

    /** VHOST_USER_F_PROTOCOL_FEATURES: vhost-user has features of its own, see there. */
    public static final long PROTOCOL_FEATURES = 1L << 30;

    /** VIRTIO_F_VERSION_1: the device is not a legacy one. */
    public static final long VERSION_1 = 1L << 32;

    private VirtioFeatures() {}
}
