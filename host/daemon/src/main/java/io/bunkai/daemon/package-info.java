// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** bunkaid: wires the runtime to QEMU and to the control socket. */
package io.bunkai.daemon;
