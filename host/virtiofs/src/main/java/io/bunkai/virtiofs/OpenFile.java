// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.linux.Fd;
import io.bunkai.linux.FileCalls;

/** A file or directory that the guest has open. */
final class OpenFile extends SharedFd {
    private static final int UNKNOWN = -1;

    final long handle;
    final Inode inode; // held as long as this is open, so that its descriptor stays
    private final Descriptors descriptors;
    private long position = UNKNOWN; // of a directory; guarded by this

    OpenFile(long handle, Fd fd, Inode inode, Descriptors descriptors) {
        this.handle = handle;
        this.inode = inode;
        this.descriptors = descriptors;
        open(fd);
    }

    /**
     * Sees to it that a directory is read from there on. Under the lock of this.
     *
     * @return 0, or a negated errno
     */
    long seek(long offset) {
        if (position == offset) {
            return 0;
        }
        long result = FileCalls.trySeek(fd(), offset, 0);
        position = result < 0 ? UNKNOWN : offset;
        return Math.min(result, 0);
    }

    /** Tells how far a directory was read. Under the lock of this. */
    void stands(long offset) {
        position = offset;
    }

    @Override
    void closed() {
        descriptors.giveBack();
        inode.letGo();
    }
}
