// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.Signals;
import io.bunkai.linux.Spawn;
import io.bunkai.vmm.Accelerator;
import io.bunkai.vmm.VirtualMachine;
import io.bunkai.vmm.VirtualMachineSpec;
import io.bunkai.vmm.VmEvent;
import io.bunkai.vmm.VmExit;
import io.bunkai.vmm.VmStatus;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is said to QEMU, line by line, and what comes of what QEMU says. */
@Timeout(60)
class QemuDialogueTest {
    private static final String AT = "\"timestamp\": {\"seconds\": 1, \"microseconds\": 0}, ";

    @TempDir Path directory;
    private final QemuHypervisor hypervisor = new QemuHypervisor();
    private final Specs specs = new Specs();
    private final List<String> heard = new CopyOnWriteArrayList<>();
    private final Map<String, String> answers = new ConcurrentHashMap<>();
    private String greeting = greeting(7, 2);
    private ServerSocketChannel server;
    private volatile SocketChannel connection;
    private LinuxProcess process;

    private static String greeting(int major, int minor) {
        return "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 1, \"minor\": %d, \"major\": %d}, \"package\": \"x\"},"
                        .formatted(minor, major)
                + " \"capabilities\": []}}";
    }

    /** A process that lives, and a socket on which this test speaks for it. */
    @BeforeEach
    void playQemu() throws IOException {
        specs.directory = directory;
        answers.put("query-status", "{\"status\": \"prelaunch\"}");
        process = Spawn.of("/bin/sleep", "1000").start();
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(directory.resolve("qmp.sock")));
        Thread.ofVirtual().name("play qemu").start(this::play);
    }

    private void play() {
        try {
            connection = server.accept();
            say(greeting);
            var lines =
                    new BufferedReader(
                            new InputStreamReader(Channels.newInputStream(connection), UTF_8));
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                heard.add(line);
                String name = line.replaceFirst(".*\"execute\":\"([^\"]*)\".*", "$1");
                String id = line.replaceFirst(".*\"id\":([0-9]+).*", "$1");
                say("{\"return\": %s, \"id\": %s}".formatted(answers.getOrDefault(name, "{}"), id));
            }
        } catch (IOException e) {
            heard.add("the connection broke");
        }
    }

    private void say(String line) {
        try {
            ByteBuffer bytes = ByteBuffer.wrap((line + "\r\n").getBytes(UTF_8));
            while (bytes.hasRemaining()) {
                connection.write(bytes);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @AfterEach
    void end() throws Exception {
        server.close();
        process.signal(Signals.SIGKILL);
        process.await();
        process.close();
    }

    private static Deadline soon() {
        return Deadline.after(Duration.ofSeconds(30));
    }

    private VirtualMachine adopt() {
        VirtualMachineSpec spec = specs.build();
        return hypervisor.adopt(spec, process.identity(), soon());
    }

    @ParameterizedTest
    @EnumSource
    void theDialogueIsTheSameUnderEveryAccelerator(Accelerator accelerator) {
        specs.accelerator = accelerator;
        try (VirtualMachine machine = adopt()) {
            machine.resume(soon());
            answers.put("query-status", "{\"status\": \"running\"}");
            assertThat(machine.status(soon())).isEqualTo(VmStatus.RUNNING);
            machine.pause(soon());
            machine.powerOff(soon());
            assertThat(machine.description()).isEqualTo("QEMU 7.2.1 (x)");
        }
        assertThat(heard.subList(0, 6))
                .containsExactly(
                        "{\"execute\":\"qmp_capabilities\",\"id\":1}",
                        "{\"execute\":\"query-status\",\"id\":2}",
                        "{\"execute\":\"cont\",\"id\":3}",
                        "{\"execute\":\"query-status\",\"id\":4}",
                        "{\"execute\":\"stop\",\"id\":5}",
                        "{\"execute\":\"system_powerdown\",\"id\":6}");
    }

    @Test
    void aQemuThatIsTooOldIsRefused() {
        greeting = greeting(7, 1);
        Fault fault = catchThrowableOfType(Fault.class, this::adopt);
        assertThat(fault.code()).isEqualTo(FaultCode.FAILED_PRECONDITION);
        assertThat(fault)
                .hasMessage(
                        "/usr/bin/qemu-system-x86_64 is QEMU 7.1.1, and 7.2 is the oldest that is"
                                + " supported");
    }

    @Test
    void aMachineOnWhichTheAcceleratorGaveUpIsEnded() throws Exception {
        try (VirtualMachine machine = adopt()) {
            answers.put("query-status", "{\"status\": \"internal-error\"}");
            say("{" + AT + "\"event\": \"STOP\"}");
            // The process is this test's child, so its end is seen here as well.
            assertThat(process.await().signal()).isEqualTo(Signals.SIGKILL);
            connection.close();
            VmExit exit = machine.awaitExit(soon()).orElseThrow();
            assertThat(exit.reason()).isEqualTo(VmExit.Reason.ACCELERATOR_FAILED);
            assertThat(machine.events())
                    .anySatisfy(event -> assertThat(event).isInstanceOf(VmEvent.Failed.class));
        }
    }

    @Test
    void aMachineThatCannotBeReachedAnyMoreIsEnded() throws Exception {
        try (VirtualMachine machine = adopt()) {
            connection.close();
            assertThat(process.await().signal()).isEqualTo(Signals.SIGKILL);
            assertThat(machine.awaitExit(soon()).orElseThrow().reason())
                    .isEqualTo(VmExit.Reason.LOST);
        }
    }

    @Test
    void aMachineThatBreaksTheProtocolIsEnded() throws Exception {
        try (VirtualMachine machine = adopt()) {
            say("this is no JSON");
            assertThat(process.await().signal()).isEqualTo(Signals.SIGKILL);
            assertThat(machine.awaitExit(soon()).orElseThrow().reason())
                    .isEqualTo(VmExit.Reason.LOST);
        }
    }

    @Test
    void onlyTheAgentsPortIsTheAgents() throws Exception {
        try (VirtualMachine machine = adopt()) {
            say(
                    "{"
                            + AT
                            + "\"event\": \"VSERPORT_CHANGE\", \"data\": {\"id\": \"other\","
                            + " \"open\": true}}");
            say(
                    "{"
                            + AT
                            + "\"event\": \"VSERPORT_CHANGE\", \"data\": {\"id\": \"agent\","
                            + " \"open\": true}}");
            assertThat(machine.status(soon())).isEqualTo(VmStatus.PREPARED);
            assertThat(machine.events())
                    .singleElement()
                    .isInstanceOfSatisfying(
                            VmEvent.AgentPortChanged.class,
                            change -> assertThat(change.open()).isTrue());
        }
    }
}
