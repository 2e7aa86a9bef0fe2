// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The guest's memory at one moment: regions ordered by guest address, none overlapping, and the log
 * if writes have to be marked. Immutable; a change makes a new one ({@link MemoryTable}).
 *
 * <p>Whoever looks addresses up in it holds it. Its regions are unmapped when nobody holds a memory
 * that they are in.
 */
final class GuestMemory extends Held {
    private final GuestRegion[] regions;
    private final long[] starts;
    private final long[] sizes;
    private final @Nullable DirtyLog log;

    /** Takes its own hold on each region and on the log. */
    GuestMemory(List<GuestRegion> regions, @Nullable DirtyLog log) {
        this.regions =
                regions.stream()
                        .sorted(
                                Comparator.comparing(
                                        region -> region.description().guestAddress(),
                                        Long::compareUnsigned))
                        .toArray(GuestRegion[]::new);
        this.starts = new long[this.regions.length];
        this.sizes = new long[this.regions.length];
        for (int i = 0; i < starts.length; i++) {
            starts[i] = this.regions[i].description().guestAddress();
            sizes[i] = this.regions[i].description().size();
            this.regions[i].hold();
        }
        this.log = log;
        if (log != null) {
            log.hold();
        }
    }

    /** {@return the index of the region that has this guest address, or -1} */
    int indexOf(long guestAddress) {
        int low = 0;
        int high = starts.length - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            if (Long.compareUnsigned(guestAddress - starts[middle], sizes[middle]) < 0) {
                return middle;
            }
            if (Long.compareUnsigned(guestAddress, starts[middle]) < 0) {
                high = middle - 1;
            } else {
                low = middle + 1;
            }
        }
        return -1;
    }

    /** {@return whether the region at an index has all of a range that is not empty} */
    boolean contains(int index, long guestAddress, long length) {
        long offset = guestAddress - starts[index];
        // The first comparison makes the offset a number from 0 to the size; the second cannot
        // overflow then.
        return Long.compareUnsigned(offset, sizes[index]) < 0 && length <= sizes[index] - offset;
    }

    int count() {
        return starts.length;
    }

    long start(int index) {
        return starts[index];
    }

    long size(int index) {
        return sizes[index];
    }

    MemorySegment memory(int index) {
        return regions[index].memory();
    }

    List<GuestRegion> regions() {
        return Arrays.asList(regions);
    }

    @Nullable DirtyLog log() {
        return log;
    }

    /** {@return the memory at an address of the front-end; empty if not all of it is shared} */
    Optional<MemorySegment> atUserAddress(long userAddress, long length) {
        for (GuestRegion region : regions) {
            MemoryRegion description = region.description();
            long offset = userAddress - description.userAddress();
            if (Long.compareUnsigned(offset, description.size()) < 0) {
                return length <= description.size() - offset
                        ? Optional.of(region.memory().asSlice(offset, length))
                        : Optional.empty();
            }
        }
        return Optional.empty();
    }

    @Override
    void free() {
        for (GuestRegion region : regions) {
            region.letGo();
        }
        if (log != null) {
            log.letGo();
        }
    }
}
