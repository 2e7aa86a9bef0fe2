// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** A machine made of QEMU and QMP. */
package io.bunkai.vmm.qemu;
