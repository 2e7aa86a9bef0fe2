// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import java.lang.foreign.MemorySegment;

/**
 * What a file server asks of the kernel about extended attributes. Hot faces all: they answer with
 * a result or a negated errno, and allocate nothing.
 *
 * <p>A file is named by a path that is taken from the directory that the process works in, see
 * {@link Fd#enter}. If that is /proc/self/fd, the path is the number of a descriptor, which reaches
 * every kind of file without opening it; and these calls follow no symbolic link behind that one.
 *
 * @spec https://man7.org/linux/man-pages/man7/xattr.7.html xattr(7)
 */
public final class AttributeCalls {
    private AttributeCalls() {}

    /**
     * Gets an attribute.
     *
     * @param memory has the path at {@code pathAt} and the attribute's name at {@code nameAt}, each
     *     with a NUL behind it
     * @param value where it is put; of no bytes, to ask for its length
     * @return its length
     */
    public static int tryGet(MemorySegment memory, long pathAt, long nameAt, MemorySegment value) {
        // ssize_t getxattr(const char *path, const char *name, void *value, size_t size);
        return (int)
                Native.syscall(
                        SystemCall.GETXATTR,
                        memory.address() + pathAt,
                        memory.address() + nameAt,
                        value.address(),
                        value.byteSize());
    }

    /**
     * Sets an attribute; the arguments are as above.
     *
     * @param flags XATTR_CREATE 1, XATTR_REPLACE 2
     */
    public static int trySet(
            MemorySegment memory, long pathAt, long nameAt, MemorySegment value, int flags) {
        // int setxattr(const char *path, const char *name, const void *, size_t, int flags);
        return (int)
                Native.syscall(
                        SystemCall.SETXATTR,
                        memory.address() + pathAt,
                        memory.address() + nameAt,
                        value.address(),
                        value.byteSize(),
                        flags,
                        0);
    }

    /** Lists the names of all attributes, each with a NUL; {@return how many bytes that is} */
    public static int tryList(MemorySegment memory, long pathAt, MemorySegment names) {
        // ssize_t listxattr(const char *path, char *list, size_t size);
        return (int)
                Native.syscall(
                        SystemCall.LISTXATTR,
                        memory.address() + pathAt,
                        names.address(),
                        names.byteSize());
    }

    /** Removes an attribute; the arguments are as above. */
    public static int tryRemove(MemorySegment memory, long pathAt, long nameAt) {
        // int removexattr(const char *path, const char *name);
        return (int)
                Native.syscall(
                        SystemCall.REMOVEXATTR,
                        memory.address() + pathAt,
                        memory.address() + nameAt,
                        0);
    }
}
