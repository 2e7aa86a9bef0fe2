// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

/**
 * How a container's process ended.
 *
 * @param code as shells tell it: 128 + signal for a killed process; 255 if the machine was lost
 * @param oomKilled whether the kernel killed a process of the container for want of memory
 * @param error why the machine was lost; empty if the process ended in the ordinary way
 */
public record ProcessExit(int code, boolean oomKilled, String error) {
    /** The code of a process that went down with its machine, as Kata reports it. */
    public static final int LOST = 255;

    /** {@return the exit of a process that ended by itself or by a signal} */
    public static ProcessExit ended(int code, boolean oomKilled) {
        return new ProcessExit(code, oomKilled, "");
    }

    /** {@return the exit of a process that went down with its machine} */
    public static ProcessExit lost(String reason) {
        return new ProcessExit(LOST, false, reason);
    }
}
