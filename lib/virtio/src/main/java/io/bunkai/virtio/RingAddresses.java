// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

/**
 * Where a split ring's three parts are, as the front-end tells it.
 *
 * @param descriptors address of the descriptor table in the front-end, as are {@code used} and
 *     {@code available}
 * @param log guest address at which writes to the used ring are marked
 * @param logged whether they are
 * @spec https://docs.oasis-open.org/virtio/virtio/v1.2/virtio-v1.2.html VIRTIO 1.2, 2.7
 */
record RingAddresses(long descriptors, long used, long available, long log, boolean logged) {
    /** The most descriptors that a split ring can have. */
    static final int LARGEST = 32768;

    static final int DESCRIPTOR_BYTES = 16;

    /** Flags and index before the entries; the event index of the other side behind them. */
    static final int HEADER_BYTES = 4;

    static final int EVENT_BYTES = 2;
    static final int AVAILABLE_ENTRY_BYTES = 2;
    static final int USED_ENTRY_BYTES = 8;

    private static final int DESCRIPTORS_ALIGNMENT = 16;
    private static final int AVAILABLE_ALIGNMENT = 2;
    private static final int USED_ALIGNMENT = 4;

    static long descriptorsBytes(int size) {
        return (long) DESCRIPTOR_BYTES * size;
    }

    static long availableBytes(int size) {
        return HEADER_BYTES + (long) AVAILABLE_ENTRY_BYTES * size + EVENT_BYTES;
    }

    static long usedBytes(int size) {
        return HEADER_BYTES + (long) USED_ENTRY_BYTES * size + EVENT_BYTES;
    }

    /** {@return whether a ring may have this many descriptors} */
    static boolean isPossibleSize(int size) {
        return size > 0 && size <= LARGEST && Integer.bitCount(size) == 1;
    }

    /**
     * Checks that each part begins where it may.
     *
     * @throws GuestFault if one does not: the driver chose them
     */
    void checkAlignment() throws GuestFault {
        checkAlignment("descriptor table", descriptors, DESCRIPTORS_ALIGNMENT);
        checkAlignment("available ring", available, AVAILABLE_ALIGNMENT);
        checkAlignment("used ring", used, USED_ALIGNMENT);
    }

    private static void checkAlignment(String part, long address, int alignment) throws GuestFault {
        if ((address & alignment - 1) != 0) {
            throw new GuestFault("the %s at 0x%x is not aligned to %d", part, address, alignment);
        }
    }
}
