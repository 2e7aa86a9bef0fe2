// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** Virtqueues over guest memory, and vhost-user: the device's side of it, and the machine's. */
package io.bunkai.virtio;
