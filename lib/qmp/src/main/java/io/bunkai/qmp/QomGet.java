// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.Map;
import java.util.SortedMap;

/**
 * Reads a property of an object in QEMU's object tree.
 *
 * @param path absolute, or a part of it that only one object has
 * @param property the property's name
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP qom-get
 */
public record QomGet(String path, String property) implements QmpCommand<QmpValue> {
    @Override
    public String name() {
        return "qom-get";
    }

    @Override
    public SortedMap<String, Object> arguments() {
        return Arguments.of(Map.of("path", path, "property", property));
    }

    @Override
    public QmpValue result(QmpValue reply) {
        return reply;
    }
}
