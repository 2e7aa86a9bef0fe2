// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/**
 * containerd's shim protocol and task service: translation to the runtime's words, and nothing
 * else.
 */
@org.jspecify.annotations.NullMarked
module io.bunkai.shim {
    requires com.google.protobuf;
    requires io.bunkai.api;
    requires io.bunkai.base;
    requires io.bunkai.linux;
    requires io.bunkai.oci;
    requires io.bunkai.runtime;
    requires io.bunkai.ttrpc;
    requires static org.jspecify;

    exports io.bunkai.shim;
}
