// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** The life of sandboxes, containers and processes; plans, journal, timeline. The only policy. */
@org.jspecify.annotations.NullMarked
module io.bunkai.runtime {
    requires transitive io.bunkai.base;
    requires io.bunkai.linux;
    requires io.bunkai.ttrpc;
    requires io.bunkai.api;
    requires io.bunkai.oci;
    requires io.bunkai.vmm;
    requires io.bunkai.config;
    requires io.bunkai.images;
    requires com.google.protobuf;
    requires tools.jackson.databind;
    requires static org.jspecify;

    exports io.bunkai.runtime;
}
