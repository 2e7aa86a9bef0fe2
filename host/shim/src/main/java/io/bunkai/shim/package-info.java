// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** containerd's shim protocol and task service. */
package io.bunkai.shim;
