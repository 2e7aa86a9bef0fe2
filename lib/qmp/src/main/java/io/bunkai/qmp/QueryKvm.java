// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.SortedMap;

/**
 * Asks whether KVM is built in, and whether it is in use.
 *
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP query-kvm
 */
public record QueryKvm() implements QmpCommand<QueryKvm.Kvm> {
    @Override
    public String name() {
        return "query-kvm";
    }

    @Override
    public SortedMap<String, Object> arguments() {
        return Arguments.none();
    }

    @Override
    public QueryKvm.Kvm result(QmpValue reply) throws QmpProtocolException {
        return new Kvm(reply.bool("present"), reply.bool("enabled"));
    }

    /**
     * What is known of KVM.
     *
     * @param present whether this QEMU was built with it
     * @param enabled whether this machine runs under it
     */
    public record Kvm(boolean present, boolean enabled) {}
}
