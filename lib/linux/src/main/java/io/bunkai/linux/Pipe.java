// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Both ends of a pipe, owned by whoever made it.
 *
 * @param read the end that data comes out of
 * @param write the end that data goes into
 */
public record Pipe(Fd read, Fd write) implements AutoCloseable {
    private static final int O_CLOEXEC = 0x80000;

    /**
     * {@return a new pipe, both ends closed on exec}
     *
     * @throws ErrnoException EMFILE or ENFILE if no descriptor is left
     * @spec https://man7.org/linux/man-pages/man2/pipe.2.html pipe2(2)
     */
    public static Pipe create() throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ends = arena.allocate(JAVA_INT, 2);
            // int pipe2(int pipefd[2], int flags);
            ErrnoException.check(
                    "pipe2", Native.syscall(SystemCall.PIPE2, ends.address(), O_CLOEXEC, 0));
            return new Pipe(
                    new Fd(ends.getAtIndex(JAVA_INT, 0)), new Fd(ends.getAtIndex(JAVA_INT, 1)));
        }
    }

    /** Closes both ends. */
    @Override
    public void close() {
        read.close();
        write.close();
    }
}
