// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Deadline;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Thousands of hostile drivers and front-ends out of a generator whose seed is in each failure. */
class FuzzTest {
    private static final Duration LONG = Duration.ofMinutes(5);

    static Stream<Path> rings() throws IOException {
        return corpus("rings");
    }

    static Stream<Path> messages() throws IOException {
        return corpus("messages");
    }

    private static Stream<Path> corpus(String name) throws IOException {
        try (Stream<Path> files = Files.list(Path.of("src", "test", "resources", name))) {
            return files.sorted().toList().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("rings")
    void holdsForRingsThatAFuzzerHasFound(Path file) throws Exception {
        RingFuzzer.fuzzerTestOneInput(Files.readAllBytes(file));
    }

    @ParameterizedTest
    @MethodSource("messages")
    void holdsForMessagesThatAFuzzerHasFound(Path file) throws Exception {
        MessageFuzzer.fuzzerTestOneInput(Files.readAllBytes(file));
    }

    @Test
    void ringsOfAnyContentGiveChainsWithinTheMemoryOrAFault() throws Exception {
        try (RingScenario scenario = new RingScenario()) {
            for (long seed = 0; seed < 20_000; seed++) {
                ring(scenario, seed);
            }
            assertThat(scenario.chains()).as("chains taken").isGreaterThan(5_000);
            assertThat(scenario.faults()).as("faults found").isGreaterThan(5_000);
        }
    }

    @Tag("long")
    @Test
    void ringsOfAnyContentForMinutes() throws Exception {
        Deadline end = Deadline.after(LONG);
        try (RingScenario scenario = new RingScenario()) {
            for (long seed = System.nanoTime(); !end.hasPassed(); seed++) {
                ring(scenario, seed);
            }
        }
    }

    private static void ring(RingScenario scenario, long seed) throws Exception {
        try {
            scenario.run(bytes(seed, 600));
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError("seed " + seed, e);
        }
    }

    @Test
    void messagesOfAnyContentAreAnsweredRefusedOrEndTheSession() throws Exception {
        try (MessageScenario scenario = new MessageScenario()) {
            scenario.run(bytes(0, 400)); // whatever is opened once in a process
            long descriptors = OpenDescriptors.count();
            long mappings = OpenDescriptors.mappings();
            for (long seed = 0; seed < 3_000; seed++) {
                message(scenario, seed);
            }
            assertThat(OpenDescriptors.count()).isEqualTo(descriptors);
            assertThat(OpenDescriptors.mappings()).isEqualTo(mappings);
            assertThat(scenario.answers()).as("answers").isGreaterThan(1_000);
            assertThat(scenario.ends()).as("sessions ended by an error").isGreaterThan(500);
        }
    }

    @Tag("long")
    @Test
    void messagesOfAnyContentForMinutes() throws Exception {
        Deadline end = Deadline.after(LONG);
        try (MessageScenario scenario = new MessageScenario()) {
            for (long seed = System.nanoTime(); !end.hasPassed(); seed++) {
                message(scenario, seed);
            }
        }
    }

    private static void message(MessageScenario scenario, long seed) throws Exception {
        try {
            scenario.run(bytes(seed, 400));
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError("seed " + seed, e);
        }
    }

    /** A driver that changes everything while the device looks at it. */
    @Test
    void aGuestThatWritesWhileWeReadBreaksNothingButItsQueue() throws Exception {
        scribble(Duration.ofSeconds(2), 1);
    }

    @Tag("long")
    @Test
    void aGuestThatWritesWhileWeReadForMinutes() throws Exception {
        scribble(LONG, System.nanoTime());
    }

    private static void scribble(Duration duration, long seed) throws Exception {
        TestDevice device = new TestDevice(2);
        device.limits = QueueLimits.DEFAULT.withChainBytes(1 << 16);
        Random random = new Random(seed);
        Deadline end = Deadline.after(duration);
        try (Rig rig = Rig.connected(device)) {
            DriverQueue good = rig.start(1, 16);
            int rounds = 0;
            while (!end.hasPassed()) {
                DriverQueue bad = rig.start(0, 64);
                MemorySegment ring = bad.ring();
                for (int i = 0; i < 64; i++) {
                    long address = Rig.BUFFERS + random.nextInt(1 << 16);
                    int flags = random.nextInt(4);
                    DriverQueue.descriptor(ring, 16L * i, address, 1 + random.nextInt(64), flags);
                    LittleEndian.SHORT.set(ring, 16L * i + 14, (short) random.nextInt(64));
                    bad.makeAvailable(i);
                }
                bad.submit();
                for (int i = 0; i < 2000 && device.faults.isEmpty(); i++) {
                    long at = random.nextLong(ring.byteSize());
                    ring.set(ValueLayout.JAVA_BYTE, at, (byte) random.nextInt());
                    if (i % 100 == 0) {
                        bad.kick().signal();
                    }
                }
                rig.echo(good, "round " + rounds);
                rig.frontEnd.stop(0);
                device.faults.clear();
                rounds++;
            }
            assertThat(rounds).as("seed " + seed).isPositive();
        }
    }

    private static byte[] bytes(long seed, int most) {
        Random random = new Random(seed);
        byte[] bytes = new byte[1 + random.nextInt(most)];
        random.nextBytes(bytes);
        return bytes;
    }
}
