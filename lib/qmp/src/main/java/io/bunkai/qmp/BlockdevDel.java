// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.Map;
import java.util.SortedMap;

/**
 * Closes a disk's back end that no device uses any more.
 *
 * @param nodeName the node's name
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP blockdev-del
 */
public record BlockdevDel(String nodeName) implements QmpCommand<Done> {
    @Override
    public String name() {
        return "blockdev-del";
    }

    @Override
    public SortedMap<String, Object> arguments() {
        return Arguments.of(Map.of("node-name", nodeName));
    }

    @Override
    public Done result(QmpValue reply) {
        return Done.DONE;
    }
}
