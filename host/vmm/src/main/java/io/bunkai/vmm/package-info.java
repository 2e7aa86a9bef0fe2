// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** What a machine is: its specification, its life, its failure; no word of QEMU. */
package io.bunkai.vmm;
