// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.Map;
import java.util.SortedMap;

/**
 * Begins to send the machine away. The answer says that it has begun; {@link QueryMigrate} tells
 * the end.
 *
 * @param uri where to: {@code unix:PATH}
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP migrate
 */
public record Migrate(String uri) implements QmpCommand<Done> {
    @Override
    public String name() {
        return "migrate";
    }

    @Override
    public SortedMap<String, Object> arguments() {
        return Arguments.of(Map.of("uri", uri));
    }

    @Override
    public Done result(QmpValue reply) {
        return Done.DONE;
    }
}
