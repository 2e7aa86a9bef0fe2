// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.oci.DefaultSpec;
import io.bunkai.oci.RuntimeSpec;
import io.bunkai.oci.RuntimeSpec.DeviceRule;
import io.bunkai.vmm.Disk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostDevicesTest {
    private static final DeviceRule DENY_ALL = new DeviceRule(false, null, null, null, "rwm");
    private static final DeviceRule ALLOW_ALL = new DeviceRule(true, null, null, null, "rwm");

    @TempDir Path temporary;
    private BlockNodes nodes;
    private Path disk;

    @BeforeEach
    void makeDevices() throws IOException {
        Path real = temporary.toRealPath();
        nodes = new BlockNodes(real.resolve("sys"), real.resolve("dev"));
        disk = FakeNode.makeBlockDevice(nodes, "sdx", 8, 200);
        FakeNode.makeBlockDevice(nodes, "sdy", 8, 201);
    }

    private static RuntimeSpec.Device node(String type, String path, long major, long minor) {
        return new RuntimeSpec.Device(path, type, major, minor, 0660, 0L, 6L);
    }

    private static DeviceRule rule(boolean allow, long major, Long minor, String access) {
        return new DeviceRule(allow, "b", major, minor, access);
    }

    private static RuntimeSpec spec(List<RuntimeSpec.Device> devices, List<DeviceRule> rules) {
        RuntimeSpec spec = DefaultSpec.of("/root", "/group", List.of("true"));
        return spec.withLinux(
                spec.linux()
                        .withDevices(devices)
                        .withResources(RuntimeSpec.Resources.of(rules, null, null, null)));
    }

    private HostDevices of(RuntimeSpec spec) {
        return HostDevices.of(spec, temporary, nodes);
    }

    private static MachineAssembly.DiskWish wish(int index, Path file, boolean readOnly) {
        return new MachineAssembly.DiskWish(
                "device" + index, file, 21 + index, readOnly, Disk.Kind.DEVICE);
    }

    @Test
    void aDeviceWithARuleOfItsOwnIsADisk() {
        RuntimeSpec.Device fuse = node("c", "/dev/fuse", 10, 229);
        RuntimeSpec.Device data = node("b", "/dev/xvda", 8, 200);
        List<DeviceRule> rules = List.of(DENY_ALL, rule(true, 8, 200L, "rwm"));
        HostDevices devices = of(spec(List.of(fuse, data), rules));

        assertThat(devices.wishes()).containsExactly(wish(0, disk, false));
        assertThat(devices.devices()).containsExactly(new Plan.Device("15", "/dev/xvda"));
        assertThat(devices.spec().linux().devices()).containsExactly(fuse, data);
        assertThat(devices.spec().linux().resources().devices()).isEqualTo(rules);
        assertThat(devices.warnings()).isEmpty();
    }

    @Test
    void withoutTheRightToWriteTheDiskIsReadOnly() {
        List<RuntimeSpec.Device> data = List.of(node("b", "/dev/xvda", 8, 200));
        assertThat(of(spec(data, List.of(rule(true, 8, 200L, "rm")))).wishes())
                .containsExactly(wish(0, disk, true));
        List<DeviceRule> taken = List.of(rule(true, 8, 200L, ""), rule(false, 8, null, "w"));
        assertThat(of(spec(data, taken)).wishes()).containsExactly(wish(0, disk, true));
    }

    @Test
    void aRuleForAllMinorsGetsOneThatTheAgentCanExchange() {
        HostDevices devices =
                of(
                        spec(
                                List.of(node("b", "/dev/xvda", 8, 200)),
                                List.of(DENY_ALL, rule(true, 8, null, "rw"))));
        assertThat(devices.wishes()).containsExactly(wish(0, disk, false));
        assertThat(devices.spec().linux().resources().devices())
                .containsExactly(DENY_ALL, rule(true, 8, null, "rw"), rule(true, 8, 200L, "rw"));
    }

    @Test
    void whatOnlyAPrivilegedContainerMayUseIsLeftOutAndSaid() {
        RuntimeSpec.Device fuse = node("c", "/dev/fuse", 10, 229);
        List<RuntimeSpec.Device> all = new ArrayList<>(List.of(fuse));
        for (int minor = 0; minor < 7; minor++) {
            all.add(node("b", "/dev/loop" + minor, 7, minor));
        }
        all.add(node("b", "/dev/sdy", 8, 201));
        all.add(node("b", "/dev/sdy", 8, 201)); // ctr run --privileged --device /dev/sdy
        HostDevices devices = of(spec(all, List.of(ALLOW_ALL, rule(true, 8, 201L, "rwm"))));

        assertThat(devices.wishes())
                .extracting(wish -> wish.file().getFileName().toString())
                .containsExactly("sdy");
        assertThat(devices.spec().linux().devices())
                .containsExactly(fuse, node("b", "/dev/sdy", 8, 201));
        assertThat(devices.warnings())
                .singleElement()
                .asString()
                .endsWith(
                        "left out: /dev/loop0, /dev/loop1, /dev/loop2, /dev/loop3, /dev/loop4"
                                + " and 2 more");
    }

    @Test
    void oneDiskCanHaveTwoNodes() {
        HostDevices devices =
                of(
                        spec(
                                List.of(
                                        node("b", "/dev/a", 8, 200),
                                        node("b", "/dev/c", 8, 201),
                                        node("b", "/dev/b", 8, 200)),
                                List.of(rule(true, 8, null, "rwm"))));
        assertThat(devices.wishes()).hasSize(2);
        assertThat(devices.devices())
                .containsExactly(
                        new Plan.Device("15", "/dev/a"),
                        new Plan.Device("16", "/dev/c"),
                        new Plan.Device("15", "/dev/b"));
    }

    @Test
    void aMountedNodeIsADeviceInItsPlace() throws IOException {
        Path link = Files.createSymbolicLink(temporary.resolve("by-id"), disk);
        RuntimeSpec.Mount data =
                RuntimeSpec.Mount.of("/data", "bind", link.toString(), List.of("rbind", "ro"));
        RuntimeSpec.Mount folder =
                RuntimeSpec.Mount.of("/f", "bind", temporary.toString(), List.of("rbind"));
        HostDevices devices =
                of(spec(List.of(), List.of(DENY_ALL)).withMounts(List.of(data, folder)));

        assertThat(devices.spec().mounts()).containsExactly(folder);
        assertThat(devices.wishes()).containsExactly(wish(0, disk, true));
        assertThat(devices.devices()).containsExactly(new Plan.Device("15", "/data"));
        assertThat(devices.spec().linux().devices())
                .containsExactly(new RuntimeSpec.Device("/data", "b", 8, 200, 0640, 0L, 0L));
        assertThat(devices.spec().linux().resources().devices())
                .containsExactly(DENY_ALL, rule(true, 8, 200L, "rm"));
    }

    @Test
    void aRequestsDeviceHasARuleAndItsNodesPermissions() {
        RuntimeSpec plain = DefaultSpec.of("/root", "/group", List.of("true"));
        RuntimeSpec spec =
                HostDevices.with(
                        plain, List.of(new ContainerRequest.Device(disk, "/dev/xvda", "r")), nodes);
        assertThat(spec.linux().devices())
                .containsExactly(new RuntimeSpec.Device("/dev/xvda", "b", 8, 200, 0640, 0L, 0L));
        assertThat(spec.linux().resources().devices()).endsWith(rule(true, 8, 200L, "r"));
        assertThat(of(spec).wishes()).containsExactly(wish(0, disk, true));
    }

    @Test
    void whatIsNoBlockDeviceIsRefused() throws IOException {
        Path file = Files.createFile(temporary.resolve("file"));
        for (Path source : List.of(file, temporary, Path.of("/dev/null"), Path.of("/no/such"))) {
            Fault fault =
                    catchThrowableOfType(
                            Fault.class,
                            () ->
                                    HostDevices.with(
                                            DefaultSpec.of("/", "/group", List.of("true")),
                                            List.of(
                                                    new ContainerRequest.Device(
                                                            source, "/dev/a", "rw")),
                                            nodes));
            assertThat(fault.code()).isEqualTo(FaultCode.INVALID_ARGUMENT);
            assertThat(fault).hasMessageContaining(source + " is no block device");
        }
        RuntimeSpec unknown =
                spec(List.of(node("b", "/dev/a", 8, 7)), List.of(rule(true, 8, null, "rw")));
        Fault missing = catchThrowableOfType(Fault.class, () -> of(unknown));
        assertThat(missing.code()).isEqualTo(FaultCode.NOT_FOUND);
        assertThat(missing).hasMessageContaining("8:7");
    }

    @Test
    void aNodeOfOtherNumbersIsNotTheDevice() throws IOException {
        Path entry = nodes.sys().resolve("dev/block/8:202");
        Files.createDirectories(entry);
        Files.writeString(entry.resolve("uevent"), "MAJOR=8\nMINOR=202\nDEVNAME=sdx\n");
        assertThat(catchThrowableOfType(Fault.class, () -> nodes.numbered(8, 202)).code())
                .isEqualTo(FaultCode.NOT_FOUND);
    }

    @Test
    void aMachineHasRoomForSoManyDevices() {
        List<RuntimeSpec.Device> all = new ArrayList<>();
        for (int minor = 0; minor < HostDevices.MOST; minor++) {
            FakeNode.makeBlockDevice(nodes, "loop" + minor, 7, minor);
            all.add(node("b", "/dev/loop" + minor, 7, minor));
        }
        List<DeviceRule> rules = List.of(rule(true, 7, null, "rw"), rule(true, 8, null, "rw"));
        List<MachineAssembly.DiskWish> wishes = of(spec(all, rules)).wishes();
        assertThat(wishes).hasSize(9);
        assertThat(wishes.getLast().slot()).isEqualTo(Disk.LAST_SLOT);
        all.add(node("b", "/dev/xvda", 8, 200));
        Fault fault = catchThrowableOfType(Fault.class, () -> of(spec(all, rules)));
        assertThat(fault.code()).isEqualTo(FaultCode.INVALID_ARGUMENT);
        assertThat(fault).hasMessageContaining("9 block devices").hasMessageContaining("sdx");
    }
}
