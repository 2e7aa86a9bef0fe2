// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** The QEMU machine protocol: commands and events as records, one codec, one client. */
package io.bunkai.qmp;
