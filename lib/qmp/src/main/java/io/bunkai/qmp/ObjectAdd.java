// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.Map;
import java.util.SortedMap;

/**
 * Makes an object that devices and back ends can refer to: memory, a source of randomness, a
 * thread.
 *
 * @param type the kind of object
 * @param id a name that no other object has
 * @param properties the object's own
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP object-add
 */
public record ObjectAdd(String type, String id, Map<String, ?> properties)
        implements QmpCommand<Done> {
    public ObjectAdd {
        properties = Map.copyOf(properties);
    }

    @Override
    public String name() {
        return "object-add";
    }

    @Override
    public SortedMap<String, Object> arguments() {
        return Arguments.of(Map.of("qom-type", type, "id", id), properties);
    }

    @Override
    public Done result(QmpValue reply) {
        return Done.DONE;
    }
}
