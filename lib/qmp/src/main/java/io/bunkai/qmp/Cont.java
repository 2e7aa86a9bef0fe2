// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.SortedMap;

/**
 * Lets the machine's processors run. For a machine started with {@code -S} this is its first
 * instruction.
 *
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP cont
 */
public record Cont() implements QmpCommand<Done> {
    @Override
    public String name() {
        return "cont";
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
