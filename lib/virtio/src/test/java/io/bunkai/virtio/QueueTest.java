// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.bunkai.base.Deadline;
import io.bunkai.testkit.Await;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class QueueTest {
    private static final Duration SOON = Duration.ofSeconds(10);

    private final TestDevice device = new TestDevice(2);

    /** Keeps what it is given until the test completes it. */
    private static final class Parking implements QueueHandler {
        final BlockingQueue<Chain> parked = new LinkedBlockingQueue<>();
        final CountDownLatch stopping = new CountDownLatch(1);

        @Override
        public void serve(Chain chain) {
            parked.add(chain);
        }

        @Override
        public void stopping() {
            stopping.countDown();
        }
    }

    private static int send(DriverQueue queue, int length) {
        queue.begin();
        queue.readable(Rig.BUFFERS, 8);
        queue.writable(Rig.BUFFERS + 4096, length);
        return queue.end();
    }

    private static int take(DriverQueue queue) throws IOException {
        assertThat(queue.await(10_000)).as("something given back").isTrue();
        return queue.take();
    }

    // --- completion ---------------------------------------------------------------------------

    @Test
    void parkedRequestsAreCompletedByOtherThreadsInAnyOrder() throws Exception {
        Parking handler = new Parking();
        device.handler = handler;
        try (Rig rig = Rig.connected(device)) {
            DriverQueue queue = rig.start(0, 16);
            int first = send(queue, 100);
            int second = send(queue, 200);
            int third = send(queue, 300);
            queue.submit();
            List<Chain> chains =
                    List.of(handler.parked.take(), handler.parked.take(), handler.parked.take());
            for (int index : new int[] {2, 0, 1}) {
                chains.get(index).complete(index + 1);
                assertThat(take(queue)).isEqualTo(List.of(first, second, third).get(index));
                assertThat(queue.written()).isEqualTo(index + 1);
            }
            assertThat(rig.frontEnd.stop(0)).isEqualTo(3);
        }
    }

    @Test
    void manyThreadsCompleteAtOnceAndNothingIsLostOrTwice() throws Exception {
        int workers = 4;
        BlockingQueue<Chain> work = new LinkedBlockingQueue<>();
        device.handler =
                chain -> {
                    if ((chain.head & 3) == 0) {
                        chain.complete(TestDevice.echo(chain)); // some at once, some later
                    } else {
                        work.add(chain);
                    }
                };
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < workers; i++) {
            threads.add(
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    while (true) {
                                        Chain chain = work.take();
                                        chain.complete(TestDevice.echo(chain));
                                    }
                                } catch (InterruptedException e) {
                                    // the test is over
                                }
                            }));
        }
        int requests = 20_000;
        try (Rig rig = Rig.connected(device)) {
            DriverQueue queue = rig.start(0, 128);
            Set<Integer> inFlight = new HashSet<>();
            int sent = 0;
            int done = 0;
            while (done < requests) {
                while (sent < requests && queue.free() >= 2) {
                    assertThat(inFlight.add(send(queue, 8))).isTrue();
                    sent++;
                }
                queue.submit();
                assertThat(queue.await(10_000)).isTrue();
                int chain = queue.take();
                while (chain != DriverQueue.NONE) {
                    assertThat(inFlight.remove(chain)).isTrue();
                    assertThat(queue.written()).isEqualTo(8);
                    done++;
                    chain = queue.take();
                }
            }
            assertThat(rig.frontEnd.stop(0)).isEqualTo(requests & 0xffff);
            QueueCounters counters = rig.session.counters(0);
            assertThat(counters.taken()).isEqualTo(requests);
            assertThat(counters.completed()).isEqualTo(requests);
        } finally {
            threads.forEach(Thread::interrupt);
        }
    }

    @Test
    void aChainIsCompletedOnceAndWithNoMoreThanThereWasRoomFor() throws Exception {
        Parking handler = new Parking();
        device.handler = handler;
        try (Rig rig = Rig.connected(device)) {
            DriverQueue queue = rig.start(0, 16);
            send(queue, 100);
            queue.submit();
            Chain chain = handler.parked.take();
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                    .isThrownBy(() -> chain.complete(101));
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                    .isThrownBy(() -> chain.complete(-1));
            chain.complete(100);
            assertThatIllegalStateException().isThrownBy(() -> chain.complete(0));
            take(queue);
        }
    }

    @Test
    void whatIsAttachedToAChainIsThereWhenItIsUsedAgain() throws Exception {
        AtomicInteger made = new AtomicInteger();
        device.handler =
                chain -> {
                    if (chain.attachment() == null) {
                        chain.attach(made.incrementAndGet());
                    }
                    chain.complete(0);
                };
        try (Rig rig = Rig.connected(device)) {
            DriverQueue queue = rig.start(0, 16);
            for (int i = 0; i < 100; i++) {
                send(queue, 8);
                queue.submit();
                take(queue);
            }
            assertThat(made).hasValue(1);
        }
    }

    // --- telling the guest --------------------------------------------------------------------

    @Test
    void aBatchIsToldWithOneCall() throws Exception {
        AtomicReference<CyclicBarrier> gate = new AtomicReference<>();
        device.handler =
                chain -> {
                    CyclicBarrier barrier = gate.getAndSet(null);
                    if (barrier != null) {
                        await(barrier); // until the test has made all of the batch available
                    }
                    chain.complete(8);
                };
        device.limits = QueueLimits.DEFAULT.withBatch(8);
        try (Rig rig = Rig.connected(device)) {
            DriverQueue queue = rig.start(0, 64);
            CyclicBarrier barrier = new CyclicBarrier(2);
            gate.set(barrier);
            send(queue, 8);
            queue.submit();
            for (int i = 1; i < 8; i++) {
                send(queue, 8);
            }
            queue.submit();
            long before = rig.session.counters(0).calls();
            await(barrier);
            assertThat(queue.await(10_000)).isTrue();
            int count = 0;
            while (queue.take() != DriverQueue.NONE) {
                count++;
            }
            assertThat(count).isEqualTo(8);
            assertThat(rig.session.counters(0).calls() - before).isEqualTo(1);
        }
    }

    private static void await(CyclicBarrier barrier) {
        try {
            barrier.await(10, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aHandlerThatTakesLongCanTellTheGuestBefore() throws Exception {
        Semaphore held = new Semaphore(0);
        device.handler =
                chain -> {
                    if (chain.writable().byteSize() == 100) {
                        chain.flush();
                        held.acquireUninterruptibly();
                    }
                    chain.complete(0);
                };
        try (Rig rig = Rig.connected(device)) {
            DriverQueue queue = rig.start(0, 64);
            int quick = send(queue, 8);
            send(queue, 100);
            queue.submit();
            assertThat(take(queue)).isEqualTo(quick);
            held.release();
            take(queue);
        }
    }

    @Test
    void theBacklogIsKnown() throws Exception {
        BlockingQueue<Integer> seen = new LinkedBlockingQueue<>();
        device.handler =
                chain -> {
                    seen.add(chain.backlog());
                    chain.complete(0);
                };
        try (Rig rig = Rig.connected(device)) {
            DriverQueue queue = rig.start(0, 64);
            for (int i = 0; i < 3; i++) {
                send(queue, 8);
            }
            queue.submit();
            assertThat(List.of(seen.take(), seen.take(), seen.take())).containsExactly(2, 1, 0);
        }
    }

    // --- limits -------------------------------------------------------------------------------

    @Test
    void noMoreIsTakenThanMayBeInFlight() throws Exception {
        Parking handler = new Parking();
        device.handler = handler;
        device.limits = QueueLimits.DEFAULT.withRangesInFlight(8); // four requests of two pieces
        try (Rig rig = Rig.connected(device)) {
            DriverQueue queue = rig.start(0, 64);
            for (int i = 0; i < 30; i++) {
                send(queue, 8);
            }
            queue.submit();
            for (int i = 0; i < 30; i++) {
                Chain chain = handler.parked.take();
                assertThat(rig.session.counters(0).taken()).isLessThanOrEqualTo(i + 4);
                chain.complete(0);
                take(queue);
            }
        }
    }

    @Test
    void anUnusuallyLongRequestLeavesNoLargeChainsBehind() throws Exception {
        try (Rig rig = Rig.connected(device)) {
            DriverQueue queue = rig.start(0, 1024);
            for (int i = 0; i < 10; i++) {
                queue.begin();
                for (int k = 0; k < 300; k++) {
                    queue.readable(Rig.BUFFERS + k, 1);
                }
                queue.writable(Rig.BUFFERS + 4096, 300);
                queue.end();
                queue.submit();
                take(queue);
                assertThat(queue.written()).isEqualTo(300);
                rig.echo(queue, "short");
            }
        }
    }

    // --- faults -------------------------------------------------------------------------------

    @Test
    void aBrokenQueueIsToldAndTheOtherGoesOn() throws Exception {
        try (Rig rig = Rig.connected(device)) {
            DriverQueue broken = rig.start(0, 8);
            DriverQueue other = rig.start(1, 8);
            rig.echo(broken, "before");
            broken.makeAvailable(8);
            broken.submit();
            broken.kick().signal();
            assertThat(device.faults.take()).hasMessageContaining("head 8");
            Await.until(
                    "the error to be signalled",
                    Deadline.after(SOON),
                    () -> {
                        try {
                            return broken.error().take() > 0;
                        } catch (IOException e) {
                            throw new AssertionError(e);
                        }
                    });
            rig.echo(other, "still here");
            assertThat(rig.frontEnd.stop(0)).as("what could not be taken was not").isEqualTo(1);
            DriverQueue anew = rig.queue(0, 8);
            rig.frontEnd.start(0, anew);
            rig.echo(anew, "again");
        }
    }

    @Test
    void whatIsParkedWhenAQueueBreaksIsStillGivenBack() throws Exception {
        Parking handler = new Parking();
        device.handler = handler;
        try (Rig rig = Rig.connected(device)) {
            DriverQueue queue = rig.start(0, 8);
            int chain = send(queue, 8);
            queue.submit();
            Chain parked = handler.parked.take();
            queue.makeAvailable(9);
            queue.submit();
            queue.kick().signal();
            device.faults.take();
            parked.complete(3);
            assertThat(take(queue)).isEqualTo(chain);
        }
    }

    @Test
    void aRequestThatTheHandlerCallsAFaultBreaksTheQueue() throws Exception {
        device.handler =
                chain -> {
                    throw new GuestFault("no request");
                };
        assertBreaks("no request");
    }

    @Test
    void aHandlerThatFailsBreaksItsQueue() throws Exception {
        device.handler =
                chain -> {
                    throw new IllegalStateException("a mistake of the device");
                };
        assertBreaks("a mistake of the device");
    }

    private void assertBreaks(String message) throws Exception {
        try (Rig rig = Rig.connected(device)) {
            DriverQueue queue = rig.start(0, 8);
            send(queue, 8);
            queue.submit();
            assertThat(device.faults.take()).hasMessageContaining(message);
            long begin = System.nanoTime();
            assertThat(rig.frontEnd.stop(0)).isEqualTo(1);
            assertThat(Duration.ofNanos(System.nanoTime() - begin))
                    .as("nobody waits for what nobody completes")
                    .isLessThan(Duration.ofSeconds(2));
        }
    }

    // --- stopping -----------------------------------------------------------------------------

    @Test
    void stoppingWaitsForWhatIsInFlight() throws Exception {
        Parking handler = new Parking();
        device.handler = handler;
        try (Rig rig = Rig.connected(device)) {
            DriverQueue queue = rig.start(0, 8);
            int chain = send(queue, 8);
            queue.submit();
            Chain parked = handler.parked.take();
            Thread completer =
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    handler.stopping.await(); // the device lets its parked ones go
                                    parked.complete(5);
                                } catch (InterruptedException e) {
                                    throw new AssertionError(e);
                                }
                            });
            assertThat(rig.frontEnd.stop(0)).isEqualTo(1);
            assertThat(queue.take()).as("given back before the stop").isEqualTo(chain);
            completer.join();
        }
    }

    @Test
    void stoppingDoesNotWaitForEver() throws Exception {
        Parking handler = new Parking();
        device.handler = handler;
        try (Rig rig = new Rig(device, Duration.ofMillis(100))) {
            rig.connect(~0L, ~0L);
            DriverQueue queue = rig.start(0, 8);
            send(queue, 8);
            queue.submit();
            Chain parked = handler.parked.take();
            assertThat(rig.frontEnd.stop(0)).isEqualTo(1);
            parked.complete(5); // too late: the ring is not ours any more
            assertThat(queue.take()).isEqualTo(DriverQueue.NONE);
            device.handler = new TestDevice.Echo();
            DriverQueue anew = rig.queue(0, 8);
            rig.frontEnd.start(0, anew);
            rig.echo(anew, "again");
        }
    }

    @Test
    void stoppingDoesNotWaitForEverForAHandlerThatDoesNotReturn() throws Exception {
        Semaphore held = new Semaphore(0);
        device.handler =
                chain -> {
                    held.acquireUninterruptibly();
                    chain.complete(0);
                };
        long mappings = OpenDescriptors.mappings();
        try (Rig rig = new Rig(device, Duration.ofMillis(100))) {
            rig.connect(~0L, ~0L);
            DriverQueue queue = rig.start(0, 8);
            send(queue, 8);
            queue.submit();
            Await.until(
                    "the request to be served",
                    Deadline.after(SOON),
                    () -> held.hasQueuedThreads());
            rig.frontEnd.stop(0);
            held.release();
        }
        Await.until(
                "the memory to be unmapped, when the handler has returned",
                Deadline.after(SOON),
                () -> mappingsNow() == mappings);
    }

    private static long mappingsNow() {
        try {
            return OpenDescriptors.mappings();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
