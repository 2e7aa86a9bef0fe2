// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.Map;
import java.util.SortedMap;

/**
 * Opens a disk's back end; a device refers to it by its node name.
 *
 * @param driver the format or protocol: {@code raw}, {@code file}
 * @param nodeName a name that no other node has
 * @param properties the driver's own; a node beneath it is a map under {@code file}
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP blockdev-add
 */
public record BlockdevAdd(String driver, String nodeName, Map<String, ?> properties)
        implements QmpCommand<Done> {
    public BlockdevAdd {
        properties = Map.copyOf(properties);
    }

    @Override
    public String name() {
        return "blockdev-add";
    }

    @Override
    public SortedMap<String, Object> arguments() {
        return Arguments.of(Map.of("driver", driver, "node-name", nodeName), properties);
    }

    @Override
    public Done result(QmpValue reply) {
        return Done.DONE;
    }
}
