// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.Closer;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.Mounts;
import java.nio.file.Path;

/**
 * The directory that is shared, and the way from a descriptor to what can be done only by a name:
 * /proc/self/fd, which stays reachable by a descriptor whatever becomes of this process's root.
 * With CAP_SYS_ADMIN that is a mount of its own, so that nothing leads from there to other
 * processes.
 */
final class Share implements AutoCloseable {
    private final Fd root;
    private final Fd links;

    private Share(Fd root, Fd links) {
        this.root = root;
        this.links = links;
    }

    /**
     * Opens a directory for sharing.
     *
     * @throws ErrnoException ENOENT, ENOTDIR, EACCES
     */
    static Share open(Path directory) throws ErrnoException {
        try (Closer undo = new Closer()) {
            Fd root = undo.own(Fd.open(directory, Fd.O_PATH | Fd.O_DIRECTORY));
            Fd links = undo.own(links(Path.of("/proc/self/fd")));
            undo.release();
            return new Share(root, links);
        }
    }

    private static Fd links(Path directory) throws ErrnoException {
        try {
            return Mounts.detached(directory);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EPERM && e.errno() != Errno.ENOSYS) {
                throw e;
            }
            return Fd.open(directory, Fd.O_PATH | Fd.O_DIRECTORY);
        }
    }

    /** {@return the shared directory, open with O_PATH} */
    Fd root() {
        return root;
    }

    /** {@return /proc/self/fd, open with O_PATH} */
    Fd links() {
        return links;
    }

    @Override
    public void close() {
        root.close();
        links.close();
    }
}
