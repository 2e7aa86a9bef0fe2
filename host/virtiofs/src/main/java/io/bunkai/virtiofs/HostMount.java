// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.linux.Errno;
import io.bunkai.linux.Fd;
import io.bunkai.linux.FileCalls;
import io.bunkai.linux.HandleCalls;
import io.bunkai.linux.NameCalls;
import io.bunkai.linux.StatusView;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A mount of the host in which the guest knows files. Not held open by itself, so that the host can
 * unmount it when the guest has forgotten them.
 */
final class HostMount {
    /** ext4, XFS, btrfs, tmpfs, overlayfs, F2FS, by their magic numbers. */
    private static final Set<Long> LOCAL =
            Set.of(0xef53L, 0x58465342L, 0x9123683eL, 0x01021994L, 0x794c7630L, 0xf2f52010L);

    private final long id;
    private final long device;
    final boolean hasHandles;

    /** How many files of it the guest knows; guarded by the lock of the table. */
    int inodes;

    private @Nullable Fd fd; // for opening by handle; guarded by this

    private final boolean tellsErrorsWhenClosing;

    HostMount(long id, long device, boolean hasHandles, boolean tellsErrorsWhenClosing) {
        this.id = id;
        this.device = device;
        this.hasHandles = hasHandles;
        this.tellsErrorsWhenClosing = tellsErrorsWhenClosing;
    }

    /**
     * {@return whether it is not one of the file systems of which is known that closing a file
     * never fails}
     */
    boolean tellsErrorsWhenClosing() {
        return tellsErrorsWhenClosing;
    }

    /** {@return the mount of an open file of it} */
    static HostMount of(Fd file, StatusView status, boolean handles, Worker worker) {
        boolean hasHandles = handles && HandleCalls.handle(file, worker.handle) != null;
        boolean known =
                FileCalls.tryFileSystem(file, worker.fileSystem) == 0
                        && LOCAL.contains(worker.fileSystem.type());
        return new HostMount(status.mount(), status.device(), hasHandles, !known);
    }

    /** {@return whether files of the shared directory can be found again by handle} */
    static boolean hasHandles(Share share, Worker worker) {
        byte[] handle = HandleCalls.handle(share.root(), worker.handle);
        if (handle == null) {
            return false;
        }
        share.root().putDigits(worker.memory, Worker.DIGITS);
        int mount = NameCalls.tryReopen(share.links(), worker.memory, Worker.DIGITS, Fd.O_RDONLY);
        if (mount < 0) {
            return false;
        }
        try (Fd open = Fd.adopt(mount)) {
            int found = HandleCalls.tryOpen(open, handle, Fd.O_PATH, worker.handle);
            if (found >= 0) {
                Fd.adopt(found).close();
            }
            return found >= 0;
        }
    }

    boolean is(long otherId, long otherDevice) {
        return id == otherId && device == otherDevice;
    }

    /**
     * Makes sure that files can be opened by handle later, when this one is closed: the kernel
     * wants any open file of the file system for that.
     *
     * @return whether they can
     */
    synchronized boolean keepOpen(Inode any, Fd links, Worker worker) {
        if (fd != null) {
            return true;
        }
        if (!any.isOpenable()) {
            return false;
        }
        any.fd().putDigits(worker.memory, Worker.DIGITS);
        int opened = NameCalls.tryReopen(links, worker.memory, Worker.DIGITS, Fd.O_RDONLY);
        if (opened < 0) {
            return false;
        }
        fd = Fd.adopt(opened);
        return true;
    }

    /** {@return a number for {@link Fd#adopt}, or a negated errno} */
    synchronized int tryOpen(byte[] handle, Worker worker) {
        Fd now = fd;
        return now == null
                ? -Errno.ESTALE
                : HandleCalls.tryOpen(now, handle, Fd.O_PATH, worker.handle);
    }

    synchronized void close() {
        if (fd != null) {
            fd.close();
            fd = null;
        }
    }
}
