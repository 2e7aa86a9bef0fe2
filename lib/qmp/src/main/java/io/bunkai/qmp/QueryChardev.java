// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;

/**
 * Lists the character devices.
 *
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP query-chardev
 */
public record QueryChardev() implements QmpCommand<List<QueryChardev.Chardev>> {
    @Override
    public String name() {
        return "query-chardev";
    }

    @Override
    public SortedMap<String, Object> arguments() {
        return Arguments.none();
    }

    @Override
    public List<QueryChardev.Chardev> result(QmpValue reply) throws QmpProtocolException {
        List<Chardev> chardevs = new ArrayList<>();
        for (QmpValue chardev : reply.items()) {
            chardevs.add(
                    new Chardev(
                            chardev.text("label"),
                            chardev.text("filename"),
                            chardev.bool("frontend-open")));
        }
        return List.copyOf(chardevs);
    }

    /**
     * One character device.
     *
     * @param id its name
     * @param description where it leads and whether somebody is connected, as QEMU words it
     * @param frontendOpen whether the guest has opened its side
     */
    public record Chardev(String id, String description, boolean frontendOpen) {}
}
