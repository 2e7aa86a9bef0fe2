// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import java.lang.foreign.MemorySegment;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A ring in the guest's memory of one moment, and who still works with that memory: the queue's
 * thread as long as this is its layout, and each chain that was taken by it.
 *
 * <p>That is what a region's unmapping waits for. It costs a request nothing but two additions: the
 * queue's thread counts what it takes and what it finishes itself in plain fields; what others
 * finish is counted under the queue's lock, which they hold anyway. The memory is let go of when
 * the thread has left and the counts are equal.
 */
final class RingLayout {
    final int size;
    final GuestMemory memory;

    /** The parts of the ring; all null if this memory does not have all of it. */
    final @Nullable MemorySegment descriptors;

    final @Nullable MemorySegment available;
    final @Nullable MemorySegment used;

    /** Guest address at which writes to the used ring are marked, if they are. */
    final long logAddress;

    final boolean logged;

    /** Chains taken, and chains finished by the queue's thread. Of that thread only. */
    long taken;

    long finished;

    private long finishedElsewhere; // this and the next guarded by the queue's lock
    private boolean left;

    private RingLayout(
            int size,
            GuestMemory memory,
            RingAddresses addresses,
            @Nullable MemorySegment descriptors,
            @Nullable MemorySegment available,
            @Nullable MemorySegment used) {
        this.size = size;
        this.memory = memory;
        this.descriptors = descriptors;
        this.available = available;
        this.used = used;
        this.logAddress = addresses.log();
        this.logged = addresses.logged() && memory.log() != null;
        memory.hold();
    }

    /**
     * Finds a ring in memory and holds that memory. Called by the session's thread, which knows
     * that the table holds it, too.
     */
    static RingLayout of(int size, RingAddresses addresses, GuestMemory memory) {
        Optional<MemorySegment> descriptors =
                memory.atUserAddress(addresses.descriptors(), RingAddresses.descriptorsBytes(size));
        Optional<MemorySegment> available =
                memory.atUserAddress(addresses.available(), RingAddresses.availableBytes(size));
        Optional<MemorySegment> used =
                memory.atUserAddress(addresses.used(), RingAddresses.usedBytes(size));
        // Addresses that are aligned in the front-end are so here, unless its regions are odd.
        boolean isThere =
                descriptors.filter(part -> part.address() % Long.BYTES == 0).isPresent()
                        && available.filter(part -> part.address() % Short.BYTES == 0).isPresent()
                        && used.filter(part -> part.address() % Integer.BYTES == 0).isPresent();
        return isThere
                ? new RingLayout(
                        size, memory, addresses, descriptors.get(), available.get(), used.get())
                : new RingLayout(size, memory, addresses, null, null, null);
    }

    /** {@return whether all of the ring is there} While memory is rearranged it may not be. */
    boolean isThere() {
        return used != null;
    }

    /** Counts a chain that another thread than the queue's has finished; under the queue's lock. */
    void finishedElsewhere() {
        finishedElsewhere++;
        letGoIfUnused();
    }

    /**
     * Counts a chain that the queue's thread has finished after it left; under the queue's lock.
     */
    void finishedAfterLeaving() {
        finished++;
        letGoIfUnused();
    }

    /** Says that the queue's thread takes no more chains by it; under the queue's lock. */
    void leave() {
        left = true;
        letGoIfUnused();
    }

    private void letGoIfUnused() {
        if (left && taken == finished + finishedElsewhere) {
            memory.letGo();
        }
    }
}
