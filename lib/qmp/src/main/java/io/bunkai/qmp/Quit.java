// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.SortedMap;

/**
 * Ends the QEMU process without a word to the guest. The connection closes after the answer, or
 * even before it.
 *
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP quit
 */
public record Quit() implements QmpCommand<Done> {
    @Override
    public String name() {
        return "quit";
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
