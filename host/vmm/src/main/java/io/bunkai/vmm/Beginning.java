// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm;

import java.nio.file.Path;

/** How a machine's life begins. */
public sealed interface Beginning {
    /** With the first instruction, in memory of its own. */
    record Boot() implements Beginning {}

    /**
     * With the first instruction, in the memory that a file is, so that {@link
     * VirtualMachine#freeze} can leave it there.
     *
     * @param memory a file of the machine's memory's size, of zeros
     */
    record Template(Path memory) implements Beginning {}

    /**
     * Where a machine of the same shape was frozen. What the copy writes to its memory is its own.
     *
     * @param memory the file of the frozen machine's memory; it should be one that cannot be
     *     changed, since a hypervisor may punch holes into it for a guest that gives memory back.
     *     If the machine's memory is shared with others, it is the copy's own instead, and the copy
     *     writes to it
     * @param devices what {@link VirtualMachine#freeze} wrote
     */
    record Copy(Path memory, Path devices) implements Beginning {}

    /** With the first instruction. */
    Beginning BOOT = new Boot();
}
