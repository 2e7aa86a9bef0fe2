// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Waits for files to change or to appear, without looking again and again.
 *
 * @spec https://man7.org/linux/man-pages/man7/inotify.7.html inotify(7)
 */
public final class Inotify implements AutoCloseable {
    private static final int IN_CLOEXEC = 0x80000;
    private static final int IN_MODIFY = 2;
    private static final int IN_CLOSE_WRITE = 8;
    private static final int IN_MOVED_TO = 0x80;
    private static final int IN_DELETE_SELF = 0x400;
    private static final int IN_Q_OVERFLOW = 0x4000;
    private static final int IN_ONLYDIR = 0x1000000;
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
        return watch(file, IN_MODIFY | IN_DELETE_SELF);
    }

    /**
     * Watches a directory for files that are complete: closed by whoever wrote them, or renamed
     * into it. What was there before is not told.
     *
     * @return the number that {@link #awaitFiles} tells with each file
     */
    public int watchFiles(Path directory) throws ErrnoException {
        return watch(directory, IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR);
    }

    private int watch(Path file, int mask) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            // int inotify_add_watch(int fd, const char *pathname, uint32_t mask);
            long watch =
                    Native.syscall(
                            SystemCall.INOTIFY_ADD_WATCH,
                            fd.number(),
                            Native.cString(arena, file.toString()).address(),
                            mask);
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

    /** What a watch of a directory saw. */
    public sealed interface FileEvent {
        /**
         * A file is complete.
         *
         * @param watch number of the watch
         * @param name of the file in its directory
         */
        record Complete(int watch, String name) implements FileEvent {}

        /** Events were lost: whatever the directories hold now has to be looked at. */
        record Lost() implements FileEvent {}
    }

    /**
     * {@return what the watches of directories saw; blocks the calling thread until there is
     * something, or until {@code wake} can be read from: then possibly nothing}
     */
    public List<FileEvent> awaitFiles(Fd wake) throws ErrnoException {
        Poll.any(List.of(Poll.Interest.toRead(fd), Poll.Interest.toRead(wake)), -1);
        List<FileEvent> files = new ArrayList<>();
        if (!Poll.readable(fd, 0)) {
            return files;
        }
        byte[] buffer = new byte[BUFFER_BYTES];
        int n = fd.read(buffer, 0, buffer.length);
        MemorySegment events = MemorySegment.ofArray(buffer);
        int at = 0;
        while (at + HEADER_BYTES <= n) {
            // struct inotify_event { int wd; uint32_t mask; uint32_t cookie; uint32_t len; name }
            int mask = events.get(JAVA_INT_UNALIGNED, at + 4L);
            int length = events.get(JAVA_INT_UNALIGNED, at + 12L);
            if ((mask & IN_Q_OVERFLOW) != 0) {
                files.add(new FileEvent.Lost());
            } else if ((mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0) {
                files.add(
                        new FileEvent.Complete(
                                events.get(JAVA_INT_UNALIGNED, at),
                                name(buffer, at + HEADER_BYTES, length)));
            }
            at += HEADER_BYTES + length;
        }
        return files;
    }

    /** A name is filled up with zeros. */
    private static String name(byte[] buffer, int from, int length) {
        int end = from;
        while (end < from + length && buffer[end] != 0) {
            end++;
        }
        return new String(buffer, from, end - from, StandardCharsets.UTF_8);
    }

    /** Ends all watches. Does not wake a thread in {@link #await}. */
    @Override
    public void close() {
        fd.close();
    }
}
