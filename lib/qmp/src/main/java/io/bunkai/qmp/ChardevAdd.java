// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.qmp;

import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Makes a character device that listens on a unix socket, without waiting for anybody to connect.
 *
 * @param id a name that no other character device has
 * @param path where the socket is made; relative to QEMU's own working directory
 * @spec https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html QMP chardev-add
 */
public record ChardevAdd(String id, String path) implements QmpCommand<Done> {
    @Override
    public String name() {
        return "chardev-add";
    }

    @Override
    public SortedMap<String, Object> arguments() {
        var address = new TreeMap<String, Object>(Map.of("type", "unix"));
        address.put("data", Map.of("path", path));
        var socket = new TreeMap<String, Object>(Map.of("server", true, "wait", false));
        socket.put("addr", address);
        var backend = new TreeMap<String, Object>(Map.of("type", "socket"));
        backend.put("data", socket);
        return Arguments.of(Map.of("id", id, "backend", backend));
    }

    @Override
    public Done result(QmpValue reply) {
        return Done.DONE;
    }
}
