// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

/** Where a machine is in its life. */
public enum VmStatus {
    /** Set up, and not a single instruction carried out yet. */
    PREPARED,
    /** Its processors run. */
    RUNNING,
    /** Its processors are held. */
    PAUSED,
    /** It can never go on; it is about to be ended. */
    FAILED,
    /** Its process has ended. */
    ENDED
}
