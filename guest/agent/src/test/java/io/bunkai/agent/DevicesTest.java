// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.api.agent.Device;
import io.bunkai.api.agent.Linux;
import io.bunkai.api.agent.LinuxDevice;
import io.bunkai.api.agent.LinuxDeviceCgroup;
import io.bunkai.api.agent.LinuxResources;
import io.bunkai.api.agent.Spec;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DevicesTest {
    @TempDir Path base;
    private Devices devices;

    @BeforeEach
    void makePlaces() throws IOException {
        Log.redirect(OutputStream.nullOutputStream());
        GuestLayout layout = AgentFixture.layout(base, base.resolve("crun"), base);
        devices = new Devices(layout, new Storages(layout, new AgentFixture.NotedMounts()));
        disk("15", "vdb", "254:16");
        disk("16", "vdc", "254:32");
    }

    private void disk(String slot, String name, String numbers) throws IOException {
        String virtio = "sys/bus/pci/devices/0000:00:" + slot + ".0/virtio0/block/";
        Files.createDirectories(base.resolve(virtio + name));
        Path block = Files.createDirectories(base.resolve("sys/class/block").resolve(name));
        Files.writeString(block.resolve("dev"), numbers + "\n");
        Files.createFile(Files.createDirectories(base.resolve("dev")).resolve(name));
    }

    private static Device device(String type, String id, String path) {
        return Device.newBuilder().setType(type).setId(id).setContainerPath(path).build();
    }

    private static LinuxDevice node(String type, String path, long major, long minor) {
        return LinuxDevice.newBuilder()
                .setType(type)
                .setPath(path)
                .setMajor(major)
                .setMinor(minor)
                .setFileMode(0640)
                .build();
    }

    private static LinuxDeviceCgroup rule(String type, long major, long minor) {
        return LinuxDeviceCgroup.newBuilder()
                .setAllow(true)
                .setType(type)
                .setMajor(major)
                .setMinor(minor)
                .setAccess("rwm")
                .build();
    }

    private static Spec spec(List<LinuxDevice> nodes, List<LinuxDeviceCgroup> rules) {
        return Spec.newBuilder()
                .setHostname("box")
                .setLinux(
                        Linux.newBuilder()
                                .addAllDevices(nodes)
                                .setResources(LinuxResources.newBuilder().addAllDevices(rules)))
                .build();
    }

    @Test
    void theHostsNumbersAreExchangedForTheGuests() throws Exception {
        Spec spec =
                spec(
                        List.of(
                                node("c", "/dev/fuse", 10, 229),
                                node("b", "/dev/xvda", 7, 0),
                                node("b", "/dev/xvdb", 254, 16)),
                        List.of(
                                rule("a", -1, -1),
                                rule("b", 7, 0),
                                rule("c", 7, 0),
                                rule("b", 254, 16),
                                rule("b", 7, -1)));

        Spec fitted =
                devices.fit(
                        spec,
                        List.of(
                                device("blk", "15", "/dev/xvda"),
                                device("blk", "16", "/dev/xvdb")));

        assertThat(fitted)
                .isEqualTo(
                        spec(
                                List.of(
                                        node("c", "/dev/fuse", 10, 229),
                                        node("b", "/dev/xvda", 254, 16),
                                        node("b", "/dev/xvdb", 254, 32)),
                                List.of(
                                        rule("a", -1, -1),
                                        rule("b", 254, 16),
                                        rule("c", 7, 0),
                                        rule("b", 254, 32),
                                        rule("b", 7, -1))));
    }

    @Test
    void aDiskCanBeNamedByItsNodeToo() throws Exception {
        Device device =
                Device.newBuilder()
                        .setType("blk")
                        .setVmPath(base + "/dev/vdc")
                        .setContainerPath("/dev/xvda")
                        .build();
        Spec fitted =
                devices.fit(
                        spec(List.of(node("b", "/dev/xvda", 7, 0)), List.of()), List.of(device));

        assertThat(fitted.getLinux().getDevicesList())
                .containsExactly(node("b", "/dev/xvda", 254, 32));
    }

    @Test
    void withoutDevicesASpecificationStaysAsItIs() throws Exception {
        Spec spec = Spec.newBuilder().setHostname("box").build();
        assertThat(devices.fit(spec, List.of())).isSameAs(spec);
    }

    @Test
    void refusesWhatItHasNot() {
        Spec spec = spec(List.of(node("b", "/dev/xvda", 7, 0)), List.of());
        assertThat(refusal(spec, device("blk", "15", "/dev/other")))
                .isEqualTo(FaultCode.INVALID_ARGUMENT);
        assertThat(refusal(spec, device("vfio-pci", "15", "/dev/xvda")))
                .isEqualTo(FaultCode.UNIMPLEMENTED);
        assertThat(refusal(spec, device("blk", "17", "/dev/xvda")))
                .isEqualTo(FaultCode.DEADLINE_EXCEEDED);
        assertThat(refusal(spec, device("blk", "nowhere", "/dev/xvda")))
                .isEqualTo(FaultCode.INVALID_ARGUMENT);
    }

    private FaultCode refusal(Spec spec, Device device) {
        return catchThrowableOfType(Fault.class, () -> devices.fit(spec, List.of(device))).code();
    }
}
