// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

/** How a guest's instructions are carried out. */
public enum Accelerator {
    /** By the processor itself, through the host kernel's KVM. */
    KVM,
    /** By translation in software: works everywhere, and is many times slower. */
    TCG
}
