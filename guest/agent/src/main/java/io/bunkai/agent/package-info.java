// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
/** The first process of the guest: Kata's agent protocol over virtio-serial, containers by crun. */
package io.bunkai.agent;
