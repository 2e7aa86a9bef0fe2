// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Deadline;
import io.bunkai.fuse.Opcode;
import io.bunkai.linux.Fd;
import io.bunkai.testkit.Await;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Limits of a share, with a guest that is none. Needs root. */
@Timeout(120)
class LimitedShareTest {
    private static final int PIECE = 64 * 1024;
    private static final int SLOTS = 8;

    /** So slow that nothing of it comes back in a test's time. */
    private static final String SLOW = "--fs-bw-size=1k";

    /** Two seconds for each request, once five are spent. */
    private static final String[] THREE_AND_TWO = {
        "--fs-ops-size=3", "--fs-ops-burst=2", "--fs-ops-refill-time=6000"
    };

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir Path folder;

    @BeforeEach
    void makeFile() throws Exception {
        Files.write(folder.resolve("file"), new byte[PIECE]);
    }

    /** Puts reads into the second request queue, as many as it takes, and waits until all wait. */
    private static void parkReads(ServedDirectory served, long node, long handle) {
        Lane lane = served.guest.lane(1);
        for (int slot = 0; slot < SLOTS; slot++) {
            MemorySegment arguments = lane.arguments(slot);
            arguments.set(ValueLayout.JAVA_LONG_UNALIGNED, 0, handle);
            arguments.set(ValueLayout.JAVA_LONG_UNALIGNED, 8, 0);
            arguments.set(ValueLayout.JAVA_INT_UNALIGNED, 16, PIECE);
            arguments.set(ValueLayout.JAVA_INT_UNALIGNED, 20, 0);
            arguments.set(ValueLayout.JAVA_LONG_UNALIGNED, 24, 0);
            arguments.set(ValueLayout.JAVA_LONG_UNALIGNED, 32, 0);
            lane.send(slot, Opcode.READ, node, 40, 0, 0, PIECE);
        }
        lane.submit();
        Await.until(
                "parked reads",
                Deadline.after(PATIENCE),
                () -> served.throttle.state().parked() == SLOTS);
    }

    private static void takeReads(Lane lane) throws Exception {
        for (int count = 0; count < SLOTS; ) {
            int slot = lane.take();
            if (slot == Lane.NONE) {
                lane.await();
                continue;
            }
            assertThat(lane.error(slot)).isZero();
            assertThat(lane.length(slot)).isEqualTo(PIECE);
            count++;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "1"})
    void everythingElseGoesOnWhileReadsWait(String helpers) throws Exception {
        try (var served = new ServedDirectory(folder, SLOW, "--thread-pool-size=" + helpers)) {
            GuestMount guest = served.guest;
            guest.init();
            long node = guest.lookup(GuestMount.ROOT, "file").node();
            long handle = guest.open(node, Fd.O_RDONLY);
            parkReads(served, node, handle);
            for (int i = 0; i < 100; i++) {
                assertThat(guest.getattr(node).size()).isEqualTo(PIECE);
                assertThat(guest.lookup(GuestMount.ROOT, "file").node()).isEqualTo(node);
                guest.release(node, guest.open(node, Fd.O_RDONLY));
            }
            guest.forget(node, 100);
            assertThat(served.throttle.state().parked()).isEqualTo(SLOTS);
            served.throttle.set(Map.of("fs-bw-size", "0"));
            takeReads(guest.lane(1));
            guest.release(node, handle);
        }
    }

    @Test
    void aQueueThatIsStoppedAnswersWhatWaits() throws Exception {
        try (var served = new ServedDirectory(folder, SLOW)) {
            GuestMount guest = served.guest;
            guest.init();
            long node = guest.lookup(GuestMount.ROOT, "file").node();
            parkReads(served, node, guest.open(node, Fd.O_RDONLY));
            guest.frontEnd().stop(2); // GET_VRING_BASE, which is answered when all are
            assertThat(served.throttle.state().parked()).isZero();
            Lane lane = guest.lane(1);
            for (int i = 0; i < SLOTS; i++) {
                int slot = lane.take();
                assertThat(slot).isNotEqualTo(Lane.NONE);
                assertThat(lane.error(slot)).isZero();
                assertThat(lane.length(slot)).isEqualTo(PIECE);
            }
        }
    }

    @Test
    void anEndOfTheMountAnswersWhatWaits() throws Exception {
        try (var served = new ServedDirectory(folder, SLOW)) {
            GuestMount guest = served.guest;
            guest.init();
            long node = guest.lookup(GuestMount.ROOT, "file").node();
            parkReads(served, node, guest.open(node, Fd.O_RDONLY));
            guest.call(Opcode.DESTROY, 0, 0, 0, 0, 0);
            takeReads(guest.lane(1));
        }
    }

    @Test
    void operationsAreLimitedAndReleaseIsNot() throws Exception {
        try (var served = new ServedDirectory(folder, THREE_AND_TWO)) {
            GuestMount guest = served.guest;
            guest.init();
            long node = guest.lookup(GuestMount.ROOT, "file").node();
            long handle = guest.open(node, Fd.O_RDONLY);
            guest.getattr(node);
            guest.getattr(node);
            guest.getattr(node);
            long before = served.throttle.state().requests();
            guest.release(node, handle);
            guest.forget(node, 1);
            assertThat(served.throttle.state().requests()).isEqualTo(before).isEqualTo(5);
            assertThat(served.throttle.state().throttled()).isZero();
            guest.getattr(GuestMount.ROOT);
            assertThat(served.throttle.state().throttled()).isEqualTo(1);
        }
    }

    @Test
    void whatIsReadBeyondTheEndCostsNothing() throws Exception {
        try (var served = new ServedDirectory(folder, "--fs-bw-size=" + 2 * PIECE)) {
            GuestMount guest = served.guest;
            guest.init();
            long node = guest.lookup(GuestMount.ROOT, "file").node();
            long handle = guest.open(node, Fd.O_RDONLY);
            for (int i = 0; i < 20; i++) {
                assertThat(guest.read(node, handle, PIECE, PIECE)).isEmpty();
            }
            assertThat(guest.read(node, handle, 0, PIECE)).hasSize(PIECE);
            assertThat(served.throttle.state().throttled()).isZero();
            assertThat(served.throttle.state().bytesRead()).isEqualTo(PIECE);
            guest.release(node, handle);
        }
    }

    @Test
    void theQueueForWhatIsUrgentIsNoWayAround() throws Exception {
        try (var served = new ServedDirectory(folder, "--fs-bw-size=" + PIECE)) {
            GuestMount guest = served.guest;
            guest.init();
            long node = guest.lookup(GuestMount.ROOT, "file").node();
            long handle = guest.open(node, Fd.O_RDONLY);
            Lane lane = guest.priority();
            MemorySegment arguments = lane.arguments(0);
            arguments.asSlice(0, 40).fill((byte) 0);
            arguments.set(ValueLayout.JAVA_LONG_UNALIGNED, 0, handle);
            arguments.set(ValueLayout.JAVA_INT_UNALIGNED, 16, PIECE);
            lane.send(0, Opcode.READ, node, 40, 0, 0, PIECE);
            lane.submit();
            while (lane.take() == Lane.NONE) {
                lane.await();
            }
            assertThat(served.throttle.state().bytesRead()).isEqualTo(PIECE);
            guest.release(node, handle);
        }
    }
}
