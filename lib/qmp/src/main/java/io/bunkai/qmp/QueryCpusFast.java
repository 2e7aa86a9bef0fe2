// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;

/**
 * Lists the machine's processors without disturbing them.
 *
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP query-cpus-fast
 */
public record QueryCpusFast() implements QmpCommand<List<QueryCpusFast.Cpu>> {
    @Override
    public String name() {
        return "query-cpus-fast";
    }

    @Override
    public SortedMap<String, Object> arguments() {
        return Arguments.none();
    }

    @Override
    public List<QueryCpusFast.Cpu> result(QmpValue reply) throws QmpProtocolException {
        List<Cpu> cpus = new ArrayList<>();
        for (QmpValue cpu : reply.items()) {
            cpus.add(
                    new Cpu(
                            cpu.number("cpu-index"),
                            cpu.number("thread-id"),
                            cpu.text("qom-path")));
        }
        return List.copyOf(cpus);
    }

    /**
     * One virtual processor.
     *
     * @param index its number in the machine, from 0
     * @param threadId the host's number of the thread that runs it; under TCG with one thread for
     *     all the same for each
     * @param path where its object stands in QEMU's object tree
     */
    public record Cpu(long index, long threadId, String path) {}
}
