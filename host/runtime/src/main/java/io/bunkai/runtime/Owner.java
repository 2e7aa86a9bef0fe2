// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

/**
 * Who a container belongs to, if not to this daemon's own users: a namespace of a containerd, and
 * the id that the container has there. Several containerds can use one daemon with the same ids.
 *
 * @param address containerd's socket, as it names itself; empty for one that names none
 * @param namespace containerd's namespace
 * @param id of the container, unique in that namespace
 */
public record Owner(String address, String namespace, String id) {
    /** {@return for people: {@code namespace/id}} */
    String shown() {
        return namespace + "/" + id;
    }
}
