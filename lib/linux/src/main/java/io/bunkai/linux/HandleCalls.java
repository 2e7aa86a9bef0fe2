// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * File handles: a few bytes by which a file system finds a file again that nobody has open,
 * whatever its name is by then. Opening by handle needs CAP_DAC_READ_SEARCH.
 *
 * @spec https://man7.org/linux/man-pages/man2/open_by_handle_at.2.html open_by_handle_at(2)
 */
public final class HandleCalls {
    /** MAX_HANDLE_SZ, and the two numbers before. */
    private static final int MOST_BYTES = 128 + 8;

    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int O_CLOEXEC = 0x80000;

    private HandleCalls() {}

    /** Memory for one call at a time, of one thread. */
    public static final class Buffer {
        private final MemorySegment memory = Arena.ofAuto().allocate(MOST_BYTES + 8, 8);
    }

    /**
     * {@return the handle of an open file, or null if its file system has none}
     *
     * @param file any, also open with {@link Fd#O_PATH}
     */
    public static byte @Nullable [] handle(Fd file, Buffer buffer) {
        MemorySegment memory = buffer.memory;
        memory.set(JAVA_INT, 0, MOST_BYTES - 8);
        // int name_to_handle_at(int, const char *, struct file_handle *, int *mount_id, int);
        long result =
                Native.syscall(
                        SystemCall.NAME_TO_HANDLE_AT,
                        file.number(),
                        memory.address() + MOST_BYTES + 4, // always a NUL
                        memory.address(),
                        memory.address() + MOST_BYTES,
                        AT_EMPTY_PATH,
                        0);
        if (result < 0) {
            return null;
        }
        byte[] handle = new byte[8 + memory.get(JAVA_INT, 0)];
        MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, 0, handle, 0, handle.length);
        return handle;
    }

    /**
     * Hot face of opening a file by its handle.
     *
     * @param mount any open file of the same file system, but not with {@link Fd#O_PATH}
     * @return a number for {@link Fd#adopt}, or a negated errno: ESTALE if the file is gone, EPERM
     *     without the capability
     */
    public static int tryOpen(Fd mount, byte[] handle, int flags, Buffer buffer) {
        MemorySegment memory = buffer.memory;
        MemorySegment.copy(handle, 0, memory, ValueLayout.JAVA_BYTE, 0, handle.length);
        // int open_by_handle_at(int mount_fd, struct file_handle *handle, int flags);
        return (int)
                Native.syscall(
                        SystemCall.OPEN_BY_HANDLE_AT,
                        mount.number(),
                        memory.address(),
                        flags | O_CLOEXEC);
    }
}
