// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Switches abilities of migration on and off. Both sides of a migration need the same ones.
 *
 * @param capabilities by name: {@code x-ignore-shared}, {@code events}
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP migrate-set-capabilities
 */
public record MigrateSetCapabilities(SortedMap<String, Boolean> capabilities)
        implements QmpCommand<Done> {
    /** Copies. */
    public MigrateSetCapabilities {
        capabilities = new TreeMap<>(capabilities);
    }

    @Override
    public String name() {
        return "migrate-set-capabilities";
    }

    @Override
    public SortedMap<String, Object> arguments() {
        List<Map<String, Object>> list =
                capabilities.entrySet().stream()
                        .map(entry ->
                                Map.<String, Object>of(
                                        "capability", entry.getKey(), "state", entry.getValue()))
                        .toList();
        return Arguments.of(Map.of("capabilities", list));
    }

    @Override
    public Done result(QmpValue reply) {
        return Done.DONE;
    }
}
