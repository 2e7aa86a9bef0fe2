// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import static io.bunkai.virtio.LittleEndian.LONG;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Follows chains of descriptors, each {@code { u64 address; u32 length; u16 flags; u16 next }}, and
 * checks all there is to check. A descriptor is read once, as two words; the guest may rewrite it
 * afterwards. Used by the queue's thread.
 *
 * @spec https://docs.oasis-open.org/virtio/virtio/v1.2/virtio-v1.2.html VIRTIO 1.2, 2.7.5
 */
final class ChainReader {
    static final int NEXT = 1;
    static final int WRITE = 2;
    static final int INDIRECT = 4;

    private static final int WRAP = 0xffff;

    private final boolean indirect;
    private final QueueLimits limits;
    private GuestMemory memory;
    private MemorySegment descriptors;

    /** A table of descriptors is copied here before it is looked at: two words for each. */
    private long[] table = new long[64];

    private int nearRegion; // where the last address was found

    ChainReader(
            GuestMemory memory, MemorySegment descriptors, boolean indirect, QueueLimits limits) {
        this.memory = memory;
        this.descriptors = descriptors;
        this.indirect = indirect;
        this.limits = limits;
    }

    /** Goes on in another memory, or at another place. */
    void move(GuestMemory newMemory, MemorySegment newDescriptors) {
        memory = newMemory;
        descriptors = newDescriptors;
        nearRegion = 0;
    }

    /**
     * Reads the chain that begins at a descriptor.
     *
     * @param size of the queue, which the head is known to be within
     * @param chain empty, and of no use if this fails
     */
    void read(int head, int size, Chain chain) throws GuestFault {
        int index = head;
        int count = 0;
        while (true) {
            // More than there are descriptors means that one was met twice.
            if (++count > size) {
                throw new GuestFault("chain %d is a loop", head);
            }
            long at = (long) RingAddresses.DESCRIPTOR_BYTES * index;
            long address = (long) LONG.getOpaque(descriptors, at);
            long rest = (long) LONG.getOpaque(descriptors, at + Long.BYTES);
            int flags = flags(rest);
            if ((flags & INDIRECT) != 0) {
                if ((flags & NEXT) != 0) {
                    throw new GuestFault("chain %d goes on behind an indirect table", head);
                }
                walkTable(head, chain, address, length(rest));
                return;
            }
            add(chain, address, length(rest), flags);
            if ((flags & NEXT) == 0) {
                return;
            }
            index = next(rest);
            if (index >= size) {
                throw new GuestFault("descriptor %d in a queue of %d", index, size);
            }
        }
    }

    /** Follows a chain through a table that is somewhere else in the guest's memory. */
    private void walkTable(int head, Chain chain, long address, long bytes) throws GuestFault {
        if (!indirect) {
            throw new GuestFault("chain %d is indirect, which was not agreed on", head);
        }
        int entries = (int) (bytes / RingAddresses.DESCRIPTOR_BYTES);
        if (bytes == 0 || bytes % RingAddresses.DESCRIPTOR_BYTES != 0) {
            throw new GuestFault("chain %d has an indirect table of %d bytes", head, bytes);
        }
        if (entries > limits.chainDescriptors()) {
            throw new GuestFault("chain %d has an indirect table of %d", head, entries);
        }
        copyTable(address, entries);
        int index = 0;
        int count = 0;
        while (true) {
            if (++count > entries) {
                throw new GuestFault("chain %d is a loop within its table", head);
            }
            long rest = table[2 * index + 1];
            int flags = flags(rest);
            if ((flags & INDIRECT) != 0) {
                throw new GuestFault("chain %d has an indirect table within another", head);
            }
            add(chain, table[2 * index], length(rest), flags);
            if ((flags & NEXT) == 0) {
                return;
            }
            index = next(rest);
            if (index >= entries) {
                throw new GuestFault("descriptor %d in a table of %d", index, entries);
            }
        }
    }

    /** One copy, so that what is checked is what is used. */
    private void copyTable(long address, int entries) throws GuestFault {
        if (table.length < 2 * entries) {
            table = Arrays.copyOf(table, 2 * Integer.highestOneBit(2 * entries));
        }
        long bytes = (long) RingAddresses.DESCRIPTOR_BYTES * entries;
        int region = find(address);
        if (memory.contains(region, address, bytes)) {
            MemorySegment.copy(
                    memory.memory(region),
                    LittleEndian.LE64_UNALIGNED,
                    address - memory.start(region),
                    table,
                    0,
                    2 * entries);
            return;
        }
        // Regions may border on each other, and a table lie across: then word by word.
        for (int word = 0; word < 2 * entries; word++) {
            long at = address + (long) Long.BYTES * word;
            region = find(at);
            if (!memory.contains(region, at, Long.BYTES)) {
                throw new GuestFault(
                        "a table of %d bytes at 0x%x is not within the guest's memory",
                        bytes, address);
            }
            table[word] =
                    memory.memory(region)
                            .get(LittleEndian.LE64_UNALIGNED, at - memory.start(region));
        }
    }

    private void add(Chain chain, long address, long length, int flags) throws GuestFault {
        boolean write = (flags & WRITE) != 0;
        GuestBuffer readable = chain.readable();
        GuestBuffer writable = chain.writable();
        if (!write && writable.ranges() > 0) {
            throw new GuestFault("a readable descriptor comes behind a writable one");
        }
        if (length == 0) {
            throw new GuestFault("a descriptor of no bytes");
        }
        // Neither sum can overflow: the sums before are at most 2^31, and the length is below 2^32.
        if (readable.byteSize() + writable.byteSize() + length > limits.chainBytes()) {
            throw new GuestFault("a chain of more than %d bytes", limits.chainBytes());
        }
        if (readable.ranges() + writable.ranges() >= limits.chainDescriptors()) {
            throw new GuestFault("a chain of more than %d pieces", limits.chainDescriptors());
        }
        GuestBuffer buffer = write ? writable : readable;
        int region = find(address);
        if (memory.contains(region, address, length)) {
            long offset = address - memory.start(region);
            buffer.add(memory.memory(region), offset, (int) length, address);
        } else {
            addAcross(buffer, address, length);
        }
    }

    /** A buffer may lie across regions that border on each other. */
    private void addAcross(GuestBuffer buffer, long address, long length) throws GuestFault {
        long at = address;
        long left = length;
        while (left > 0) {
            int region = memory.indexOf(at);
            if (region < 0 || buffer.ranges() >= limits.chainDescriptors()) {
                throw new GuestFault(
                        "%d bytes at 0x%x are not within the guest's memory", length, address);
            }
            long offset = at - memory.start(region);
            int part = (int) Math.min(left, memory.size(region) - offset);
            buffer.add(memory.memory(region), offset, part, at);
            at += part; // may become 0 behind the last address: then no region has it
            left -= part;
        }
    }

    /** {@return the region that has an address, most likely the same as the last time} */
    private int find(long address) throws GuestFault {
        if (nearRegion < memory.count()
                && Long.compareUnsigned(address - memory.start(nearRegion), memory.size(nearRegion))
                        < 0) {
            return nearRegion;
        }
        int region = memory.indexOf(address);
        if (region < 0) {
            throw new GuestFault("address 0x%x is not within the guest's memory", address);
        }
        nearRegion = region;
        return region;
    }

    private static long length(long rest) {
        return rest & 0xffffffffL;
    }

    private static int flags(long rest) {
        return (int) (rest >>> 32) & WRAP;
    }

    private static int next(long rest) {
        return (int) (rest >>> 48);
    }
}
