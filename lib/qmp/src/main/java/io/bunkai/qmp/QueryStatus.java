// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.SortedMap;

/**
 * Asks whether the machine's processors run, and if not, why not.
 *
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP query-status
 */
public record QueryStatus() implements QmpCommand<RunState> {
    @Override
    public String name() {
        return "query-status";
    }

    @Override
    public SortedMap<String, Object> arguments() {
        return Arguments.none();
    }

    @Override
    public RunState result(QmpValue reply) throws QmpProtocolException {
        return RunState.ofWire(reply.text("status"));
    }
}
