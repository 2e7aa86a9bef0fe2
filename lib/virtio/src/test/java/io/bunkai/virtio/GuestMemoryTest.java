// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Deadline;
import io.bunkai.testkit.Await;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class GuestMemoryTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final long MORE = 0x10_0000_0000L;

    private final TestDevice device = new TestDevice(2);

    @Test
    void anAddressIsFoundInItsRegionAndNowhereElse() throws Exception {
        try (FrontEndMemory low = FrontEndMemory.create(0x1000, 0x1000);
                FrontEndMemory next = FrontEndMemory.create(0x2000, 0x3000);
                FrontEndMemory high = FrontEndMemory.create(0xffff_ffff_ffff_0000L, 0x1000);
                MemoryTable table = new MemoryTable()) {
            assertThat(table.current().indexOf(0)).isEqualTo(-1);
            table.replace(
                    List.of(high.region(), next.region(), low.region()),
                    List.of(high.file(), next.file(), low.file()));
            GuestMemory memory = table.current();
            assertThat(memory.indexOf(0xfff)).isEqualTo(-1);
            assertThat(memory.indexOf(0x1000)).isZero();
            assertThat(memory.indexOf(0x1fff)).isZero();
            assertThat(memory.indexOf(0x2000)).isEqualTo(1);
            assertThat(memory.indexOf(0x4fff)).isEqualTo(1);
            assertThat(memory.indexOf(0x5000)).isEqualTo(-1);
            assertThat(memory.indexOf(0xffff_ffff_ffff_0fffL)).isEqualTo(2);
            assertThat(memory.indexOf(0xffff_ffff_ffff_1000L)).isEqualTo(-1);
            assertThat(memory.indexOf(-1)).isEqualTo(-1);
            assertThat(memory.contains(0, 0x1ff0, 0x10)).isTrue();
            assertThat(memory.contains(0, 0x1ff0, 0x11)).isFalse();
            assertThat(memory.contains(0, 0x1ff0, Long.MAX_VALUE)).isFalse();
            long user = next.region().userAddress();
            assertThat(memory.atUserAddress(user + 0x2ff0, 0x10)).isPresent();
            assertThat(memory.atUserAddress(user + 0x2ff0, 0x11)).isEmpty();
            assertThat(memory.atUserAddress(0, 1)).isEmpty();
        }
    }

    @Test
    void aRegionStaysMappedAsLongAsARequestUsesIt() throws Exception {
        BlockingQueue<Chain> parked = new LinkedBlockingQueue<>();
        device.handler = parked::add;
        try (Rig rig = Rig.connected(device);
                FrontEndMemory more = FrontEndMemory.create(MORE, 1 << 20)) {
            DriverQueue queue = rig.start(0, 8);
            long mappings = OpenDescriptors.mappings();
            rig.frontEnd.add(more);
            assertThat(OpenDescriptors.mappings()).isEqualTo(mappings + 1);
            for (int i = 0; i < 2; i++) {
                queue.begin();
                queue.writable(MORE + 8L * i, 8);
                queue.end();
            }
            queue.submit();
            Chain first = parked.take();
            Chain second = parked.take();
            rig.frontEnd.remove(more);
            assertThat(OpenDescriptors.mappings()).isEqualTo(mappings + 1);
            second.writable().memory(0).set(ValueLayout.JAVA_BYTE, 8, (byte) 42);
            second.complete(1);
            assertThat(OpenDescriptors.mappings()).isEqualTo(mappings + 1);
            first.complete(1);
            Await.until("the region to be unmapped", soon(), () -> mappingsNow() == mappings);
            assertThat(more.bytes().get(ValueLayout.JAVA_BYTE, 8)).isEqualTo((byte) 42);
        }
    }

    private static Deadline soon() {
        return Deadline.after(SOON);
    }

    @Test
    void anIdleQueueLetsGoOfMemoryThatIsNoMore() throws Exception {
        try (Rig rig = Rig.connected(device)) {
            DriverQueue queue = rig.start(0, 8);
            rig.echo(queue, "message");
            long mappings = OpenDescriptors.mappings();
            for (int i = 0; i < 10; i++) {
                rig.frontEnd.share(List.of(rig.memory));
            }
            Await.until("one mapping to be left", soon(), () -> mappingsNow() == mappings);
            rig.echo(queue, "message");
        }
    }

    /**
     * Two queues at full load, their requests completed by their own threads and by others, while
     * memory is replaced, added and removed as fast as it goes. An access to memory that is no more
     * would be an exception here, and a use of its address by the kernel an error.
     */
    @Test
    void memoryIsExchangedUnderLoad() throws Exception {
        BlockingQueue<Chain> later = new LinkedBlockingQueue<>();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        AtomicBoolean over = new AtomicBoolean();
        AtomicBoolean drained = new AtomicBoolean();
        device.handler =
                chain -> {
                    if (later.size() < 16 && (chain.head & 1) == 0) {
                        later.add(chain);
                    } else {
                        chain.complete(TestDevice.echo(chain));
                    }
                };
        Thread worker = Thread.ofPlatform().start(() -> complete(later, drained, failure));
        long mappings = OpenDescriptors.mappings();
        try (Rig rig = Rig.connected(device);
                FrontEndMemory more = FrontEndMemory.create(MORE, 1 << 20)) {
            DriverQueue first = rig.start(0, 64);
            DriverQueue second = rig.start(1, 64);
            Thread one = Thread.ofPlatform().start(() -> load(first, over, failure));
            Thread other = Thread.ofPlatform().start(() -> load(second, over, failure));
            Deadline end = Deadline.after(Duration.ofSeconds(2));
            int changes = 0;
            while (!end.hasPassed() && failure.get() == null) {
                rig.frontEnd.share(List.of(rig.memory));
                rig.frontEnd.add(more);
                rig.frontEnd.remove(more);
                changes += 3;
            }
            over.set(true);
            one.join();
            other.join();
            drained.set(true);
            worker.join();
            assertThat(failure.get()).isNull();
            assertThat(device.faults).isEmpty();
            assertThat(changes).isGreaterThan(50);
            assertThat(rig.session.counters(0).taken()).isGreaterThan(1000);
            // The front-end's own two, and one of the table.
            Await.until(
                    "the mappings of old tables to go",
                    soon(),
                    () -> mappingsNow() == mappings + 3);
        }
    }

    private static void complete(
            BlockingQueue<Chain> later, AtomicBoolean drained, AtomicReference<Throwable> failure) {
        try {
            while (!drained.get() || !later.isEmpty()) {
                Chain chain = later.poll(10, java.util.concurrent.TimeUnit.MILLISECONDS);
                if (chain != null) {
                    chain.complete(TestDevice.echo(chain));
                }
            }
        } catch (InterruptedException | RuntimeException | Error e) {
            failure.compareAndSet(null, e);
        }
    }

    private static void load(
            DriverQueue queue, AtomicBoolean over, AtomicReference<Throwable> failure) {
        try {
            int inFlight = 0;
            while (!over.get() || inFlight > 0) {
                while (!over.get() && queue.free() >= 2) {
                    queue.begin();
                    queue.readable(Rig.BUFFERS, 64);
                    queue.writable(Rig.BUFFERS + 4096, 64);
                    queue.end();
                    inFlight++;
                }
                queue.submit();
                if (!queue.await(10_000)) {
                    throw new IllegalStateException(inFlight + " requests were not answered");
                }
                while (queue.take() != DriverQueue.NONE) {
                    inFlight--;
                }
            }
        } catch (IOException | RuntimeException | Error e) {
            failure.compareAndSet(null, e);
            over.set(true);
        }
    }

    private static long mappingsNow() {
        try {
            return OpenDescriptors.mappings();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
