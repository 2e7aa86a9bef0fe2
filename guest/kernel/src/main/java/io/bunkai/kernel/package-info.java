// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/**
 * Builds the guest's kernel: {@link io.bunkai.kernel.KernelMain} is the program behind {@code
 * bunkai guest kernel}.
 */
package io.bunkai.kernel;
