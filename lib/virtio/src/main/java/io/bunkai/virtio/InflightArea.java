// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.FileStatus;
import io.bunkai.linux.SharedMemory;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Memory that outlives the back-end and in which it records which requests it has taken and not
 * given back, so that its successor serves them. One part for each queue:
 *
 * <pre>
 * u64 features; u16 version; u16 count; u16 last_batch_head; u16 used_index;
 * { u8 inflight; u8 padding[5]; u16 next; u64 counter }[count]
 * </pre>
 *
 * <p>The process may die between any two instructions, so the order of the writes is what makes
 * this work; each is a release, which keeps those before it before it.
 *
 * @spec https://www.qemu.org/docs/master/interop/vhost-user.html vhost-user, Inflight I/O tracking
 */
final class InflightArea extends Held {
    private static final long PART_ALIGNMENT = 64;
    private static final long VERSION = 8;
    private static final long COUNT = 10;
    private static final long LAST_BATCH_HEAD = 12;
    private static final long USED_INDEX = 14;
    private static final long ENTRIES = 16;
    private static final long ENTRY_BYTES = 16;
    private static final long NEXT = 6;
    private static final long COUNTER = 8;
    private static final short CURRENT_VERSION = 1;
    private static final int WRAP = 0xffff;

    // In the machine's own order, unlike the ring: only back-ends of this machine read it.
    private static final VarHandle FLAGS = JAVA_BYTE.varHandle();
    private static final VarHandle INDICES = JAVA_SHORT.varHandle();
    private static final VarHandle COUNTERS = JAVA_LONG.varHandle();

    private final SharedMemory mapping;
    private final int queues;
    private final int size;

    private InflightArea(SharedMemory mapping, int queues, int size) {
        this.mapping = mapping;
        this.queues = queues;
        this.size = size;
    }

    /** {@return how many bytes an area has} */
    static long bytes(int queues, int size) {
        return queues * partBytes(size);
    }

    private static long partBytes(int size) {
        return ENTRIES + ENTRY_BYTES * size + PART_ALIGNMENT - 1 & -PART_ALIGNMENT;
    }

    /**
     * Maps an area. The descriptor stays the caller's.
     *
     * @throws VhostUserException if the file does not hold it or cannot be mapped
     */
    static InflightArea map(Fd file, long bytes, long offset, int queues, int size)
            throws VhostUserException {
        if (queues < 1 || !RingAddresses.isPossibleSize(size) || bytes < bytes(queues, size)) {
            throw new VhostUserException(
                    "there can be no inflight area of %d bytes for %d queues of %d"
                            .formatted(bytes, queues, size));
        }
        try {
            if (offset < 0
                    || (offset & Long.BYTES - 1) != 0
                    || FileStatus.of(file).size() - offset < bytes) {
                throw new VhostUserException("the inflight area is longer than its file");
            }
            return new InflightArea(SharedMemory.map(file, offset, bytes), queues, size);
        } catch (ErrnoException e) {
            throw new VhostUserException("the inflight area was not mapped", e);
        }
    }

    /**
     * {@return the record of one queue}
     *
     * @throws VhostUserException if it has none, or one for fewer descriptors
     */
    Part of(int queue, int queueSize) throws VhostUserException {
        if (queue >= queues || queueSize > size) {
            throw new VhostUserException(
                    "the inflight area is for %d queues of %d, and this is queue %d of %d"
                            .formatted(queues, size, queue, queueSize));
        }
        return new Part(
                mapping.memory().asSlice(queue * partBytes(size), partBytes(size)), queueSize);
    }

    @Override
    void free() {
        mapping.close();
    }

    /** What one queue has in flight. Taking and giving have an owner each, as the ring has. */
    static final class Part {
        private final MemorySegment part;
        private final int size;
        private long counter;

        private Part(MemorySegment part, int size) {
            this.part = part;
            this.size = size;
        }

        /**
         * Finds what the one before has left, and makes good what it was in the middle of.
         *
         * @param usedIndex of the ring
         * @return heads, in the order in which they were taken
         */
        List<Integer> recover(int usedIndex) {
            if (shortAt(VERSION) == 0) {
                set(COUNT, size);
                set(LAST_BATCH_HEAD, 0);
                set(USED_INDEX, usedIndex);
                set(VERSION, CURRENT_VERSION);
                return List.of();
            }
            // Published, and then not recorded as done: the last batch, by its list.
            int unrecorded = usedIndex - shortAt(USED_INDEX) & WRAP;
            int head = shortAt(LAST_BATCH_HEAD);
            for (int i = 0; i < unrecorded && i < size && head < size; i++) {
                part.set(JAVA_BYTE, entry(head), (byte) 0);
                head = shortAt(entry(head) + NEXT);
            }
            set(USED_INDEX, usedIndex);
            List<Integer> heads = new ArrayList<>();
            for (int i = 0; i < size; i++) {
                if (part.get(JAVA_BYTE, entry(i)) != 0) {
                    heads.add(i);
                    counter = Math.max(counter, counterOf(i) + 1);
                }
            }
            heads.sort(Comparator.comparingLong(this::counterOf));
            return heads;
        }

        private long counterOf(int head) {
            return part.get(JAVA_LONG, entry(head) + COUNTER);
        }

        /** Records that a chain is taken. */
        void taken(int head) {
            COUNTERS.setRelease(part, entry(head) + COUNTER, counter++);
            FLAGS.setRelease(part, entry(head), (byte) 1);
        }

        /** Records that a chain belongs to the batch that is about to be published. */
        void giving(int head) {
            INDICES.setRelease(part, entry(head) + NEXT, (short) shortAt(LAST_BATCH_HEAD));
            set(LAST_BATCH_HEAD, head);
        }

        /** Records that a chain was published. */
        void given(int head) {
            FLAGS.setRelease(part, entry(head), (byte) 0);
        }

        /** Records that a batch was published, after each of its chains. */
        void published(int usedIndex) {
            set(USED_INDEX, usedIndex);
        }

        private int shortAt(long at) {
            return (short) INDICES.getAcquire(part, at) & WRAP;
        }

        private void set(long at, int value) {
            INDICES.setRelease(part, at, (short) value);
        }

        private static long entry(int head) {
            return ENTRIES + ENTRY_BYTES * head;
        }
    }
}
