// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** What a machine is: its specification, its life, its failure; no word of QEMU. */
@org.jspecify.annotations.NullMarked
module io.bunkai.vmm {
    requires transitive io.bunkai.base;
    requires transitive io.bunkai.linux;
    requires static org.jspecify;

    exports io.bunkai.vmm;
}
