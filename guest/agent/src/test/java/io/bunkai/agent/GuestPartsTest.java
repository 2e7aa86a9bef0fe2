// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Mounts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The small parts: options, files of the kernel, words of crun. */
class GuestPartsTest {
    private static final Duration THREE_SECONDS = Duration.ofSeconds(3);

    @TempDir Path base;

    @Test
    void splitsMountOptionsIntoFlagsAndData() {
        assertThat(MountOptions.parse(List.of("ro", "size=64m", "nosuid", "mode=0755", "defaults")))
                .isEqualTo(
                        new MountOptions(
                                Mounts.MS_RDONLY | Mounts.MS_NOSUID, "size=64m,mode=0755"));
        assertThat(MountOptions.parse(List.of("ro", "rw", "noexec", "exec")))
                .isEqualTo(new MountOptions(0, ""));
    }

    @Test
    void readsItsOptionsFromTheKernelsCommandLine() {
        assertThat(
                        AgentOptions.parse(
                                "quiet agent.log=debug root=x agent.hotplug_timeout=12\n",
                                THREE_SECONDS))
                .isEqualTo(new AgentOptions("debug", Duration.ofSeconds(12)));
        assertThat(AgentOptions.parse("", THREE_SECONDS))
                .isEqualTo(new AgentOptions("info", THREE_SECONDS));
        assertThat(AgentOptions.read(base.resolve("none"), THREE_SECONDS).logLevel())
                .isEqualTo("info");
    }

    @Test
    void findsThePortByItsName() throws IOException {
        for (String[] port : new String[][] {{"vport1p1", "console"}, {"vport2p3", "agent"}}) {
            Path directory = base.resolve("class/virtio-ports").resolve(port[0]);
            Files.createDirectories(directory);
            Files.writeString(directory.resolve("name"), port[1] + "\n");
        }
        Files.createDirectories(base.resolve("class/virtio-ports/vport0p0")); // has no name
        assertThat(VirtioPort.find("agent", base, Path.of("/dev"))).hasToString("/dev/vport2p3");
        assertThat(VirtioPort.find("other", base, Path.of("/dev"))).isNull();
    }

    @Test
    void knowsThePortThatItWasStartedWith() throws IOException {
        Path port = Path.of("/dev/vport0p1");
        Path descriptors = Files.createDirectories(base.resolve("self/fd"));
        assertThat(VirtioPort.isStandardInput(port, base)).isFalse();
        Path input = Files.createSymbolicLink(descriptors.resolve("0"), Path.of("/dev/null"));
        assertThat(VirtioPort.isStandardInput(port, base)).isFalse();
        Files.delete(input);
        Files.createSymbolicLink(input, port);
        assertThat(VirtioPort.isStandardInput(port, base)).isTrue();
    }

    @Test
    void takesPluggedProcessorsIntoUse() throws Exception {
        for (int cpu = 0; cpu < 4; cpu++) {
            Path directory = base.resolve("devices/system/cpu/cpu" + cpu);
            Files.createDirectories(directory);
            if (cpu > 0) { // the first cannot be taken out of use
                Files.writeString(directory.resolve("online"), "0\n");
            }
        }
        Files.createDirectories(base.resolve("devices/system/cpu/cpuidle"));
        GuestHardware hardware = new GuestHardware(base);
        hardware.online(2, true, true, Deadline.never());
        assertThat(base.resolve("devices/system/cpu/cpu2/online")).hasContent("1");
        assertThat(base.resolve("devices/system/cpu/cpu3/online")).hasContent("0");
        assertThatExceptionOfType(Fault.class)
                .isThrownBy(
                        () -> hardware.online(2, true, true, Deadline.after(Duration.ofMillis(1))))
                .satisfies(e -> assertThat(e.code()).isEqualTo(FaultCode.DEADLINE_EXCEEDED));
        assertThat(base.resolve("devices/system/cpu/cpu3/online")).hasContent("1");
    }

    @Test
    void takesPluggedMemoryIntoUse() throws Exception {
        Path block = Files.createDirectories(base.resolve("devices/system/memory/memory32"));
        Files.writeString(block.resolve("online"), "0\n");
        Files.writeString(base.resolve("devices/system/memory/block_size_bytes"), "8000000\n");
        GuestHardware hardware = new GuestHardware(base);
        hardware.online(0, true, false, Deadline.never());
        assertThat(block.resolve("online")).hasContent("0\n");
        hardware.online(0, false, false, Deadline.never());
        assertThat(block.resolve("online")).hasContent("1");
        assertThat(hardware.memoryBlockBytes()).isEqualTo(128 << 20);
        assertThat(hardware.canProbeMemory()).isFalse();
    }

    @Test
    void countsWhatGoesOverTheNetwork() throws IOException {
        Files.createDirectories(base.resolve("net"));
        Files.writeString(
                base.resolve("net/dev"),
                """
                Inter-|   Receive                                                |  Transmit
                 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets
                    lo:       1       1    0    0    0     0          0         0        1       1    0    0
                  eth0:    100      2    3    4    0     0          0         0      500       6    7    8    0     0       0          0
                """);
        assertThat(new NetworkFigures(base).read())
                .singleElement()
                .satisfies(eth0 -> {
                    assertThat(eth0.getName()).isEqualTo("eth0");
                    assertThat(eth0.getRxBytes()).isEqualTo(100);
                    assertThat(eth0.getRxDropped()).isEqualTo(4);
                    assertThat(eth0.getTxBytes()).isEqualTo(500);
                    assertThat(eth0.getTxPackets()).isEqualTo(6);
                    assertThat(eth0.getTxErrors()).isEqualTo(7);
                    assertThat(eth0.getTxDropped()).isEqualTo(8);
                });
    }

    @Test
    void readsCodesOutOfTheWordsOfCrun() {
        assertThat(Crun.codeOf("executable file `x` not found in $PATH: No such file or directory"))
                .isEqualTo(FaultCode.NOT_FOUND);
        assertThat(Crun.codeOf("open executable: Permission denied"))
                .isEqualTo(FaultCode.PERMISSION_DENIED);
        assertThat(Crun.codeOf("open executable: Operation not permitted"))
                .isEqualTo(FaultCode.PERMISSION_DENIED);
        assertThat(Crun.codeOf("container `c` already exists")).isEqualTo(FaultCode.ALREADY_EXISTS);
        assertThat(Crun.codeOf("something else")).isEqualTo(FaultCode.UNKNOWN);
    }

    @Test
    void logsOneLineWhateverComesIn() {
        assertThat(Log.printable("a\nb\u001b[2Jc")).isEqualTo("a b [2Jc");
        assertThat(Log.printable("x".repeat(5000))).hasSize(1024);
    }

    @Test
    void trainsWithoutBeingInAGuest() {
        assertThat(Training.run("test")).isTrue();
    }
}
