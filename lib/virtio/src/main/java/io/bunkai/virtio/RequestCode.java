// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import java.util.Optional;

/**
 * Requests of the front-end, with their numbers on the wire.
 *
 * @spec https://www.qemu.org/docs/master/interop/vhost-user.html vhost-user, Front-end message
 *     types
 */
enum RequestCode {
    /** Which feature bits are offered? */
    GET_FEATURES(1),
    /** These feature bits are used. */
    SET_FEATURES(2),
    /** The front-end owns the session. */
    SET_OWNER(3),
    /** Means nothing any more. */
    RESET_OWNER(4),
    /** These regions are the guest's memory, and no others. */
    SET_MEM_TABLE(5),
    /** Here is the log of dirty pages. */
    SET_LOG_BASE(6),
    /** This is signalled when something is marked. */
    SET_LOG_FD(7),
    /** A queue has so many descriptors. */
    SET_VRING_NUM(8),
    /** A queue's ring is there. */
    SET_VRING_ADDR(9),
    /** A queue goes on at this index. */
    SET_VRING_BASE(10),
    /** A queue stops; at which index? */
    GET_VRING_BASE(11),
    /** This wakes a queue. */
    SET_VRING_KICK(12),
    /** This calls the guest. */
    SET_VRING_CALL(13),
    /** This tells that a queue is broken. */
    SET_VRING_ERR(14),
    /** Which features of the protocol are offered? */
    GET_PROTOCOL_FEATURES(15),
    /** These features of the protocol are used. */
    SET_PROTOCOL_FEATURES(16),
    /** How many queues are there? */
    GET_QUEUE_NUM(17),
    /** A queue may be served, or may not. */
    SET_VRING_ENABLE(18),
    /** Here the back-end may send requests. */
    SET_BACKEND_REQ_FD(21),
    /** What is in the configuration space? */
    GET_CONFIG(24),
    /** This is to be in the configuration space. */
    SET_CONFIG(25),
    /** Where could be recorded what is in flight? */
    GET_INFLIGHT_FD(31),
    /** Here is recorded what is in flight. */
    SET_INFLIGHT_FD(32),
    /** The device begins anew. */
    RESET_DEVICE(34),
    /** How many regions of memory may there be? */
    GET_MAX_MEM_SLOTS(36),
    /** This region is the guest's memory, too. */
    ADD_MEM_REG(37),
    /** This region is no more. */
    REM_MEM_REG(38),
    /** This is the device status. */
    SET_STATUS(39),
    /** What is the device status? */
    GET_STATUS(40),
    /** The device's state goes, or comes, this way. */
    SET_DEVICE_STATE_FD(42),
    /** Did the device's state arrive? */
    CHECK_DEVICE_STATE(43);

    private final int number;

    RequestCode(int number) {
        this.number = number;
    }

    /** {@return the number on the wire} */
    int number() {
        return number;
    }

    /** {@return the request with this number; empty if it is none of ours} */
    static Optional<RequestCode> of(int number) {
        for (RequestCode code : values()) {
            if (code.number == number) {
                return Optional.of(code);
            }
        }
        return Optional.empty();
    }
}
