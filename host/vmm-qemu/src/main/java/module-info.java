// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** A machine made of QEMU and QMP. */
@org.jspecify.annotations.NullMarked
module io.bunkai.vmm.qemu {
    requires transitive io.bunkai.base;
    requires io.bunkai.linux;
    requires io.bunkai.qmp;
    requires transitive io.bunkai.vmm;
    requires static org.jspecify;

    exports io.bunkai.vmm.qemu;
}
