// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

/**
 * A lock on a part of a file.
 *
 * @param start the first byte
 * @param end the last byte; {@link Long#MAX_VALUE} is the end of the file, wherever that is
 * @param type {@link #READ}, {@link #WRITE} or {@link #UNLOCK}
 * @param pid the process that holds it, in a reply to GETLK
 */
public record FileLock(long start, long end, int type, int pid) {
    /** F_RDLCK. */
    public static final int READ = 0;

    /** F_WRLCK. */
    public static final int WRITE = 1;

    /** F_UNLCK: no lock. */
    public static final int UNLOCK = 2;
}
