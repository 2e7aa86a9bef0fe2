// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtio;

import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Closer;
import io.bunkai.linux.Fd;
import io.bunkai.linux.SharedMemory;
import io.bunkai.linux.UnixSockets;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;

class InflightTest {
    private static final int SIZE = 8;

    private Thread server;

    @Test
    void whatWasTakenAndNotGivenBackIsFoundInItsOrder() throws Exception {
        try (Fd file = SharedMemory.createFile("inflight", InflightArea.bytes(2, SIZE))) {
            InflightArea.Part part = part(file, 1);
            assertThat(part.recover(0)).isEmpty();
            for (int head : new int[] {5, 2, 7, 1}) {
                part.taken(head);
            }
            part.giving(2);
            part.given(2);
            part.published(1);
            assertThat(part(file, 1).recover(1)).containsExactly(5, 7, 1);
            assertThat(part(file, 0).recover(0)).as("another queue's").isEmpty();
        }
    }

    @Test
    void whatIsTakenAfterARecoveryComesLast() throws Exception {
        try (Fd file = SharedMemory.createFile("inflight", InflightArea.bytes(1, SIZE))) {
            InflightArea.Part part = part(file, 0);
            part.recover(0);
            part.taken(5);
            InflightArea.Part successor = part(file, 0);
            assertThat(successor.recover(0)).containsExactly(5);
            successor.taken(1);
            assertThat(part(file, 0).recover(0)).containsExactly(5, 1);
        }
    }

    @Test
    void aBatchThatWasPublishedAndNotRecordedIsMadeGood() throws Exception {
        // Three of a batch, the process ending after each step but before the next.
        for (int steps = 0; steps <= 8; steps++) {
            try (Fd file = SharedMemory.createFile("inflight", InflightArea.bytes(1, SIZE))) {
                InflightArea.Part part = part(file, 0);
                part.recover(0xfffe);
                for (int head : new int[] {0, 1, 2, 3}) {
                    part.taken(head);
                }
                List<Runnable> order = new ArrayList<>();
                for (int head : new int[] {2, 0, 3}) {
                    order.add(() -> part.giving(head));
                }
                order.add(() -> {}); // here the used index is raised, by three
                for (int head : new int[] {2, 0, 3}) {
                    order.add(() -> part.given(head));
                }
                order.add(() -> part.published(1));
                order.subList(0, steps).forEach(Runnable::run);
                boolean isPublished = steps > 3;
                assertThat(part(file, 0).recover(isPublished ? 1 : 0xfffe))
                        .as("the end came after step " + steps)
                        .containsExactlyElementsOf(isPublished ? List.of(1) : List.of(0, 1, 2, 3));
            }
        }
    }

    private static InflightArea.Part part(Fd file, int queue) throws IOException {
        // The mapping stays until the process ends: this is a test of a few pages.
        int queues =
                (int) (io.bunkai.linux.FileStatus.of(file).size() / InflightArea.bytes(1, SIZE));
        return InflightArea.map(file, InflightArea.bytes(queues, SIZE), 0, queues, SIZE)
                .of(queue, SIZE);
    }

    @Test
    void aSuccessorServesWhatTheOneBeforeHasLeft() throws Exception {
        BlockingQueue<Chain> parked = new LinkedBlockingQueue<>();
        TestDevice device = new TestDevice(1);
        device.handler = parked::add;
        try (Closer all = new Closer()) {
            FrontEndMemory memory = all.own(FrontEndMemory.create(Rig.GUEST, Rig.BYTES));
            DriverQueue queue;
            BackEndReply.Inflight area;
            int[] sent = new int[6];
            try (VhostUserFrontEnd frontEnd = session(device)) {
                long features = frontEnd.negotiate(~0L, ~0L);
                frontEnd.share(List.of(memory));
                area =
                        (BackEndReply.Inflight)
                                frontEnd.ask(new FrontEndRequest.GetInflightFd(1, SIZE));
                all.own(area.file());
                connect(frontEnd, area);
                queue = all.own(new DriverQueue(memory, 0, SIZE, features));
                frontEnd.start(0, queue);
                for (int i = 0; i < sent.length; i++) {
                    queue.begin();
                    queue.readable(Rig.BUFFERS + i, 1);
                    sent[i] = queue.end();
                }
                queue.submit();
                List<Chain> chains = new ArrayList<>();
                for (int i = 0; i < sent.length; i++) {
                    chains.add(parked.take());
                }
                chains.get(3).complete(0); // out of order
                chains.get(0).complete(0);
                assertThat(take(queue)).isEqualTo(sent[3]);
                assertThat(take(queue)).isEqualTo(sent[0]);
                SharedMemory record =
                        all.own(SharedMemory.map(area.file(), area.offset(), area.bytes()));
                assertThat((int) record.memory().get(JAVA_SHORT, 12))
                        .as("head of the last batch")
                        .isEqualTo(sent[0]);
                assertThat((int) record.memory().get(JAVA_SHORT, 16 + 16L * sent[0] + 6))
                        .as("the one given back before")
                        .isEqualTo(sent[3]);
            } // and the others are never completed
            server.join(); // as a process would be dead that a successor is started for

            device.handler = new TestDevice.Echo();
            try (VhostUserFrontEnd frontEnd = session(device)) {
                frontEnd.negotiate(~0L, ~0L);
                frontEnd.share(List.of(memory));
                connect(frontEnd, area);
                frontEnd.start(0, queue, 0); // where the queue was, nobody could ask
                for (int i : new int[] {1, 2, 4, 5}) {
                    assertThat(take(queue)).isEqualTo(sent[i]);
                }
                queue.begin();
                queue.readable(Rig.BUFFERS, 1);
                int next = queue.end();
                queue.submit();
                assertThat(take(queue)).isEqualTo(next);
                assertThat(frontEnd.stop(0)).isEqualTo(sent.length + 1);
            }
        }
    }

    private static void connect(VhostUserFrontEnd frontEnd, BackEndReply.Inflight area)
            throws IOException {
        frontEnd.tell(
                new FrontEndRequest.SetInflightFd(
                        area.bytes(), area.offset(), area.queues(), area.size(), area.file()));
    }

    private static int take(DriverQueue queue) throws IOException {
        assertThat(queue.await(10_000)).as("something given back").isTrue();
        return queue.take();
    }

    private VhostUserFrontEnd session(TestDevice device) throws IOException {
        UnixSockets.Pair pair = UnixSockets.pair();
        VhostUserSession session =
                new VhostUserSession(pair.other(), device, Duration.ofMillis(1), false);
        server =
                Thread.ofPlatform()
                        .start(() -> {
                            try (session) {
                                session.serve();
                            } catch (IOException e) {
                                throw new AssertionError(e);
                            }
                        });
        return new VhostUserFrontEnd(pair.one());
    }
}
