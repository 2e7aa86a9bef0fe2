// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0

/** Virtqueues over guest memory, and vhost-user: the device's side of it, and the machine's. */
@org.jspecify.annotations.NullMarked
module io.bunkai.virtio {
    requires transitive io.bunkai.base;
    requires transitive io.bunkai.linux;
    requires static com.google.errorprone.annotations;
    requires static org.jspecify;

    exports io.bunkai.virtio;
}
