// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Deadline;
import io.bunkai.base.TaskScope;
import io.bunkai.base.TaskScope.Subtask;
import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class QmpClientTest {
    private static final String STOP =
            "{\"timestamp\": {\"seconds\": 1, \"microseconds\": 0}, \"event\": \"STOP\"}";

    @TempDir Path directory;
    private FakeQemu qemu;
    private final Recorder recorder = new Recorder();

    /** Keeps what it hears. */
    private static final class Recorder implements QmpListener {
        final BlockingQueue<QmpEvent> events = new LinkedBlockingQueue<>();
        final CompletableFuture<IOException> closed = new CompletableFuture<>();

        @Override
        public void onEvent(QmpEvent event) {
            events.add(event);
        }

        @Override
        public void onClosed(IOException cause) {
            assertThat(closed.complete(cause)).isTrue();
        }
    }

    @BeforeEach
    void listen() throws IOException {
        qemu = new FakeQemu(directory);
    }

    @AfterEach
    void hangUp() throws IOException {
        qemu.close();
    }

    private static Deadline soon() {
        return Deadline.after(Duration.ofSeconds(30));
    }

    @Test
    void negotiatesAndKnowsTheVersion() throws Exception {
        try (QmpClient client = qemu.client(recorder)) {
            assertThat(client.version()).isEqualTo(new QmpVersion(7, 2, 22, ""));
            assertThat(client.version().isAtLeast(7, 2)).isTrue();
            assertThat(client.version().isAtLeast(8, 0)).isFalse();
            assertThat(client.isOpen()).isTrue();
        }
    }

    @Test
    void answersFindTheirCallersInAnyOrder() throws Exception {
        try (QmpClient client = qemu.client(recorder);
                var tasks = new TaskScope("calls")) {
            Subtask<RunState> status =
                    tasks.fork("status", () -> client.execute(new QueryStatus(), soon()));
            String first = qemu.hear();
            Subtask<QueryKvm.Kvm> kvm =
                    tasks.fork("kvm", () -> client.execute(new QueryKvm(), soon()));
            String second = qemu.hear();
            assertThat(first).isEqualTo("{\"execute\":\"query-status\",\"id\":2}");
            assertThat(second).isEqualTo("{\"execute\":\"query-kvm\",\"id\":3}");
            qemu.say("{\"return\": {\"present\": true, \"enabled\": true}, \"id\": 3}");
            qemu.say("{\"return\": {\"status\": \"running\"}, \"id\": 2}");
            tasks.join();
            assertThat(status.result()).isEqualTo(RunState.RUNNING);
            assertThat(kvm.result()).isEqualTo(new QueryKvm.Kvm(true, true));
        }
    }

    @Test
    void aFailureReachesTheCallerAndLeavesTheConnection() throws Exception {
        try (QmpClient client = qemu.client(recorder);
                var tasks = new TaskScope("calls")) {
            Subtask<Throwable> failure =
                    tasks.fork(
                            "delete",
                            () ->
                                    org.assertj.core.api.Assertions.catchThrowable(
                                            () -> client.execute(new DeviceDel("x"), soon())));
            qemu.hear();
            qemu.say(
                    "{\"id\": 2, \"error\": {\"class\": \"DeviceNotFound\", \"desc\": \"Device 'x'"
                            + " not found\"}}");
            tasks.join();
            assertThat(failure.result())
                    .isInstanceOfSatisfying(
                            QmpException.class,
                            e -> {
                                assertThat(e.command()).isEqualTo("device_del");
                                assertThat(e.errorClass()).isEqualTo(QmpException.DEVICE_NOT_FOUND);
                                assertThat(e.description()).isEqualTo("Device 'x' not found");
                            })
                    .hasMessage("device_del failed: Device 'x' not found");
            assertThat(client.isOpen()).isTrue();
        }
    }

    @Test
    void eventsBetweenAnswersReachTheListenerInOrder() throws Exception {
        try (QmpClient _ = qemu.client(recorder)) {
            qemu.say(STOP);
            qemu.say(STOP.replace("STOP", "RESUME"));
            assertThat(recorder.events.take())
                    .isEqualTo(new QmpEvent.Stopped(Instant.ofEpochSecond(1)));
            assertThat(recorder.events.take())
                    .isEqualTo(new QmpEvent.Resumed(Instant.ofEpochSecond(1)));
        }
    }

    @Test
    void aCallGivesUpAtItsDeadlineAndItsLateAnswerIsDropped() throws Exception {
        try (QmpClient client = qemu.client(recorder);
                var tasks = new TaskScope("calls")) {
            assertThatThrownBy(() ->
                            client.execute(
                                    new QueryStatus(), Deadline.after(Duration.ofMillis(20))))
                    .isInstanceOf(InterruptedIOException.class)
                    .hasMessageStartingWith("query-status was not answered in time by");
            qemu.hear();
            qemu.say("{\"return\": {\"status\": \"paused\"}, \"id\": 2}");
            Subtask<RunState> status =
                    tasks.fork("again", () -> client.execute(new QueryStatus(), soon()));
            qemu.hear();
            qemu.say("{\"return\": {\"status\": \"running\"}, \"id\": 3}");
            tasks.join();
            assertThat(status.result()).isEqualTo(RunState.RUNNING);
        }
    }

    @Test
    void aLostConnectionFailsTheCallsUnderWayAndTheLaterOnes() throws Exception {
        try (QmpClient client = qemu.client(recorder);
                var tasks = new TaskScope("calls")) {
            tasks.fork("status", () -> client.execute(new QueryStatus(), soon()));
            qemu.hear();
            qemu.hangUp();
            assertThatThrownBy(tasks::join)
                    .isInstanceOf(IOException.class)
                    .hasMessageEndingWith("is gone")
                    .hasCauseInstanceOf(EOFException.class);
            assertThat(recorder.closed.get()).isInstanceOf(EOFException.class);
            assertThat(client.isOpen()).isFalse();
            assertThatThrownBy(() -> client.execute(new Cont(), soon()))
                    .isInstanceOf(IOException.class)
                    .hasMessageEndingWith("is gone");
        }
    }

    @Test
    void closingHangsUpAndTellsTheListener() throws Exception {
        QmpClient client = qemu.client(recorder);
        client.close();
        client.close();
        assertThat(recorder.closed).isCompleted();
        assertThat(recorder.closed.get()).isInstanceOf(ClosedChannelException.class);
        assertThat(qemu.hearsTheEnd()).isTrue();
    }

    @Test
    void aLineThatIsTooLongEndsTheConnection() throws Exception {
        try (QmpClient _ = qemu.client(recorder)) {
            String flood = "x".repeat(64 * 1024);
            try {
                for (int sent = 0; sent <= QmpClient.LONGEST_LINE; sent += flood.length()) {
                    qemu.sayRaw(flood);
                }
            } catch (IOException e) {
                // the client hung up before all of it was sent
                assertThat(recorder.closed).succeedsWithin(Duration.ofSeconds(30));
            }
            assertThat(recorder.closed.get())
                    .isInstanceOf(QmpProtocolException.class)
                    .hasMessage("a line of more than 4194304 bytes");
        }
    }

    @Test
    void aMessageThatIsNoneEndsTheConnection() throws Exception {
        try (QmpClient _ = qemu.client(recorder)) {
            qemu.say("{\"neither\": 1}");
            assertThat(recorder.closed.get()).isInstanceOf(QmpProtocolException.class);
            assertThat(qemu.hearsTheEnd()).isTrue();
        }
    }

    @Test
    void aListenerThatFailsDoesNotEndTheConnection() throws Exception {
        var heard = new LinkedBlockingQueue<QmpEvent>();
        QmpListener failing =
                new QmpListener() {
                    @Override
                    public void onEvent(QmpEvent event) {
                        heard.add(event);
                        throw new IllegalArgumentException("on purpose");
                    }

                    @Override
                    public void onClosed(IOException cause) {
                        throw new IllegalArgumentException("on purpose");
                    }
                };
        try (QmpClient client = qemu.client(failing)) {
            qemu.say(STOP);
            qemu.say(STOP);
            heard.take();
            heard.take();
            assertThat(client.isOpen()).isTrue();
        }
    }

    @Test
    void aListenerCannotWaitForAnAnswerOnItsOwnThread() throws Exception {
        var client = new CompletableFuture<QmpClient>();
        var outcome = new CompletableFuture<Throwable>();
        QmpListener calling =
                new QmpListener() {
                    @Override
                    public void onEvent(QmpEvent event) {
                        try {
                            client.join().execute(new Cont(), soon());
                        } catch (IOException | RuntimeException e) {
                            outcome.complete(e);
                        }
                    }

                    @Override
                    public void onClosed(IOException cause) {}
                };
        try (QmpClient connected = qemu.client(calling)) {
            client.complete(connected);
            qemu.say(STOP);
            assertThat(outcome.get()).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void aPeerThatDoesNotGreetIsGivenUp() {
        assertThatThrownBy(() ->
                        QmpClient.connect(
                                qemu.socket(), recorder, Deadline.after(Duration.ofMillis(20))))
                .isInstanceOf(InterruptedIOException.class)
                .hasMessageStartingWith("greeting was not answered in time");
        assertThat(recorder.closed).isCompleted();
    }

    @Test
    void nobodyListeningIsAnIoException() {
        assertThatThrownBy(() -> QmpClient.connect(directory.resolve("no.sock"), recorder, soon()))
                .isInstanceOf(IOException.class);
    }
}
