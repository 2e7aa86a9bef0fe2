// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import java.util.Locale;

/**
 * Where a piece of the guest's memory is, in three address spaces.
 *
 * @param guestAddress where the guest sees it; descriptors name it by this
 * @param size in bytes
 * @param userAddress where the front-end sees it; rings are named by this
 * @param fileOffset where it begins in the file that holds it
 * @spec https://www.qemu.org/docs/master/interop/vhost-user.html vhost-user, Memory region
 *     description
 */
public record MemoryRegion(long guestAddress, long size, long userAddress, long fileOffset) {
    /** {@return whether none of its ends lies beyond what an address can be} */
    boolean isPossible() {
        return size > 0
                && Long.compareUnsigned(guestAddress, guestAddress + size) < 0
                && Long.compareUnsigned(userAddress, userAddress + size) < 0
                && fileOffset >= 0
                && fileOffset + size > 0;
    }

    /** {@return whether they share an address, the guest's or the front-end's} */
    boolean overlaps(MemoryRegion other) {
        return overlap(guestAddress, size, other.guestAddress, other.size)
                || overlap(userAddress, size, other.userAddress, other.size);
    }

    private static boolean overlap(long a, long aSize, long b, long bSize) {
        // One begins in the other; as unsigned numbers the differences need no larger type.
        return Long.compareUnsigned(b - a, aSize) < 0 || Long.compareUnsigned(a - b, bSize) < 0;
    }

    /** {@return whether REM_MEM_REG means this one by that one} */
    boolean isNamedBy(MemoryRegion other) {
        return guestAddress == other.guestAddress
                && userAddress == other.userAddress
                && size == other.size;
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT, "%d bytes at 0x%x (user 0x%x)", size, guestAddress, userAddress);
    }
}
