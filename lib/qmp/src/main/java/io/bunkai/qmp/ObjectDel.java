// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.Map;
import java.util.SortedMap;

/**
 * Removes an object that nothing refers to any more.
 *
 * @param id the object's name
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP object-del
 */
public record ObjectDel(String id) implements QmpCommand<Done> {
    @Override
    public String name() {
        return "object-del";
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
