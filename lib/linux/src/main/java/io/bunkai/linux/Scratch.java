// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Buffers outside of the heap, used again and again: a new one is filled with zeros first, which in
 * an interpreted process takes longer than any read into it.
 */
final class Scratch {
    static final int BYTES = 64 * 1024;

    private static final int MOST_KEPT = 16;
    private static final Deque<MemorySegment> FREE = new ArrayDeque<>(MOST_KEPT); // guards itself

    private Scratch() {}

    /** {@return a buffer of 64 KiB with anything in it, to be given back} */
    static MemorySegment lease() {
        @Nullable MemorySegment free;
        synchronized (FREE) {
            free = FREE.poll();
        }
        return free == null ? Arena.ofAuto().allocate(BYTES) : free;
    }

    static void giveBack(MemorySegment scratch) {
        synchronized (FREE) {
            if (FREE.size() < MOST_KEPT) {
                FREE.push(scratch);
            }
        }
    }
}
