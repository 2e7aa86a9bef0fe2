// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

/** How far the process goes away from the host before it serves the guest. */
public enum Sandbox {
    /** The shared directory is the only mount of a mount namespace of its own; no network. */
    NAMESPACE,

    /** The shared directory is its root. */
    CHROOT,

    /** Not at all. Names of the guest are checked all the same. */
    NONE
}
