// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import io.bunkai.linux.ErrnoException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * A driver that writes whatever its input says into a ring, and a device that takes from it. What
 * may come of it is a chain whose pieces lie within the memory and the limits, or a {@link
 * GuestFault}; anything else is a defect, thrown as whatever it is.
 */
final class RingScenario implements AutoCloseable {
    private static final long GUEST = 0x10_0000L;
    private static final int REGION = 64 * 1024;
    private static final long TABLE = 32 * 1024;
    private static final int CHAIN_BYTES = 1 << 20;
    private static final int CHAIN_DESCRIPTORS = 24;

    private final FrontEndMemory memory;
    private final FrontEndMemory neighbour;
    private final MemoryTable table = new MemoryTable();
    private final Chain chain = new Chain(null);
    private int chains;
    private int faults;

    RingScenario() throws VhostUserException, ErrnoException {
        memory = FrontEndMemory.create(GUEST, REGION);
        neighbour = FrontEndMemory.create(GUEST + REGION, REGION);
        table.replace(
                List.of(memory.region(), neighbour.region()),
                List.of(memory.file(), neighbour.file()));
    }

    int chains() {
        return chains;
    }

    int faults() {
        return faults;
    }

    void run(byte[] data) throws ErrnoException {
        FuzzInput input = new FuzzInput(data);
        memory.bytes().fill((byte) 0);
        int size = 1 << input.next(6);
        long features = input.next(2) == 0 ? ~0L : VirtioFeatures.VERSION_1;
        try (DriverQueue driver = new DriverQueue(memory, 0, size, features)) {
            RingLayout layout = RingLayout.of(size, driver.addresses(false), table.current());
            QueueLimits limits =
                    QueueLimits.DEFAULT
                            .withChainBytes(CHAIN_BYTES)
                            .withChainDescriptors(CHAIN_DESCRIPTORS);
            try {
                SplitRing ring = new SplitRing(layout, (int) input.nextLong(2), features, limits);
                // The base is where the driver is, too, more often than not.
                int available = input.next(4) == 0 ? (int) input.nextLong(2) : ring.base();
                LittleEndian.SHORT.set(driver.ring(), driver.availableAt() + 2, (short) available);
                prepare(input, driver.ring(), size);
                List<Integer> inFlight = new ArrayList<>();
                while (!input.isEmpty()) {
                    step(input, driver, ring, size, inFlight);
                }
            } catch (GuestFault e) {
                faults++;
            } finally {
                layout.leave();
            }
        }
    }

    /** Descriptors that a driver might have made: chains of a few, or whole ones behind another. */
    private void prepare(FuzzInput input, MemorySegment ring, int size) {
        for (int i = 0; i < size; i++) {
            int kind = input.next();
            boolean goesOn = (kind & 3) == 0 && i + 1 < size;
            boolean writes = (kind & 4) != 0;
            boolean indirect = (kind & 0x38) == 0 && !goesOn;
            int flags =
                    (goesOn ? ChainReader.NEXT : 0)
                            | (writes && !goesOn ? ChainReader.WRITE : 0)
                            | (indirect ? ChainReader.INDIRECT : 0);
            long address = GUEST + TABLE + (indirect ? 16L * (kind & 15) : REGION / 2 - kind);
            long length = indirect ? 16L * (1 + (kind & 7)) : 1 + kind;
            DriverQueue.descriptor(ring, 16L * i, address, length, flags);
            LittleEndian.SHORT.set(ring, 16L * i + 14, (short) (i + 1));
        }
        for (int i = 0; i < 32; i++) {
            long at = TABLE + 16L * i;
            DriverQueue.descriptor(memory.bytes(), at, GUEST + i, 1 + i, i % 5 == 0 ? 1 : 0);
            LittleEndian.SHORT.set(memory.bytes(), at + 14, (short) (i % 7));
        }
    }

    private void step(
            FuzzInput input, DriverQueue driver, SplitRing ring, int size, List<Integer> inFlight)
            throws GuestFault {
        MemorySegment bytes = driver.ring();
        switch (input.next(32)) {
            case 0, 1 -> descriptor(bytes, 16L * input.next(size), input, size);
            case 2 -> descriptor(memory.bytes(), TABLE + 16L * input.next(32), input, 32);
            case 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 -> { // one more, made well
                long index = driver.availableAt() + 2;
                short old = (short) LittleEndian.SHORT.get(bytes, index);
                LittleEndian.SHORT.set(
                        bytes,
                        driver.availableAt() + 4 + 2L * (old & size - 1),
                        (short) (input.next() == 0 ? input.nextLong(2) : input.next(size)));
                LittleEndian.SHORT.set(bytes, index, (short) (old + 1));
            }
            case 13, 14, 15, 16, 17, 18, 19, 20, 21, 22 -> {
                if (ring.take(chain)) {
                    chains++;
                    check(inFlight, size);
                    inFlight.add(chain.head);
                }
            }
            case 23, 24, 25, 26, 27, 28, 29, 30 -> {
                if (!inFlight.isEmpty()) {
                    int head = inFlight.remove(/* index */ input.next(inFlight.size()));
                    ring.give(0, head, input.next());
                    ring.release(head);
                    ring.publish(1);
                    ring.wantsCall(ring.given() - 1 & 0xffff);
                    ring.listen();
                }
            }
            default ->
                    bytes.set(
                            ValueLayout.JAVA_BYTE,
                            (input.nextLong(2) & 0xffff) % bytes.byteSize(),
                            (byte) input.next());
        }
    }

    private static void descriptor(MemorySegment where, long at, FuzzInput input, int entries) {
        long address =
                switch (input.next(6)) {
                    case 0 -> input.nextLong(8);
                    case 1 -> GUEST + TABLE + 16L * input.next(32);
                    case 2 -> GUEST + REGION - input.next(32);
                    case 3 -> GUEST + 2L * REGION - input.next(64);
                    default -> GUEST + input.nextLong(2);
                };
        long length =
                switch (input.next(4)) {
                    case 0 -> input.nextLong(4);
                    case 1 -> 16L * input.next(40);
                    default -> input.next();
                };
        int flags = input.next(8) == 0 ? (int) input.nextLong(2) : input.next(4);
        int indirect = input.next(6) == 0 ? ChainReader.INDIRECT : 0;
        DriverQueue.descriptor(where, at, address, length, flags | indirect);
        int next = input.next(16) == 0 ? (int) input.nextLong(2) : input.next(entries);
        LittleEndian.SHORT.set(where, at + 14, (short) next);
    }

    private void check(List<Integer> inFlight, int size) {
        require(chain.head >= 0 && chain.head < size, "the head");
        require(!inFlight.contains(chain.head), "a head is in flight twice");
        require(inFlight.size() < size, "more in flight than there is");
        int pieces = check(chain.readable()) + check(chain.writable());
        require(pieces > 0, "no pieces");
        // A piece across two regions counts twice.
        require(pieces <= CHAIN_DESCRIPTORS + 1, "pieces");
        require(chain.readable().byteSize() + chain.writable().byteSize() <= CHAIN_BYTES, "bytes");
    }

    private int check(GuestBuffer buffer) {
        long sum = 0;
        for (int i = 0; i < buffer.ranges(); i++) {
            MemorySegment where = buffer.memory(i);
            require(
                    where.equals(memory(0)) || where.equals(memory(1)),
                    "a piece in memory that is not the guest's");
            require(buffer.length(i) > 0, "an empty piece");
            require(buffer.offset(i) >= 0, "a piece before its memory");
            require(
                    buffer.length(i) <= where.byteSize() - buffer.offset(i),
                    "a piece beyond its memory");
            sum += buffer.length(i);
        }
        require(sum == buffer.byteSize(), "the sum");
        return buffer.ranges();
    }

    private MemorySegment memory(int index) {
        return table.current().memory(index);
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError("wrong: " + what);
        }
    }

    @Override
    public void close() {
        table.close();
        memory.close();
        neighbour.close();
    }
}
