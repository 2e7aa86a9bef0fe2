// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** The life of containers and their machines; plans, journal, timeline. The only policy. */
@org.jspecify.annotations.NullMarked
module io.bunkai.runtime {
    requires com.google.protobuf;
    requires io.bunkai.api;
    requires io.bunkai.assets;
    requires transitive io.bunkai.base;
    requires transitive io.bunkai.config;
    requires transitive io.bunkai.linux;
    requires transitive io.bunkai.oci;
    requires io.bunkai.ttrpc;
    requires transitive io.bunkai.vmm;
    requires static org.jspecify;
    requires tools.jackson.databind;

    exports io.bunkai.runtime;

    // Plans and records are written as JSON by their components.
    opens io.bunkai.runtime to
            tools.jackson.databind;
}
