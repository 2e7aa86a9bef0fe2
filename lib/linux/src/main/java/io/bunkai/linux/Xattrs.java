// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Reads extended attributes. Their names are bytes, held here in strings of one char per byte.
 *
 * <p>What cannot be opened without an effect, as a device, or not at all, as a symbolic link, has
 * them too. The kernel tells those by a path only, and by a name in a directory only if that is the
 * one that the process works in, see {@link Fd#enter}.
 *
 * @spec https://man7.org/linux/man-pages/man7/xattr.7.html xattr(7)
 */
public final class Xattrs {
    private static final int BY_NAME = -1;
    private static final byte[] NO_NAME = {};

    private Xattrs() {}

    /**
     * {@return the attributes of an open file that this process may see; those in "trusted." are
     * for CAP_SYS_ADMIN only}
     *
     * @throws ErrnoException E2BIG if their names take more than 64 KiB, EBADF if the file is open
     *     with {@link Fd#O_PATH}, EIO and others
     */
    public static SortedMap<String, byte[]> of(Fd file) throws ErrnoException {
        return read(file.number(), NO_NAME);
    }

    /**
     * {@return the attributes of a file in the directory that this process works in; of a symbolic
     * link itself}
     *
     * @param name bytes without NUL or '/'
     * @throws ErrnoException ENOENT, and as above
     */
    public static SortedMap<String, byte[]> inWorkingDirectory(byte[] name) throws ErrnoException {
        return read(BY_NAME, name);
    }

    private static SortedMap<String, byte[]> read(int fd, byte[] file) throws ErrnoException {
        MemorySegment names = Scratch.lease();
        MemorySegment result = Scratch.lease(); // as large as the kernel lets a result be
        try {
            SortedMap<String, byte[]> xattrs = new TreeMap<>();
            long answer = list(fd, file, names, result);
            if (answer == -Errno.EOPNOTSUPP) {
                return xattrs; // a file system without attributes
            }
            byte[] list = copy(result, ErrnoException.check("list attributes", answer));
            for (int at = 0; at < list.length; ) {
                int end = at;
                while (list[end] != 0) {
                    end++;
                }
                String name = new String(list, at, end - at, StandardCharsets.ISO_8859_1);
                long got = get(fd, file, name, names, result);
                if (got != -Errno.ENODATA) { // or else somebody removed it meanwhile
                    xattrs.put(name, copy(result, ErrnoException.check("read " + name, got)));
                }
                at = end + 1;
            }
            return xattrs;
        } finally {
            Scratch.giveBack(names);
            Scratch.giveBack(result);
        }
    }

    private static byte[] copy(MemorySegment result, long length) {
        byte[] copy = new byte[(int) length];
        MemorySegment.copy(result, JAVA_BYTE, 0, copy, 0, copy.length);
        return copy;
    }

    private static long list(int fd, byte[] file, MemorySegment names, MemorySegment result) {
        // ssize_t flistxattr(int fd, char *list, size_t size);
        // ssize_t llistxattr(const char *path, char *list, size_t size);
        return fd == BY_NAME
                ? Native.syscall(
                        SystemCall.LLISTXATTR,
                        Scratch.cString(names, file),
                        result.address(),
                        Scratch.BYTES)
                : Native.syscall(SystemCall.FLISTXATTR, fd, result.address(), Scratch.BYTES);
    }

    private static long get(
            int fd, byte[] file, String name, MemorySegment names, MemorySegment result) {
        byte[] raw = name.getBytes(StandardCharsets.ISO_8859_1);
        MemorySegment behind = names.asSlice(Scratch.NAME_BYTES, Scratch.NAME_BYTES);
        // ssize_t fgetxattr(int fd, const char *name, void *value, size_t size);
        // ssize_t lgetxattr(const char *path, const char *name, void *value, size_t size);
        return Native.syscall(
                fd == BY_NAME ? SystemCall.LGETXATTR : SystemCall.FGETXATTR,
                fd == BY_NAME ? Scratch.cString(names, file) : fd,
                Scratch.cString(behind, raw),
                result.address(),
                Scratch.BYTES);
    }
}
