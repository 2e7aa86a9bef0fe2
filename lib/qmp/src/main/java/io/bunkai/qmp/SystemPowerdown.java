// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.SortedMap;

/**
 * Presses the machine's power button. Whether and when the guest follows is up to the guest.
 *
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP system_powerdown
 */
public record SystemPowerdown() implements QmpCommand<Done> {
    @Override
    public String name() {
        return "system_powerdown";
    }

    @Override
    public SortedMap<String, Object> arguments() {
        return Arguments.none();
    }

    @Override
    public Done result(QmpValue reply) {
        return Done.DONE;
    }
}
