// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.api.containerd.Envelope;
import io.bunkai.api.containerd.TaskPaused;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The publisher against a real server on a real socket. */
@Timeout(60)
class EventPublisherTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00.250Z");
    private static final Duration AMPLE = Duration.ofSeconds(30);
    private static final Duration MOMENT = Duration.ofMillis(1);

    /** Pauses are short, nothing else is: whatever should be awaited is. */
    private static final EventPublisher.Limits PATIENT =
            new EventPublisher.Limits(4, AMPLE, AMPLE, MOMENT, MOMENT);

    private static final EventPublisher.Limits IMPATIENT =
            new EventPublisher.Limits(4, AMPLE, Duration.ZERO, MOMENT, MOMENT);

    @TempDir Path directory;
    private final List<EventPublisher> publishers = new ArrayList<>();

    private Path socket() {
        return directory.resolve("containerd.sock.ttrpc");
    }

    private EventPublisher publisher(EventPublisher.Limits limits) {
        return publisher(socket().toString(), limits);
    }

    private EventPublisher publisher(String address, EventPublisher.Limits limits) {
        EventPublisher publisher =
                new EventPublisher(address, "k8s.io", limits, InstantSource.fixed(NOW));
        publishers.add(publisher);
        return publisher;
    }

    @AfterEach
    void close() {
        publishers.forEach(publisher -> publisher.close(Duration.ZERO));
    }

    private static TaskEvent event(int number) {
        return new TaskEvent.Paused("c" + number);
    }

    private static TaskEvent exit(int number) {
        return new TaskEvent.Exited("c" + number, "c" + number, number, 0, NOW);
    }

    private static List<String> topicsOf(FakeContainerd containerd, int count)
            throws InterruptedException {
        List<String> topics = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            topics.add(containerd.taken().getTopic());
        }
        return topics;
    }

    private static String containerOf(Envelope envelope) throws Exception {
        return TaskPaused.parseFrom(envelope.getEvent().getValue()).getContainerId();
    }

    @Test
    void anEventArrivesInItsEnvelope() throws Exception {
        try (FakeContainerd containerd = FakeContainerd.listenOn(socket())) {
            publisher(PATIENT).publish(new TaskEvent.Paused("a1b2"));
            Envelope envelope = containerd.taken();
            assertThat(envelope.getTimestamp().getSeconds()).isEqualTo(1767225600);
            assertThat(envelope.getTimestamp().getNanos()).isEqualTo(250_000_000);
            assertThat(envelope.getNamespace()).isEqualTo("k8s.io");
            assertThat(envelope.getTopic()).isEqualTo("/tasks/paused");
            assertThat(envelope.getEvent().getTypeUrl()).isEqualTo("containerd.events.TaskPaused");
            assertThat(containerOf(envelope)).isEqualTo("a1b2");
        }
    }

    @Test
    void eventsArriveInOrderOverOneConnection() throws Exception {
        EventPublisher publisher = publisher("unix://" + socket(), EventPublisher.Limits.DEFAULT);
        try (FakeContainerd containerd = FakeContainerd.listenOn(socket())) {
            IntStream.range(0, 100).forEach(number -> publisher.publish(event(number)));
            for (int number = 0; number < 100; number++) {
                assertThat(containerOf(containerd.taken())).isEqualTo("c" + number);
            }
            assertThat(containerd.connections()).isEqualTo(1);
        }
    }

    @Test
    void whatWasPublishedWhileContainerdWasAwayArrivesOnceItIsThere() throws Exception {
        EventPublisher publisher = publisher(PATIENT);
        publisher.publish(event(1));
        publisher.publish(event(2));
        try (FakeContainerd containerd = FakeContainerd.listenOn(socket())) {
            assertThat(containerOf(containerd.taken())).isEqualTo("c1");
            assertThat(containerOf(containerd.taken())).isEqualTo("c2");
        }
        publisher.publish(event(3));
        try (FakeContainerd containerd = FakeContainerd.listenOn(socket())) {
            String next = containerOf(containerd.taken());
            if (next.equals("c2")) { // told twice, if the answer was on its way at the hangup
                next = containerOf(containerd.taken());
            }
            assertThat(next).isEqualTo("c3");
        }
    }

    @Test
    void anEventWhoseConnectionBrokeIsSentAgain() throws Exception {
        EventPublisher publisher = publisher(PATIENT);
        try (FakeContainerd containerd = FakeContainerd.listenOn(socket())) {
            containerd.next((envelope, self) -> {
                self.hangUp();
                throw Fault.unavailable("nobody hears this");
            });
            publisher.publish(event(1));
            publisher.publish(event(2));
            assertThat(containerOf(containerd.taken())).isEqualTo("c1");
            assertThat(containerOf(containerd.taken())).isEqualTo("c2");
            assertThat(containerd.connections()).isEqualTo(2);
        }
    }

    @Test
    void aContainerdThatHangsIsLeftAndAskedAgain() throws Exception {
        CountDownLatch released = new CountDownLatch(1);
        EventPublisher publisher =
                publisher(
                        new EventPublisher.Limits(
                                4, Duration.ofMillis(200), AMPLE, MOMENT, MOMENT));
        try (FakeContainerd containerd = FakeContainerd.listenOn(socket())) {
            containerd.next((envelope, self) -> {
                released.await();
                throw Fault.unavailable("too late");
            });
            publisher.publish(event(1));
            assertThat(containerOf(containerd.taken())).isEqualTo("c1");
            assertThat(containerd.connections()).isGreaterThan(1);
            released.countDown();
        }
    }

    @Test
    void anEventThatContainerdRefusesIsDroppedAtOnce() throws Exception {
        EventPublisher publisher = publisher(PATIENT);
        try (FakeContainerd containerd = FakeContainerd.listenOn(socket())) {
            containerd.next((envelope, self) -> {
                throw Fault.invalidArgument("event envelope has invalid namespace");
            });
            publisher.publish(event(1));
            publisher.publish(event(2));
            assertThat(containerOf(containerd.taken())).isEqualTo("c2");
            assertThat(publisher.dropped()).isEqualTo(1);
        }
    }

    @Test
    void aPassingFailureIsNoRefusal() throws Exception {
        EventPublisher publisher = publisher(PATIENT);
        try (FakeContainerd containerd = FakeContainerd.listenOn(socket())) {
            containerd.next((envelope, self) -> {
                throw Fault.of(FaultCode.UNKNOWN, "not now");
            });
            publisher.publish(event(1));
            assertThat(containerOf(containerd.taken())).isEqualTo("c1");
            assertThat(publisher.dropped()).isZero();
        }
    }

    @Test
    void anEventThatIsTooOldIsGivenUpAfterOneTry() throws Exception {
        EventPublisher publisher = publisher(IMPATIENT);
        publisher.publish(event(1));
        publisher.publish(event(2));
        publisher.close(AMPLE);
        assertThat(publisher.dropped()).isEqualTo(2);

        EventPublisher lucky = publisher(IMPATIENT);
        try (FakeContainerd containerd = FakeContainerd.listenOn(socket())) {
            lucky.publish(event(3));
            assertThat(containerOf(containerd.taken())).isEqualTo("c3");
        }
    }

    @Test
    void aFullQueueKeepsTheExits() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch released = new CountDownLatch(1);
        EventPublisher publisher = publisher(PATIENT);
        try (FakeContainerd containerd = FakeContainerd.listenOn(socket())) {
            containerd.next((envelope, self) -> {
                arrived.countDown();
                released.await();
            });
            publisher.publish(event(0));
            arrived.await(); // that one is on its way and takes no room
            publisher.publish(exit(1));
            publisher.publish(event(2));
            publisher.publish(event(3));
            publisher.publish(exit(4));
            assertThat(publisher.dropped()).isZero();
            publisher.publish(new TaskEvent.OutOfMemory("c5")); // in place of event 2
            publisher.publish(new TaskEvent.Resumed("c6")); // in place of event 3
            assertThat(publisher.dropped()).isEqualTo(2);
            released.countDown();
            assertThat(topicsOf(containerd, 5))
                    .containsExactly(
                            "/tasks/paused",
                            "/tasks/exit",
                            "/tasks/exit",
                            "/tasks/oom",
                            "/tasks/resumed");
        }
    }

    @Test
    void withoutAnAddressNothingIsSentAndNothingWaits() {
        EventPublisher publisher = publisher("", PATIENT);
        publisher.publish(event(1));
        publisher.close(AMPLE);
        assertThat(publisher.dropped()).isZero();
    }

    @Test
    void anAddressOfAnotherKindIsRefused() {
        for (String address : List.of("vsock://2:1", "relative/path", "unix://", "/a\0b")) {
            assertThatThrownBy(() -> publisher(address, PATIENT))
                    .isInstanceOfSatisfying(
                            Fault.class,
                            fault ->
                                    assertThat(fault.code()).isEqualTo(FaultCode.INVALID_ARGUMENT));
        }
    }

    @Test
    void closingWaitsForWhatIsQueued() throws Exception {
        EventPublisher publisher = publisher(PATIENT);
        try (FakeContainerd containerd = FakeContainerd.listenOn(socket())) {
            for (int number = 0; number < 3; number++) {
                publisher.publish(event(number));
            }
            publisher.close(AMPLE);
            assertThat(containerd.notLookedAt()).isEqualTo(3);
            assertThat(publisher.dropped()).isZero();
        }
    }

    @Test
    void closingDropsWhatCannotBeSentInTime() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch released = new CountDownLatch(1);
        EventPublisher publisher = publisher(PATIENT);
        try (FakeContainerd containerd = FakeContainerd.listenOn(socket())) {
            containerd.next((envelope, self) -> {
                arrived.countDown();
                released.await();
                throw Fault.unavailable("too late");
            });
            publisher.publish(event(1));
            arrived.await();
            publisher.publish(event(2));
            publisher.close(MOMENT); // with a call on its way that nobody answers
            assertThat(publisher.dropped()).isEqualTo(2);
            publisher.publish(event(3));
            assertThat(publisher.dropped()).isEqualTo(3);
            released.countDown();
        }
    }

    @Test
    void closingEndsThePauseBetweenTwoTries() {
        EventPublisher publisher =
                publisher(new EventPublisher.Limits(4, AMPLE, AMPLE, AMPLE, AMPLE));
        publisher.publish(event(1));
        publisher.close(MOMENT);
        assertThat(publisher.dropped()).isEqualTo(1);
    }

    @Test
    void ownersOfOneNamespaceShareAPublisher() {
        EventPublishers publishers = new EventPublishers();
        EventPublisher one = publishers.of(new TaskOwner("/a", "moby", socket().toString()));
        assertThat(publishers.of(new TaskOwner("/b", "moby", socket().toString()))).isSameAs(one);
        assertThat(publishers.of(new TaskOwner("/a", "k8s.io", socket().toString())))
                .isNotSameAs(one);
        publishers.close(AMPLE);
        assertThatThrownBy(() -> publishers.of(new TaskOwner("/a", "moby", "")))
                .isInstanceOf(Fault.class);
    }
}
