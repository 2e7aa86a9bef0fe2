// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.SortedMap;

/**
 * Ends the negotiation: the peer takes other commands only after this one. None of the capabilities
 * is asked for.
 *
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP qmp_capabilities
 */
public record QmpCapabilities() implements QmpCommand<Done> {
    @Override
    public String name() {
        return "qmp_capabilities";
    }

    @Override
    public SortedMap<String, Object> arguments() {
        return Arguments.none();
    }

    @Override
    public Done result(QmpValue reply) {
        return Done.DONE;
    }
}
