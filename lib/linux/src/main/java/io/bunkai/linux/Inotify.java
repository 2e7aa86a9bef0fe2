// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Waits for files to change, without looking again and again.
 *
 * @spec https://man7.org/linux/man-pages/man7/inotify.7.html inotify(7)
 */
public final class Inotify implements AutoCloseable {
    private static final int IN_CLOEXEC = 0x80000;
    private static final int IN_MODIFY = 2;
    private static final int IN_DELETE_SELF = 0x400;
    private static final int HEADER_BYTES = 16;
    private static final int BUFFER_BYTES = 16 * 1024;

    private final Fd fd;

    private Inotify(Fd fd) {
        this.fd = fd;
    }

    /**
     * {@return a queue of changes that watches nothing yet}
     *
     * @throws ErrnoException EMFILE if this user has too many of them
     */
    public static Inotify open() throws ErrnoException {
        // int inotify_init1(int flags);
        long fd = Native.syscall(SystemCall.INOTIFY_INIT1, IN_CLOEXEC);
        return new Inotify(new Fd((int) ErrnoException.check("inotify_init1", fd)));
    }

    /**
     * Watches a file for modifications; the watch ends with the file.
     *
     * @return the number that {@link #await} tells when it changed
     */
    public int watchModify(Path file) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            // int inotify_add_watch(int fd, const char *pathname, uint32_t mask);
            long watch =
                    Native.syscall(
                            SystemCall.INOTIFY_ADD_WATCH,
                            fd.number(),
                            Native.cString(arena, file.toString()).address(),
                            IN_MODIFY | IN_DELETE_SELF);
            return (int) ErrnoException.check("watch " + file, watch);
        }
    }

    /**
     * {@return the numbers of the watches that saw something; blocks the calling thread until there
     * is one}
     */
    public List<Integer> await() throws ErrnoException {
        byte[] buffer = new byte[BUFFER_BYTES];
        int n = fd.read(buffer, 0, buffer.length);
        MemorySegment events = MemorySegment.ofArray(buffer);
        List<Integer> watches = new ArrayList<>();
        int at = 0;
        while (at + HEADER_BYTES <= n) {
            watches.add(events.get(JAVA_INT_UNALIGNED, at));
            at += HEADER_BYTES + events.get(JAVA_INT_UNALIGNED, at + 12L);
        }
        return watches;
    }

    /** Ends all watches. Does not wake a thread in {@link #await}. */
    @Override
    public void close() {
        fd.close();
    }
}
