// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** The bunkai command. */
@org.jspecify.annotations.NullMarked
module io.bunkai.cli {
    requires io.bunkai.assets;
    requires transitive io.bunkai.base;
    requires io.bunkai.linux;
    requires io.bunkai.ttrpc;
    requires io.bunkai.api;
    requires com.google.protobuf;
    requires info.picocli;
    requires tools.jackson.core;
    requires jdk.unsupported; // sun.misc.Signal: the only way to signals that the JDK offers
    requires static org.jspecify;

    exports io.bunkai.cli;

    opens io.bunkai.cli to
            info.picocli; // which reads and sets the annotated fields
}
