// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

/**
 * Hears of what happens to a machine, one call at a time, on threads of the machine's own. What
 * takes long belongs elsewhere.
 */
public interface VmListener {
    /** Something happened, and the machine lives. It must not wait for an answer of the machine. */
    void onEvent(VmEvent event);

    /** The machine has ended: the last call of all. */
    void onExit(VmExit exit);
}
