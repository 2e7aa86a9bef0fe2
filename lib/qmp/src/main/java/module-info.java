// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0

/** The QEMU machine protocol: commands and events as records, one codec, one client. */
@org.jspecify.annotations.NullMarked
module io.bunkai.qmp {
    requires transitive io.bunkai.base;
    requires tools.jackson.databind;
    requires static org.jspecify;

    exports io.bunkai.qmp;
}
