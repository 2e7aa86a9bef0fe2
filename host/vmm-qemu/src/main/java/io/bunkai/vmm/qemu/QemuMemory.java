// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import java.util.List;

/**
 * How QEMU gets its own memory, the guest's apart.
 *
 * <p>Half of the page faults of its start are those of its heap, which grows to 12 MiB in small
 * steps, shrinks in between and grows again. A page fault costs microseconds, many more on a host
 * that is a virtual machine itself.
 */
final class QemuMemory {
    /**
     * For the GNU C library's malloc(3); other libraries do not look at it.
     *
     * @spec https://sourceware.org/glibc/manual/latest/html_node/Memory-Allocation-Tunables.html
     *     glibc.malloc
     */
    static final List<String> ENVIRONMENT =
            List.of(
                    "GLIBC_TUNABLES="
                            + String.join(
                                    ":",
                                    "glibc.malloc.hugetlb=1", // huge pages where there are some
                                    "glibc.malloc.arena_max=1", // one heap for all threads
                                    "glibc.malloc.top_pad=" + (4 << 20),
                                    "glibc.malloc.mmap_threshold=" + (32 << 20),
                                    "glibc.malloc.trim_threshold=" + (1 << 30)));

    private QemuMemory() {}
}
