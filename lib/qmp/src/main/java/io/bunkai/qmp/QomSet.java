// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.Map;
import java.util.SortedMap;

/**
 * Writes a property of an object in QEMU's object tree.
 *
 * @param path absolute, or a part of it that only one object has
 * @param property the property's name
 * @param value a string, a boolean, a whole number, or a list or map of these
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP qom-set
 */
public record QomSet(String path, String property, Object value) implements QmpCommand<Done> {
    @Override
    public String name() {
        return "qom-set";
    }

    @Override
    public SortedMap<String, Object> arguments() {
        return Arguments.of(Map.of("path", path, "property", property, "value", value));
    }

    @Override
    public Done result(QmpValue reply) {
        return Done.DONE;
    }
}
