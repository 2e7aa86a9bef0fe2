// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.SortedMap;

/**
 * Asks what this QEMU's protocol consists of: some hundred kilobytes, so it is asked once for each
 * program and not once for each machine.
 *
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP query-qmp-schema
 */
public record QuerySchema() implements QmpCommand<QmpSchema> {
    @Override
    public String name() {
        return "query-qmp-schema";
    }

    @Override
    public SortedMap<String, Object> arguments() {
        return Arguments.none();
    }

    @Override
    public QmpSchema result(QmpValue reply) throws QmpProtocolException {
        return QmpSchema.read(reply);
    }
}
