// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.api.agent.Device;
import io.bunkai.api.agent.Linux;
import io.bunkai.api.agent.LinuxDevice;
import io.bunkai.api.agent.LinuxDeviceCgroup;
import io.bunkai.api.agent.LinuxResources;
import io.bunkai.api.agent.Spec;
import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Disks of the machine that a container gets as block devices. Its specification was written for
 * the host and has the host's numbers; here they are exchanged for those that the disks have in
 * this guest, in the list of devices and in the rules of the control group.
 */
final class Devices {
    /** The types there are, as GetGuestDetails tells them. */
    static final List<String> HANDLERS = List.of("blk");

    private static final String BLOCK = "b";

    private final GuestLayout layout;
    private final Storages storages;

    Devices(GuestLayout layout, Storages storages) {
        this.layout = layout;
        this.storages = storages;
    }

    private record Numbers(long major, long minor) {}

    /**
     * {@return the specification with this guest's numbers}
     *
     * @throws Fault INVALID_ARGUMENT if the specification has no such device, UNIMPLEMENTED if
     *     there are none of a type, DEADLINE_EXCEEDED if a disk does not appear in time
     */
    Spec fit(Spec spec, List<Device> devices) throws IOException, InterruptedException {
        if (devices.isEmpty()) {
            return spec;
        }
        Linux.Builder linux = spec.getLinux().toBuilder();
        Map<Numbers, Numbers> exchanged = new HashMap<>();
        for (Device device : devices) {
            Numbers here = numbers(device);
            exchanged.put(exchange(linux, device.getContainerPath(), here), here);
        }
        linux.setResources(fit(linux.getResources(), exchanged));
        return spec.toBuilder().setLinux(linux).build();
    }

    private Numbers numbers(Device device) throws IOException, InterruptedException {
        if (!HANDLERS.contains(device.getType())) {
            throw Fault.unimplemented(
                    "this agent has no devices of type '%s'", Log.printable(device.getType()));
        }
        String source = device.getId().isEmpty() ? device.getVmPath() : device.getId();
        Path node = Path.of(storages.awaitBlockDevice(source));
        Path file = layout.sys().resolve("class/block").resolve(node.getFileName()).resolve("dev");
        String[] numbers = Files.readString(file).strip().split(":", 2);
        Log.info(
                "device source="
                        + source
                        + " node="
                        + node
                        + " container_path="
                        + device.getContainerPath());
        return new Numbers(Long.parseLong(numbers[0]), Long.parseLong(numbers[1]));
    }

    /** {@return the numbers that it had} */
    private static Numbers exchange(Linux.Builder linux, String path, Numbers here) {
        for (int i = 0; i < linux.getDevicesCount(); i++) {
            LinuxDevice device = linux.getDevices(i);
            if (device.getType().equals(BLOCK) && device.getPath().equals(path)) {
                linux.setDevices(
                        i, device.toBuilder().setMajor(here.major()).setMinor(here.minor()));
                return new Numbers(device.getMajor(), device.getMinor());
            }
        }
        throw Fault.invalidArgument(
                "the specification has no block device '%s'", Log.printable(path));
    }

    private static LinuxResources fit(LinuxResources resources, Map<Numbers, Numbers> exchanged) {
        LinuxResources.Builder fitted = resources.toBuilder();
        for (int i = 0; i < fitted.getDevicesCount(); i++) {
            LinuxDeviceCgroup rule = fitted.getDevices(i);
            Numbers here = exchanged.get(new Numbers(rule.getMajor(), rule.getMinor()));
            if (here != null && rule.getType().equals(BLOCK)) {
                fitted.setDevices(
                        i, rule.toBuilder().setMajor(here.major()).setMinor(here.minor()));
            }
        }
        return fitted.build();
    }
}
