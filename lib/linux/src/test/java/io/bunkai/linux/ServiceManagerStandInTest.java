// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Deadline;
import io.bunkai.testkit.TestRoot;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The stand-in and the client of a service manager, with a real process between them. */
class ServiceManagerStandInTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final int MOST = 3;

    private TestRoot root;
    private ServiceManagerStandIn manager;
    private Path socket;

    @BeforeEach
    void open() throws Exception {
        root = TestRoot.create();
        socket = root.resolve("echo");
        manager = ServiceManagerStandIn.open(root.resolve("notify"), MOST);
    }

    @AfterEach
    void close() throws Exception {
        manager.close();
        root.close();
    }

    private LinuxProcess start() throws Exception {
        LinuxProcess process =
                manager.start(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-XX:TieredStopAtLevel=1",
                                "-XX:+UseSerialGC",
                                "-cp",
                                System.getProperty("java.class.path"),
                                EchoService.class.getName(),
                                socket.toString()),
                        Map.of(),
                        Fd.standardError());
        manager.awaitReady(Deadline.after(LONG));
        return process;
    }

    private static String ask(Fd connection, String line) throws ErrnoException {
        UnixSockets.send(connection, line.getBytes(StandardCharsets.UTF_8), List.of());
        try (UnixSockets.Message answer = UnixSockets.receive(connection, 100)) {
            return new String(answer.data(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void aConnectionOutlivesTheProcessThatServedIt() throws Exception {
        int first = start().pid();
        try (Fd connection = UnixSockets.connect(socket)) {
            assertThat(ask(connection, "one")).isEqualTo(first + " one");
            manager.awaitKept(2, Deadline.after(LONG));
            manager.crash();
            UnixSockets.send(connection, "two".getBytes(StandardCharsets.UTF_8), List.of());

            int second = start().pid(); // reads what nobody was there for
            assertThat(manager.status()).isEqualTo("pid " + second + ", 2 names");
            try (UnixSockets.Message answer = UnixSockets.receive(connection, 100)) {
                assertThat(answer.data()).asString().isEqualTo(second + " two");
            }
            try (Fd other = UnixSockets.connect(socket)) {
                assertThat(ask(other, "three")).isEqualTo(second + " three");
            }
        }
        manager.awaitKept(1, Deadline.after(LONG)); // what has ended is dropped by its name
        assertThat(manager.kept()).containsExactly("listener");
        assertThat(manager.refused()).isEmpty();
    }

    @Test
    void aStopDropsWhatWasKept() throws Exception {
        start();
        try (Fd connection = UnixSockets.connect(socket)) {
            ask(connection, "one");
            manager.awaitKept(2, Deadline.after(LONG));
            manager.stop();
            assertThat(UnixSockets.receive(connection, 100).data()).as("the end").isEmpty();
        }
        assertThat(manager.kept()).isEmpty();
    }

    @Test
    void nobodyButTheMainProcessIsListenedTo() throws Exception {
        start();
        Map<String, String> environment =
                Map.of("NOTIFY_SOCKET", root.resolve("notify").toString());
        try (ServiceManager stranger = ServiceManager.find(environment).orElseThrow();
                Pipe pipe = Pipe.create()) {
            stranger.keep("strange", pipe.read());
            stranger.stopping();
            stranger.barrier(Deadline.after(LONG));
        }
        assertThat(manager.kept()).containsExactly("listener");
        assertThat(manager.isStopping()).isFalse();
        assertThat(manager.refused()).hasSize(2).allMatch(why -> why.contains("not the main"));
    }

    @Test
    void whatDoesNotFitIsNotKept() throws Exception {
        start();
        try (Fd one = UnixSockets.connect(socket);
                Fd two = UnixSockets.connect(socket);
                Fd three = UnixSockets.connect(socket)) {
            for (Fd connection : List.of(one, two, three)) {
                ask(connection, "x"); // answered after it was sent to be kept
            }
            barrier();
            assertThat(manager.kept()).hasSize(MOST);
            assertThat(manager.refused()).hasSize(1).allMatch(why -> why.contains("full"));
        }
    }

    private void barrier() throws Exception {
        Map<String, String> environment =
                Map.of("NOTIFY_SOCKET", root.resolve("notify").toString());
        try (ServiceManager any = ServiceManager.find(environment).orElseThrow()) {
            any.barrier(Deadline.after(LONG));
        }
    }
}
