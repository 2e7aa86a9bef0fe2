// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.SortedMap;

/**
 * Holds the machine's processors. Time goes on for the guest's clocks.
 *
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP stop
 */
public record Stop() implements QmpCommand<Done> {
    @Override
    public String name() {
        return "stop";
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
