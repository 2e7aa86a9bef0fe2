// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Buffers outside of the heap, used again and again: a new one is filled with zeros first, which in
 * an interpreted process takes longer than any read into it.
 */
final class Scratch {
    static final int BYTES = 64 * 1024;

    /** What a name may take of a buffer; results are written behind. */
    static final int NAME_BYTES = 4096;

    private static final int MOST_KEPT = 16;
    private static final Deque<MemorySegment> FREE = new ArrayDeque<>(MOST_KEPT); // guards itself

    private Scratch() {}

    /** {@return a buffer of 64 KiB with anything in it, to be given back} */
    static MemorySegment lease() {
        @Nullable MemorySegment free;
        synchronized (FREE) {
            free = FREE.poll();
        }
        return free == null ? Arena.ofAuto().allocate(BYTES, 8) : free;
    }

    /**
     * Copies a name, and the NUL behind it, to a buffer's beginning, of which it takes at most
     * {@link #NAME_BYTES}.
     *
     * @return its address
     * @throws IllegalArgumentException if it is longer, or ends early because it holds a NUL
     */
    static long cString(MemorySegment scratch, byte[] name) {
        if (name.length >= NAME_BYTES) {
            throw new IllegalArgumentException("a name of " + name.length + " bytes");
        }
        for (byte b : name) {
            if (b == 0) {
                throw new IllegalArgumentException("a name with a NUL in it");
            }
        }
        MemorySegment.copy(name, 0, scratch, ValueLayout.JAVA_BYTE, 0, name.length);
        scratch.set(ValueLayout.JAVA_BYTE, name.length, (byte) 0);
        return scratch.address();
    }

    static void giveBack(MemorySegment scratch) {
        synchronized (FREE) {
            if (FREE.size() < MOST_KEPT) {
                FREE.push(scratch);
            }
        }
    }
}
