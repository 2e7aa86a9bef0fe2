// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/**
 * Reads directories and symbolic links by descriptors and names, so that no other part of a path
 * can lead elsewhere meanwhile. Names are bytes: any but NUL and '/'.
 *
 * @spec https://man7.org/linux/man-pages/man2/getdents.2.html getdents64(2)
 */
public final class Directories {
    private static final long RECLEN = Structs.offset(Structs.DIRENT64, "d_reclen");
    private static final long TYPE = Structs.offset(Structs.DIRENT64, "d_type");
    private static final long NAME = Structs.offset(Structs.DIRENT64, "d_name");
    private static final int LONGEST_TARGET = 4096;

    private Directories() {}

    /** Is told what a directory holds. */
    @FunctionalInterface
    public interface Visitor {
        /**
         * One entry.
         *
         * @param name its own copy
         * @param type what the directory says, which may be {@link FileType#UNKNOWN}
         */
        void entry(byte[] name, FileType type);
    }

    /**
     * Tells what a directory holds but "." and "..", in the file system's order. From where the
     * descriptor stands: it can be read once.
     *
     * @throws ErrnoException ENOTDIR, ENOENT if the directory was removed, EIO
     */
    public static void list(Fd directory, Visitor visitor) throws ErrnoException {
        MemorySegment scratch = Scratch.lease();
        try {
            while (true) {
                // ssize_t getdents64(int fd, void *dirp, size_t count);
                long answer =
                        Native.syscall(
                                SystemCall.GETDENTS64,
                                directory.number(),
                                scratch.address(),
                                Scratch.BYTES);
                long end = ErrnoException.check("read a directory", answer);
                if (end == 0) {
                    return;
                }
                for (long at = 0; at < end; ) {
                    int length = scratch.get(JAVA_SHORT, at + RECLEN) & 0xffff;
                    tell(scratch, at, length, visitor);
                    at += length;
                }
            }
        } finally {
            Scratch.giveBack(scratch);
        }
    }

    private static void tell(MemorySegment entries, long at, int length, Visitor visitor) {
        long start = at + NAME;
        int bytes = 0;
        while (start + bytes < at + length && entries.get(JAVA_BYTE, start + bytes) != 0) {
            bytes++;
        }
        if (isSelfOrParent(entries, start, bytes)) {
            return;
        }
        byte[] name = new byte[bytes];
        MemorySegment.copy(entries, JAVA_BYTE, start, name, 0, bytes);
        visitor.entry(name, FileType.ofNumber(entries.get(JAVA_BYTE, at + TYPE)));
    }

    private static boolean isSelfOrParent(MemorySegment entries, long start, int bytes) {
        boolean dots = entries.get(JAVA_BYTE, start) == '.';
        return switch (bytes) {
            case 1 -> dots;
            case 2 -> dots && entries.get(JAVA_BYTE, start + 1) == '.';
            default -> false;
        };
    }

    /**
     * {@return where a symbolic link leads, as it was written}
     *
     * @throws ErrnoException EINVAL if it is no symbolic link, ENOENT, EIO
     * @spec https://man7.org/linux/man-pages/man2/readlink.2.html readlinkat(2)
     */
    public static byte[] readLink(Fd directory, byte[] name) throws ErrnoException {
        MemorySegment scratch = Scratch.lease();
        try {
            // ssize_t readlinkat(int dirfd, const char *pathname, char *buf, size_t bufsiz);
            long answer =
                    Native.syscall(
                            SystemCall.READLINKAT,
                            directory.number(),
                            Scratch.cString(scratch, name),
                            scratch.address() + Scratch.NAME_BYTES,
                            LONGEST_TARGET);
            byte[] target = new byte[(int) ErrnoException.check("read a link", answer)];
            MemorySegment.copy(scratch, JAVA_BYTE, Scratch.NAME_BYTES, target, 0, target.length);
            return target;
        } finally {
            Scratch.giveBack(scratch);
        }
    }
}
