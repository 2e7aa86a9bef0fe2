// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

/**
 * Features of the vhost-user protocol, as masks; those that this module knows.
 *
 * @spec https://www.qemu.org/docs/master/interop/vhost-user.html vhost-user, Protocol features
 */
public final class ProtocolFeatures {
    /** The front-end may ask how many queues there are. */
    public static final long MQ = 1L;

    /** The log of dirty pages is memory that the front-end shares. */
    public static final long LOG_SHMFD = 1L << 1;

    /** Any request may ask for an answer whether it succeeded. */
    public static final long REPLY_ACK = 1L << 3;

    /** The back-end may send requests, on a socket of its own. */
    public static final long BACKEND_REQ = 1L << 5;

    /** The device's configuration is the back-end's. */
    public static final long CONFIG = 1L << 9;

    /** Requests in flight are recorded in memory that outlives the back-end. */
    public static final long INFLIGHT_SHMFD = 1L << 12;

    /** The front-end may reset the device. */
    public static final long RESET_DEVICE = 1L << 13;

    /** Memory is added and removed region by region. */
    public static final long CONFIGURE_MEM_SLOTS = 1L << 15;

    /** The front-end tells the device status, and asks for it. */
    public static final long STATUS = 1L << 16;

    /** The device's own state can be saved and loaded. */
    public static final long DEVICE_STATE = 1L << 19;

    private ProtocolFeatures() {}
}
