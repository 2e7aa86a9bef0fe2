// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import java.lang.foreign.Arena;
import java.nio.file.Path;

/**
 * Renames that Java's own file system calls do not offer.
 *
 * @spec https://man7.org/linux/man-pages/man2/rename.2.html renameat2(2)
 */
public final class Renames {
    private static final int AT_FDCWD = -100;
    private static final int RENAME_EXCHANGE = 2;

    private Renames() {}

    /**
     * Swaps the names of two files or folders in one step: at no moment is one of the names gone.
     *
     * @throws ErrnoException ENOENT if one does not exist, EXDEV across file systems, EINVAL if the
     *     file system cannot do it
     */
    public static void exchange(Path one, Path other) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            // int renameat2(int, const char *, int, const char *, unsigned int);
            long result =
                    Native.syscall(
                            SystemCall.RENAMEAT2,
                            AT_FDCWD,
                            Native.cString(arena, one.toString()).address(),
                            AT_FDCWD,
                            Native.cString(arena, other.toString()).address(),
                            RENAME_EXCHANGE,
                            0);
            ErrnoException.check("exchange " + one + " and " + other, result);
        }
    }
}
