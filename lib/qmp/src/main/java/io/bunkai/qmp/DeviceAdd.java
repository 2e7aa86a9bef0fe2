// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.Map;
import java.util.SortedMap;

/**
 * Plugs a device into the machine; {@link DeviceDel} with the same {@code id} unplugs it.
 *
 * @param driver the kind of device
 * @param id a name that no other device has
 * @param properties the device's own; a PCI device's place is {@code bus} and {@code addr}
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP device_add
 */
public record DeviceAdd(String driver, String id, Map<String, ?> properties)
        implements QmpCommand<Done> {
    public DeviceAdd {
        properties = Map.copyOf(properties);
    }

    @Override
    public String name() {
        return "device_add";
    }

    @Override
    public SortedMap<String, Object> arguments() {
        return Arguments.of(Map.of("driver", driver, "id", id), properties);
    }

    @Override
    public Done result(QmpValue reply) {
        return Done.DONE;
    }
}
