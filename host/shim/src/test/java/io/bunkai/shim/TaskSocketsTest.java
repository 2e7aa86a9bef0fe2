// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.api.HealthMethods;
import io.bunkai.api.agent.CheckRequest;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.KeptFds;
import io.bunkai.testkit.Await;
import io.bunkai.testkit.SmallDisk;
import io.bunkai.testkit.TestRoot;
import io.bunkai.ttrpc.TtrpcClient;
import io.bunkai.ttrpc.TtrpcServer;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TaskSocketsTest {
    private static final String SCHEME = "unix://";
    private static final TaskOwner OWNER = new TaskOwner("/run/c.sock", "k8s.io", "/run/c.ttrpc");

    private final TestRoot root = TestRoot.create();
    private final Path directory = root.resolve("tasks");
    private final List<TaskOwner> served = Collections.synchronizedList(new ArrayList<>());

    @AfterEach
    void delete() {
        root.close();
    }

    private static Deadline soon() {
        return Deadline.after(Duration.ofSeconds(60));
    }

    /** What one daemon has: the sockets, and the connections to them. */
    private record Daemon(TaskSockets sockets, TaskConnections connections, KeptFds kept)
            implements AutoCloseable {
        String socketFor(TaskOwner owner) {
            return sockets.socketFor(owner);
        }

        @Override
        public void close() {
            sockets.close();
            connections.close();
            kept.close();
        }
    }

    private Daemon open() throws IOException {
        return open(KeptFds.inThisProcess());
    }

    private Daemon open(KeptFds kept) throws IOException {
        TaskConnections connections =
                new TaskConnections(root.resolve("calls"), kept, Duration.ofSeconds(20));
        TaskSockets sockets = TaskSockets.open(directory, connections, kept, this::service);
        sockets.listen();
        return new Daemon(sockets, connections, kept);
    }

    private TtrpcServer service(TaskOwner owner) {
        served.add(owner);
        return TtrpcServer.builder().build();
    }

    private static Path path(String address) {
        assertThat(address).startsWith(SCHEME);
        return Path.of(address.substring(SCHEME.length()));
    }

    private static SocketChannel connect(String address) throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(path(address)));
    }

    /** Calls something; that it is refused by name shows that a server answers. */
    private static void assertAnswers(String address) throws Exception {
        try (SocketChannel channel = connect(address);
                TtrpcClient client =
                        TtrpcClient.over(
                                Channels.newInputStream(channel),
                                Channels.newOutputStream(channel),
                                "the sockets",
                                channel)) {
            assertThat(failure(client)).contains("is not implemented");
        }
    }

    private static String failure(TtrpcClient client) throws IOException, InterruptedException {
        try {
            client.call(HealthMethods.CHECK, CheckRequest.getDefaultInstance(), soon());
            return "";
        } catch (Fault e) {
            return String.valueOf(e.getMessage());
        }
    }

    @Test
    void anOwnerHasOneSocketThatIsServed() throws Exception {
        try (Daemon sockets = open()) {
            String address = sockets.socketFor(OWNER);
            assertThat(sockets.socketFor(OWNER)).isEqualTo(address);
            assertAnswers(address);
            assertAnswers(address);
            assertThat(served).containsExactly(OWNER);
        }
    }

    @Test
    void ownersThatDifferInAnythingButTheirEventsHaveSocketsOfTheirOwn() throws Exception {
        try (Daemon sockets = open()) {
            assertThat(
                            List.of(
                                    sockets.socketFor(OWNER),
                                    sockets.socketFor(new TaskOwner("/run/c.sock", "moby", "")),
                                    sockets.socketFor(new TaskOwner("", "k8s.io", "")),
                                    sockets.socketFor(new TaskOwner("/run/c.sockk8s", ".io", ""))))
                    .doesNotHaveDuplicates();
        }
    }

    @Test
    void thePathOfASocketFitsBeneathTheLongestStateRoot() throws Exception {
        try (Daemon sockets = open()) {
            Path path = path(sockets.socketFor(OWNER));
            String beneath = "/run/tasks/" + path.getFileName();
            assertThat(59 + beneath.length()).isLessThanOrEqualTo(104);
        }
    }

    @Test
    void theNextDaemonListensAtTheSameAddress() throws Exception {
        String address;
        try (Daemon sockets = open()) {
            address = sockets.socketFor(OWNER);
        }
        try (Daemon sockets = open()) {
            assertAnswers(address);
            assertThat(served).containsExactly(OWNER);
            assertThat(sockets.socketFor(OWNER)).isEqualTo(address);
        }
    }

    @Test
    void aKilledDaemonsSocketIsReplaced() throws Exception {
        try (Daemon killed = open()) {
            String address = killed.socketFor(OWNER);
            try (Daemon _ = open()) {
                assertAnswers(address);
            }
        }
    }

    @Test
    void theLatestAddressForEventsHoldsAndIsRemembered() throws Exception {
        TaskOwner later = new TaskOwner("/run/c.sock", "k8s.io", "/run/new.ttrpc");
        String address;
        try (Daemon sockets = open()) {
            address = sockets.socketFor(OWNER);
            assertAnswers(address);
            assertThat(sockets.socketFor(later)).isEqualTo(address);
            assertAnswers(address);
            assertThat(served).containsExactly(OWNER, later);
        }
        served.clear();
        try (Daemon _ = open()) {
            assertAnswers(address);
            assertThat(served).containsExactly(later);
        }
    }

    @Test
    void aSocketWhoseFileIsGoneIsMadeAgain() throws Exception {
        try (Daemon sockets = open()) {
            String address = sockets.socketFor(OWNER);
            Files.delete(path(address));
            assertThat(sockets.socketFor(OWNER)).isEqualTo(address);
            assertAnswers(address);
        }
    }

    @Test
    void forgetsTheOwnerThatWasUsedLongestAgoButNoneThatIsConnected() throws Exception {
        Consumer<Daemon> crowd =
                sockets -> {
                    for (int i = 0; i < TaskSockets.MOST_OWNERS; i++) {
                        sockets.socketFor(new TaskOwner("/run/c.sock", "n" + i, ""));
                    }
                };
        try (Daemon sockets = open()) {
            String connected = sockets.socketFor(OWNER);
            String unused = sockets.socketFor(new TaskOwner("/run/c.sock", "unused", ""));
            try (SocketChannel channel = connect(connected)) {
                Await.until("a connection", soon(), () -> served.contains(OWNER));
                crowd.accept(sockets);
                assertThat(path(unused)).doesNotExist();
                assertThat(path(connected)).exists();
                assertThat(channel.isConnected()).isTrue();
            }
        }
        try (var files = Files.list(directory)) {
            assertThat(files.filter(file -> file.toString().endsWith(".owner")))
                    .hasSize(TaskSockets.MOST_OWNERS);
        }
    }

    @Test
    void ownersThatWereUsedLongAgoAreForgottenAtTheStartToo() throws Exception {
        String old;
        try (Daemon sockets = open()) {
            old = sockets.socketFor(OWNER);
            for (int i = 1; i < TaskSockets.MOST_OWNERS; i++) {
                sockets.socketFor(new TaskOwner("/run/c.sock", "n" + i, ""));
            }
        }
        String file = path(old).toString().replace(".sock", ".owner");
        Files.setLastModifiedTime(Path.of(file), FileTime.from(Instant.EPOCH));
        try (Daemon sockets = open()) {
            assertThat(path(old)).exists();
            sockets.socketFor(new TaskOwner("/run/c.sock", "one more", ""));
            assertThat(path(old)).doesNotExist();
            assertThat(Path.of(file)).doesNotExist();
        }
    }

    @Test
    void aFileThatIsNoOwnersIsRemoved() throws Exception {
        Files.createDirectories(directory);
        Files.writeString(directory.resolve("0123456789abcdef.owner"), "bunkai owner 1\nadd");
        Files.writeString(
                directory.resolve("0000000000000000.owner"), // of another name
                "bunkai owner 1\naddress \nnamespace n\nevents \nend\n");
        try (Daemon _ = open()) {
            assertThat(directory).isEmptyDirectory();
        }
    }

    @Test
    void connectionsEndWithTheSockets() throws Exception {
        Daemon sockets = open();
        try (SocketChannel channel = connect(sockets.socketFor(OWNER))) {
            Await.until("a connection", soon(), () -> served.contains(OWNER));
            sockets.close();
            sockets.close();
            assertThat(channel.read(ByteBuffer.allocate(1))).isEqualTo(-1);
        }
    }

    @Test
    void keepsNamesThatAreNotAscii() throws Exception {
        TaskOwner owner = new TaskOwner("/run/\u00e4 'x' \"y\"", "n", "");
        try (Daemon sockets = open()) {
            sockets.socketFor(owner);
        }
        try (Daemon sockets = open()) {
            assertAnswers(sockets.socketFor(owner));
            assertThat(served).containsExactly(owner);
        }
        assertThat("\u00e4".getBytes(StandardCharsets.UTF_8)).hasSize(2);
    }

    @Test
    void aFullDiskIsNamedAndLeavesNothing() throws Exception {
        TaskOwner other = new TaskOwner(OWNER.address(), OWNER.namespace(), "/run/other.ttrpc");
        try (SmallDisk disk = SmallDisk.on(directory, 64);
                Daemon sockets = open()) {
            disk.fill();
            assertNoRoom(sockets, OWNER);
            disk.drain();
            assertThat(directory).isEmptyDirectory();
            assertAnswers(sockets.socketFor(OWNER));

            disk.fill();
            assertNoRoom(sockets, other);
            disk.drain();
            assertAnswers(sockets.socketFor(other));
            try (var files = Files.list(directory)) {
                assertThat(files.filter(file -> file.toString().endsWith(".owner")).toList())
                        .singleElement()
                        .satisfies(file -> assertThat(file).content().contains("/run/other.ttrpc"));
            }
        }
    }

    private static void assertNoRoom(Daemon sockets, TaskOwner owner) {
        assertThatThrownBy(() -> sockets.socketFor(owner))
                .isInstanceOfSatisfying(
                        Fault.class,
                        fault -> {
                            assertThat(fault.code()).isEqualTo(FaultCode.RESOURCE_EXHAUSTED);
                            assertThat(fault.hint().orElse("")).startsWith("make room in ");
                        });
    }
}
