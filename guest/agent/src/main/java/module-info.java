// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** The first process of the guest: Kata's agent protocol over virtio-serial, containers by crun. */
@org.jspecify.annotations.NullMarked
module io.bunkai.agent {
    requires transitive io.bunkai.base;
    requires io.bunkai.linux;
    requires io.bunkai.ttrpc;
    requires io.bunkai.api;
    requires com.google.protobuf;
    requires static org.jspecify;

    exports io.bunkai.agent;
}
