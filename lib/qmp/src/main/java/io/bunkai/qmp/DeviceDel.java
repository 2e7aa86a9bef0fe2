// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.Map;
import java.util.SortedMap;

/**
 * Asks the guest to give a device back. The answer means that the request was passed on; the device
 * is gone when {@link QmpEvent.DeviceDeleted} names this very id.
 *
 * @param id the device's name
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP device_del
 */
public record DeviceDel(String id) implements QmpCommand<Done> {
    @Override
    public String name() {
        return "device_del";
    }

    @Override
    public SortedMap<String, Object> arguments() {
        return Arguments.of(Map.of("id", id));
    }

    @Override
    public Done result(QmpValue reply) {
        return Done.DONE;
    }
}
