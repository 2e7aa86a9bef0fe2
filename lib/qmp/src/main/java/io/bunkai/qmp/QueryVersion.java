// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.SortedMap;

/**
 * Asks which QEMU this is.
 *
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP query-version
 */
public record QueryVersion() implements QmpCommand<QmpVersion> {
    @Override
    public String name() {
        return "query-version";
    }

    @Override
    public SortedMap<String, Object> arguments() {
        return Arguments.none();
    }

    @Override
    public QmpVersion result(QmpValue reply) throws QmpProtocolException {
        return QmpVersion.read(reply);
    }
}
