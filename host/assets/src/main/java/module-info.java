// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** Whether a guest's kernel and image fit each other and the runtime. */
@org.jspecify.annotations.NullMarked
module io.bunkai.assets {
    requires transitive io.bunkai.base;
    requires tools.jackson.core;
    requires static org.jspecify;

    exports io.bunkai.assets;
}
