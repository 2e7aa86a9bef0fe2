// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What the kernel knows of a file system, read in place: to be used again and again by one thread.
 * {@link FileCalls#tryFileSystem} fills it.
 *
 * @spec https://man7.org/linux/man-pages/man2/statfs.2.html statfs(2)
 */
public final class FileSystemView {
    private final MemorySegment statfs = Arena.ofAuto().allocate(Structs.STATFS);

    long address() {
        return statfs.address();
    }

    /** {@return which kind it is: a magic number} */
    public long type() {
        return get("f_type");
    }

    /** {@return the unit that is good to read and write} */
    public int blockBytes() {
        return (int) get("f_bsize");
    }

    /** {@return its size, in fragments} */
    public long blocks() {
        return get("f_blocks");
    }

    /** {@return what is free, in fragments} */
    public long blocksFree() {
        return get("f_bfree");
    }

    /** {@return what is free for everyone but root, in fragments} */
    public long blocksAvailable() {
        return get("f_bavail");
    }

    /** {@return how many inodes there are} */
    public long files() {
        return get("f_files");
    }

    /** {@return how many inodes are free} */
    public long filesFree() {
        return get("f_ffree");
    }

    /** {@return how long a name may be} */
    public int nameBytes() {
        return (int) get("f_namelen");
    }

    /** {@return the unit of the numbers of blocks} */
    public int fragmentBytes() {
        return (int) get("f_frsize");
    }

    private long get(String field) {
        return statfs.get(JAVA_LONG, Structs.offset(Structs.STATFS, field));
    }
}
