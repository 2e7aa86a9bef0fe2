// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What the kernel has counted of a thread. Made by the thread that it is about, and used by it
 * alone.
 *
 * @spec https://man7.org/linux/man-pages/man2/getrusage.2.html getrusage(2)
 */
public final class ThreadUsage {
    private static final int RUSAGE_THREAD = 1;
    private static final long NVCSW = Structs.offset(Structs.RUSAGE, "ru_nvcsw");

    private final MemorySegment usage = Arena.ofAuto().allocate(Structs.RUSAGE);

    /** {@return how often the calling thread had to wait for something; allocates nothing} */
    public long waits() {
        // int getrusage(int who, struct rusage *usage); cannot fail
        Native.syscall(SystemCall.GETRUSAGE, RUSAGE_THREAD, usage.address(), 0);
        return usage.get(JAVA_LONG, NVCSW);
    }
}
