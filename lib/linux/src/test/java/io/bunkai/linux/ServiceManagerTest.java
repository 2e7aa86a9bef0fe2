// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ServiceManagerTest {
    private static final String OWN_PID = Long.toString(ProcessHandle.current().pid());
    private static final Duration LONG = Duration.ofSeconds(30);

    @TempDir Path directory;

    private String path() {
        return directory.resolve("notify").toString();
    }

    private static ServiceManager at(String address) throws ErrnoException {
        return ServiceManager.find(Map.of("NOTIFY_SOCKET", address)).orElseThrow();
    }

    @Test
    void tellsWhatTheServiceDoesInTheManagersWords() throws Exception {
        try (NotificationSocket socket = NotificationSocket.bind(path());
                ServiceManager manager = at(path())) {
            manager.ready();
            manager.reloading();
            manager.stopping();
            manager.watchdog();
            manager.mainPid(4711);
            manager.status("2 pods,\nsince é");
            for (String golden :
                    List.of(
                            "READY=1",
                            "RELOADING=1",
                            "STOPPING=1",
                            "WATCHDOG=1",
                            "MAINPID=4711",
                            "STATUS=2 pods, since é")) {
                NotificationSocket.Datagram datagram = socket.receive();
                assertThat(datagram.text()).isEqualTo(golden);
                assertThat(datagram.descriptors()).isEmpty();
                assertThat(datagram.sender()).hasToString(OWN_PID);
            }
        }
    }

    @Test
    void hasADescriptorKeptUnderItsNameAndDroppedAgain() throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "content");
        try (NotificationSocket socket = NotificationSocket.bind(path());
                ServiceManager manager = at(path());
                Fd fd = Fd.open(file, Fd.O_RDONLY)) {
            manager.keep("c 1", fd);
            NotificationSocket.Datagram kept = socket.receive();
            assertThat(kept.text()).isEqualTo("FDSTORE=1\nFDNAME=c 1\nFDPOLL=0");
            assertThat(kept.descriptors()).hasSize(1);
            try (Fd copy = kept.descriptors().getFirst()) {
                assertThat(copy.input().readAllBytes()).asString().isEqualTo("content");
            }
            assertThat(fd.isOpen()).isTrue();

            manager.drop("c 1");
            assertThat(socket.receive().text()).isEqualTo("FDSTOREREMOVE=1\nFDNAME=c 1");
        }
    }

    @Test
    void speaksToASocketWithoutAFile() throws Exception {
        String address = "@bunkai-test-" + OWN_PID;
        try (NotificationSocket socket = NotificationSocket.bind(address);
                ServiceManager manager = at(address)) {
            manager.ready();
            assertThat(socket.receive().text()).isEqualTo("READY=1");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a:b", "a\nb", "a\u007f", "é"})
    void refusesANameThatTheManagerWouldNotTake(String name) throws Exception {
        try (ServiceManager manager = at(path())) {
            assertThatThrownBy(() -> manager.drop(name))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void takesANameOf255BytesAndNoLongerOne() throws Exception {
        try (NotificationSocket socket = NotificationSocket.bind(path());
                ServiceManager manager = at(path())) {
            manager.drop("x".repeat(255));
            assertThat(socket.receive().text()).hasSize("FDSTOREREMOVE=1\nFDNAME=".length() + 255);
            assertThatThrownBy(() -> manager.drop("x".repeat(256)))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void aBarrierWaitsUntilTheManagerHasClosedItsDescriptor() throws Exception {
        try (NotificationSocket socket = NotificationSocket.bind(path());
                ServiceManager manager = at(path())) {
            Deadline now = Deadline.after(Duration.ZERO);
            assertThatThrownBy(() -> manager.barrier(now)).hasMessageContaining("ETIMEDOUT");
            NotificationSocket.Datagram barrier = socket.receive();
            assertThat(barrier.text()).isEqualTo("BARRIER=1");
            barrier.descriptors().forEach(Fd::close);

            Thread other = Thread.ofPlatform().start(() -> letThrough(socket));
            manager.barrier(Deadline.after(LONG));
            other.join();
        }
    }

    private static void letThrough(NotificationSocket socket) {
        try {
            socket.receive().descriptors().forEach(Fd::close);
        } catch (ErrnoException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void saysSoWhenTheManagerIsGone() throws Exception {
        try (ServiceManager manager = at(path())) {
            assertThatThrownBy(manager::ready).hasMessageContaining("ENOENT");
        }
    }

    @Test
    void aProcessThatIsNoServiceHasNoManager() throws Exception {
        assertThat(ServiceManager.find(Map.of())).isEmpty();
        assertThat(ServiceManager.find(Map.of("NOTIFY_SOCKET", ""))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"relative", "@", "/", "vsock:2:1234"})
    void refusesAnAddressThatIsNone(String address) {
        assertThatThrownBy(() -> at(address)).isInstanceOf(Fault.class);
    }

    @Test
    void anAddressIsAsLongAsTheKernelTakesIt() throws Exception {
        at("/" + "x".repeat(106)).close();
        assertThatThrownBy(() -> at("/" + "x".repeat(107))).hasMessageContaining("no address");
        at("@" + "x".repeat(107)).close();
        assertThatThrownBy(() -> at("@" + "x".repeat(108))).hasMessageContaining("no address");
    }

    @Test
    void knowsWithinWhichTimeTheManagerWantsToHearOfIt() throws Exception {
        assertThat(watchdog(Map.of())).isEmpty();
        assertThat(watchdog(Map.of("WATCHDOG_USEC", "0"))).isEmpty();
        assertThat(watchdog(Map.of("WATCHDOG_USEC", "30000000"))).contains("PT30S");
        assertThat(watchdog(Map.of("WATCHDOG_USEC", "1", "WATCHDOG_PID", OWN_PID)))
                .contains("PT0.000001S");
        assertThat(watchdog(Map.of("WATCHDOG_USEC", "1", "WATCHDOG_PID", "1"))).isEmpty();
        assertThatThrownBy(() -> watchdog(Map.of("WATCHDOG_USEC", "soon")))
                .isInstanceOf(Fault.class);
    }

    private Optional<String> watchdog(Map<String, String> variables) throws ErrnoException {
        Map<String, String> environment = new HashMap<>(variables);
        environment.put("NOTIFY_SOCKET", path());
        try (ServiceManager manager = ServiceManager.find(environment).orElseThrow()) {
            return manager.watchdogPeriod().map(Duration::toString);
        }
    }

    @Test
    void childrenAreNotToldWhatTheManagerToldTheService() {
        Map<String, String> environment = new HashMap<>(Map.of("PATH", "/bin"));
        for (String name :
                List.of(
                        "NOTIFY_SOCKET",
                        "WATCHDOG_USEC",
                        "WATCHDOG_PID",
                        "LISTEN_PID",
                        "LISTEN_FDS",
                        "LISTEN_FDNAMES")) {
            environment.put(name, "1");
        }
        assertThat(ServiceManager.withoutItsVariables(environment))
                .isEqualTo(Map.of("PATH", "/bin"));
    }
}
