// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.Map;
import java.util.SortedMap;

/**
 * Removes a character device that no device uses any more.
 *
 * @param id the character device's name
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP chardev-remove
 */
public record ChardevRemove(String id) implements QmpCommand<Done> {
    @Override
    public String name() {
        return "chardev-remove";
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
