// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.bunkai.linux.IoVector;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The ring by itself, over two regions that border on each other and a third that is apart. */
class SplitRingTest {
    private static final int SIZE = 8;
    private static final long KIB = 1024;
    private static final long BASE = 0x10_0000L;
    private static final long REGION = 64 * KIB;
    private static final long NEIGHBOUR = BASE + REGION;
    private static final long APART = BASE + 16 * REGION;

    /** The last page there can be. */
    private static final long TOP = -4096 - REGION;

    private static final long BUFFER = BASE + 16 * KIB;
    private static final int NEXT = ChainReader.NEXT;
    private static final int WRITE = ChainReader.WRITE;
    private static final int INDIRECT = ChainReader.INDIRECT;

    private final MemoryTable table = new MemoryTable();
    private FrontEndMemory memory;
    private FrontEndMemory neighbour;
    private FrontEndMemory apart;
    private FrontEndMemory top;
    private DriverQueue driver;
    private RingLayout layout;
    private SplitRing ring;
    private final Chain chain = new Chain(null);
    private QueueLimits limits = QueueLimits.DEFAULT;

    @BeforeEach
    void make() throws Exception {
        memory = FrontEndMemory.create(BASE, REGION);
        neighbour = FrontEndMemory.create(NEIGHBOUR, REGION);
        apart = FrontEndMemory.create(APART, REGION);
        top = FrontEndMemory.create(TOP, REGION);
        for (FrontEndMemory each : List.of(top, apart, memory, neighbour)) {
            table.add(each.region(), each.file());
        }
        driver = new DriverQueue(memory, 0, SIZE, ~0L);
        layout = RingLayout.of(SIZE, driver.addresses(false), table.current());
        ring = new SplitRing(layout, 0, ~0L, limits);
    }

    @AfterEach
    void close() {
        layout.leave();
        table.close();
        driver.close();
        for (FrontEndMemory each : List.of(top, apart, memory, neighbour)) {
            each.close();
        }
    }

    // --- what drivers do ----------------------------------------------------------------------

    @Test
    void aChainIsReadablePiecesAndThenWritableOnes() throws Exception {
        driver.begin();
        driver.readable(BUFFER, 40);
        driver.readable(APART, 24);
        driver.writable(BUFFER + 100, 16);
        driver.writable(NEIGHBOUR, 4096);
        int head = driver.end();
        assertThat(ring.take(chain)).as("before it is shown").isFalse();
        driver.show();
        assertThat(ring.take(chain)).isTrue();
        assertThat(chain.head).isEqualTo(head);
        assertThat(chain.readable().byteSize()).isEqualTo(64);
        assertThat(chain.readable().ranges()).isEqualTo(2);
        assertThat(chain.readable().length(1)).isEqualTo(24);
        assertThat(chain.readable().offset(1)).isZero();
        assertThat(chain.readable().memory(1).byteSize()).isEqualTo(REGION);
        assertThat(chain.writable().byteSize()).isEqualTo(4112);
        assertThat(ring.take(chain)).isFalse();
    }

    @Test
    void indirectTablesAreFollowedAlsoBehindOtherDescriptors() throws Exception {
        driver.beginIndirect(BUFFER + 1024 + 8); // aligned to nothing but words
        driver.readable(BUFFER, 40);
        driver.writable(BUFFER + 100, 16);
        driver.end();
        write(2, BUFFER, 10, NEXT, 3);
        write(3, BUFFER + 1024 + 8, 32, INDIRECT, 0);
        driver.makeAvailable(2);
        driver.show();
        assertThat(ring.take(chain)).isTrue();
        assertThat(chain.readable().ranges()).isEqualTo(1);
        assertThat(ring.take(chain)).isTrue();
        assertThat(chain.readable().ranges()).isEqualTo(2);
        assertThat(chain.readable().byteSize()).isEqualTo(50);
        assertThat(chain.writable().byteSize()).isEqualTo(16);
    }

    @Test
    void aTableMayLieAcrossTwoRegions() throws Exception {
        long at = REGION - 24; // one and a half entries before the border
        word(memory, at, BUFFER);
        word(memory, at + 8, 40 | (long) NEXT << 32 | 1L << 48);
        word(memory, at + 16, BUFFER + 64);
        word(neighbour, 0, 8 | (long) WRITE << 32);
        write(0, BASE + at, 32, INDIRECT, 0);
        available(0);
        assertThat(ring.take(chain)).isTrue();
        assertThat(chain.readable().byteSize()).isEqualTo(40);
        assertThat(chain.writable().byteSize()).isEqualTo(8);
    }

    private static void word(FrontEndMemory where, long at, long value) {
        where.bytes().set(ValueLayout.JAVA_LONG_UNALIGNED, at, value);
    }

    @Test
    void aBufferAcrossTwoRegionsIsSplitAndCopiedAsOne() throws Exception {
        write(0, NEIGHBOUR - 3, 6, NEXT, 1);
        write(1, NEIGHBOUR - 5, 10, WRITE, 0);
        available(0);
        assertThat(ring.take(chain)).isTrue();
        assertThat(chain.readable().ranges()).isEqualTo(2);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(10);
            for (int i = 0; i < 10; i++) {
                bytes.set(ValueLayout.JAVA_BYTE, i, (byte) (i + 1));
            }
            chain.writable().put(0, bytes, 0, 10);
            assertThat(memory.bytes().get(ValueLayout.JAVA_BYTE, REGION - 1)).isEqualTo((byte) 5);
            assertThat(neighbour.bytes().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 6);
            MemorySegment copy = arena.allocate(6);
            chain.readable().get(0, copy, 0, 6);
            assertThat(copy.toArray(ValueLayout.JAVA_BYTE)).containsExactly(3, 4, 5, 6, 7, 8);
            chain.readable().get(2, copy, 0, 2); // back again, and across
            assertThat(copy.get(ValueLayout.JAVA_BYTE, 1)).isEqualTo((byte) 6);
            IoVector vector = new IoVector();
            assertThat(chain.readable().addTo(vector, 1, 4)).isEqualTo(4);
            assertThat(vector.count()).isEqualTo(2);
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                    .isThrownBy(() -> chain.readable().get(3, copy, 0, 4));
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                    .isThrownBy(() -> chain.writable().put(-1, copy, 0, 4));
        }
    }

    @Test
    void indicesWrapAround() throws Exception {
        ring = new SplitRing(layout, 0xfffd, ~0L, limits);
        LittleEndian.SHORT.set(driver.ring(), driver.availableAt() + 2, (short) 3); // 6 more
        for (int i = 0; i < 6; i++) {
            write(i, BUFFER, 1, 0, 0);
            LittleEndian.SHORT.set(
                    driver.ring(),
                    driver.availableAt() + 4 + 2L * (0xfffd + i & SIZE - 1),
                    (short) i);
        }
        for (int i = 0; i < 6; i++) {
            assertThat(ring.take(chain)).isTrue();
            assertThat(chain.head).isEqualTo(i);
            ring.give(0, i, 0);
            ring.release(i);
            ring.publish(1);
        }
        assertThat(ring.take(chain)).isFalse();
        assertThat(ring.base()).isEqualTo(3);
    }

    @Test
    void theDriverIsCalledOnlyWhenItsEventIsPassed() throws Exception {
        driver.await(0); // wants to be called about the first
        for (int i = 0; i < 4; i++) {
            driver.begin();
            driver.readable(BUFFER, 1);
            assertThat(driver.end()).isEqualTo(i);
        }
        driver.show();
        for (int i = 0; i < 4; i++) {
            assertThat(ring.take(chain)).isTrue();
        }
        assertThat(give(0)).isTrue();
        assertThat(give(1)).as("it has not come to look yet").isFalse();
        assertThat(give(2)).isFalse();
        assertThat(driver.take()).isZero();
        assertThat(driver.await(0)).isTrue(); // and names index 1, which is past
        assertThat(give(3)).isFalse();
    }

    private boolean give(int head) {
        int from = ring.given();
        ring.give(0, head, 0);
        ring.release(head);
        ring.publish(1);
        return ring.wantsCall(from);
    }

    @Test
    void withoutEventIndicesFlagsSayWhoWantsToBeTold() throws Exception {
        ring = new SplitRing(layout, 0, VirtioFeatures.VERSION_1, limits);
        write(0, BUFFER, 1, 0, 0);
        available(0);
        ring.deafen();
        assertThat((short) LittleEndian.SHORT.get(driver.ring(), driver.usedAt()))
                .isEqualTo((short) 1);
        assertThat(ring.take(chain)).isTrue();
        assertThat(ring.listen()).isFalse();
        assertThat((short) LittleEndian.SHORT.get(driver.ring(), driver.usedAt())).isZero();
        assertThat(give(0)).isTrue();
        LittleEndian.SHORT.set(driver.ring(), driver.availableAt(), (short) 1);
        assertThat(give(0)).isFalse();
    }

    @Test
    void listeningTellsOfWhatHasComeMeanwhile() throws Exception {
        assertThat(ring.listen()).isFalse();
        write(0, BUFFER, 1, 0, 0);
        available(0);
        assertThat(ring.listen()).isTrue();
        assertThat(ring.backlog()).isEqualTo(1);
    }

    // --- what hostile drivers do --------------------------------------------------------------

    @Test
    void aHeadOutsideTheQueue() {
        available(SIZE);
        assertFault("head 8 in a queue of 8");
        available(0xffff);
        assertFault("head");
    }

    @Test
    void moreAvailableThanThereIsRoomFor() {
        LittleEndian.SHORT.set(driver.ring(), driver.availableAt() + 2, (short) (SIZE + 1));
        assertFault("9 chains are available at once");
        LittleEndian.SHORT.set(driver.ring(), driver.availableAt() + 2, (short) -1);
        assertFault("65535 chains are available at once");
    }

    @Test
    void aChainThatIsMadeAvailableAgainBeforeItWasUsed() throws Exception {
        write(0, BUFFER, 1, 0, 0);
        available(0);
        assertThat(ring.take(chain)).isTrue();
        available(0);
        assertFault("chain 0 is made available again");
    }

    @Test
    void loops() {
        write(0, BUFFER, 1, NEXT, 0);
        available(0);
        assertFault("loop");
        write(0, BUFFER, 1, NEXT, 1);
        write(1, BUFFER, 1, NEXT, 0);
        assertFault("loop");
        indirect(BUFFER, 1, NEXT, 0);
        assertFault("loop within its table");
    }

    @Test
    void aNextDescriptorOutsideTheTable() {
        write(0, BUFFER, 1, NEXT, SIZE);
        available(0);
        assertFault("descriptor 8 in a queue of 8");
        write(0, BUFFER, 1, NEXT, 0xffff);
        assertFault("descriptor 65535");
        indirect(BUFFER, 1, NEXT, 1);
        assertFault("descriptor 1 in a table of 1");
    }

    @Test
    void indirectTablesThatCannotBe() {
        available(0);
        for (int bytes : new int[] {0, 1, 15, 17, 31}) {
            write(0, BUFFER, bytes, INDIRECT, 0);
            assertFault("indirect table of " + bytes + " bytes");
        }
        write(0, BUFFER, 16, INDIRECT | NEXT, 1);
        assertFault("goes on behind");
        indirect(BUFFER, 16, INDIRECT, 0);
        assertFault("within another");
        write(0, BUFFER, -16, INDIRECT, 0); // 4 GiB less 16
        assertFault("indirect table of 268435455");
        write(0, APART + REGION - 16, 32, INDIRECT, 0);
        assertFault("not within the guest's memory");
        write(0, 0, 16, INDIRECT, 0);
        assertFault("address 0x0 is not within");
        write(0, -16, 16, INDIRECT, 0);
        assertFault("not within");
    }

    @Test
    void anIndirectTableThatWasNotAgreedOn() throws Exception {
        ring = new SplitRing(layout, 0, VirtioFeatures.VERSION_1, limits);
        indirect(BUFFER, 1, 0, 0);
        available(0);
        assertFault("not agreed on");
    }

    @Test
    void aDescriptorOfNoBytes() {
        write(0, BUFFER, 0, 0, 0);
        available(0);
        assertFault("of no bytes");
    }

    @Test
    void readableBehindWritable() {
        write(0, BUFFER, 1, WRITE | NEXT, 1);
        write(1, BUFFER, 1, 0, 0);
        available(0);
        assertFault("a readable descriptor comes behind a writable one");
    }

    @Test
    void buffersOutsideTheMemory() {
        available(0);
        write(0, BASE - 1, 1, 0, 0);
        assertFault("0xfffff is not within");
        write(0, BASE - 1, 2, 0, 0);
        assertFault("not within");
        write(0, NEIGHBOUR + REGION - 1, 2, 0, 0);
        assertFault("are not within");
        write(0, APART, (int) REGION + 1, 0, 0);
        assertFault("are not within");
        write(0, APART + REGION, 1, WRITE, 0);
        assertFault("not within");
        write(0, -1, 1, 0, 0);
        assertFault("not within");
        write(0, Long.MIN_VALUE, 1, 0, 0);
        assertFault("not within");
    }

    @Test
    void anAddressThatOverflows() {
        available(0);
        write(0, TOP + REGION - 8, 4096 + 16, WRITE, 0);
        assertFault("not within");
        write(0, TOP, -1, WRITE, 0);
        assertFault("2147483647"); // longer than any chain may be
    }

    @Test
    void aChainThatIsTooLongInBytesOrPieces() throws Exception {
        limits = QueueLimits.DEFAULT.withChainBytes(100).withChainDescriptors(2);
        ring = new SplitRing(layout, 0, ~0L, limits);
        available(0);
        write(0, BUFFER, 60, NEXT, 1);
        write(1, BUFFER, 41, WRITE, 0);
        assertFault("more than 100 bytes");
        write(0, BUFFER, 1, NEXT, 1);
        write(1, BUFFER, 1, NEXT, 2);
        write(2, BUFFER, 1, 0, 0);
        assertFault("more than 2 pieces");
        write(0, BUFFER, 48, INDIRECT, 0);
        assertFault("indirect table of 3");
        write(0, BUFFER, 40, NEXT, 1);
        write(1, BUFFER, 60, 0, 0);
        assertThat(ring.take(chain)).isTrue();
    }

    @Test
    void aRingThatIsNotInTheMemory() {
        RingAddresses there = driver.addresses(false);
        for (RingAddresses gone :
                List.of(
                        new RingAddresses(0, there.used(), there.available(), 0, false),
                        new RingAddresses(there.descriptors(), 64, there.available(), 0, false),
                        new RingAddresses(there.descriptors(), there.used(), -2, 0, false),
                        new RingAddresses( // its end is beyond
                                there.descriptors() + REGION - 64,
                                there.used(),
                                there.available(),
                                0,
                                false))) {
            RingLayout elsewhere = RingLayout.of(SIZE, gone, table.current());
            assertThatExceptionOfType(GuestFault.class)
                    .isThrownBy(() -> new SplitRing(elsewhere, 0, ~0L, limits))
                    .withMessageContaining("not within the guest's memory");
            elsewhere.leave();
        }
    }

    @Test
    void aRingThatIsNotAligned() {
        for (RingAddresses odd :
                List.of(
                        new RingAddresses(8, 0, 0, 0, false),
                        new RingAddresses(0, 2, 0, 0, false),
                        new RingAddresses(0, 0, 1, 0, false))) {
            assertThatExceptionOfType(GuestFault.class)
                    .isThrownBy(odd::checkAlignment)
                    .withMessageContaining("not aligned");
        }
    }

    @Test
    void sizesThatAQueueMayHave() {
        for (int size : new int[] {0, -1, 3, 12, 32769, 65536, Integer.MIN_VALUE}) {
            assertThat(RingAddresses.isPossibleSize(size)).as("%d", size).isFalse();
        }
        for (int size : new int[] {1, 2, 1024, 32768}) {
            assertThat(RingAddresses.isPossibleSize(size)).as("%d", size).isTrue();
        }
    }

    /** One entry of a table at the buffer, and a descriptor that stands for it. */
    private void indirect(long address, long length, int flags, int next) {
        long at = BUFFER - BASE;
        word(memory, at, address);
        word(memory, at + 8, length | (long) flags << 32 | (long) next << 48);
        write(0, BUFFER, 16, INDIRECT, 0);
    }

    private void write(int index, long address, int length, int flags, int next) {
        long at = 16L * index;
        DriverQueue.descriptor(driver.ring(), at, address, length, flags);
        LittleEndian.SHORT.set(driver.ring(), at + 14, (short) next);
    }

    /** Makes one chain available, at whatever place is next. */
    private void available(int head) {
        driver.makeAvailable(head);
        driver.show();
    }

    /** A fault takes nothing, so it comes again until the descriptor is changed. */
    private void assertFault(String message) {
        int base = ring.base();
        assertThatExceptionOfType(GuestFault.class)
                .isThrownBy(() -> ring.take(chain))
                .withMessageContaining(message);
        assertThat(ring.base()).isEqualTo(base);
    }
}
