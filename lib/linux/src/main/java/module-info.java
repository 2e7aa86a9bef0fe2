// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** The only module with native access: system calls, descriptors, processes, terminals, mounts. */
@org.jspecify.annotations.NullMarked
module io.bunkai.linux {
    requires transitive io.bunkai.base;
    requires static org.jspecify;

    exports io.bunkai.linux;
}
