// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.fuse.ByteString;
import io.bunkai.linux.StatusView;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A file that the guest knows. Its descriptor, open with O_PATH, may be closed when there are too
 * many; then its file handle finds it again, or its name, if the file system has no handles.
 */
final class Inode extends SharedFd {
    private static final long SECOND = 1_000_000_000L;
    private static final int TYPE = 0170000;
    private static final int DIRECTORY = 0040000;
    private static final int REGULAR = 0100000;

    final long node;
    final HostMount mount;
    final long number;
    private final long born;
    private final int type;
    private final Descriptors descriptors;
    private final AtomicInteger open; // how many of these have a descriptor
    private final @Nullable Quota quota; // null if it does not count

    /** Next one in a list of the table; guarded by its lock. */
    @Nullable Inode next;

    /** How often the guest has looked it up and not forgotten; guarded by the table's lock. */
    long lookups;

    /** Whether it was used since the last time somebody looked for what can be closed. */
    boolean used = true;

    private byte @Nullable [] handle; // guarded by this
    private @Nullable Place place; // guarded by this

    /** A name that the file had when it was last heard of. */
    record Place(Inode parent, ByteString name) {}

    Inode(
            long node,
            HostMount mount,
            StatusView status,
            Descriptors descriptors,
            AtomicInteger open,
            @Nullable Quota quota) {
        this.node = node;
        this.mount = mount;
        this.number = status.inode();
        this.born = born(status);
        this.type = status.mode() & TYPE;
        this.descriptors = descriptors;
        this.open = open;
        this.quota = quota;
    }

    private static long born(StatusView status) {
        return status.knowsBirth() ? status.bornSeconds() * SECOND + status.bornNanos() : 0;
    }

    boolean isDirectory() {
        return type == DIRECTORY;
    }

    boolean isRegular() {
        return type == REGULAR;
    }

    /** Only files and directories are ever opened: opening anything else may do something. */
    boolean isOpenable() {
        return isDirectory() || isRegular();
    }

    /** {@return whether that is this file, and not a later one of the same number} */
    boolean is(StatusView status) {
        return number == status.inode()
                && mount.is(status.mount(), status.device())
                && born == born(status)
                && type == (status.mode() & TYPE);
    }

    synchronized byte @Nullable [] handle() {
        return handle;
    }

    synchronized void handle(byte[] newHandle) {
        handle = newHandle;
    }

    synchronized @Nullable Place place() {
        return place;
    }

    synchronized void place(@Nullable Place newPlace) {
        place = newPlace;
    }

    @Override
    void closing() {
        ending();
    }

    /** {@return whether what it takes is counted} */
    boolean counts() {
        return quota != null;
    }

    /** Tells the quota, if it has one, that nobody keeps the file any more. */
    void ending() {
        if (quota != null) {
            quota.closing(number);
        }
    }

    @Override
    void closed() {
        descriptors.giveBack();
        open.getAndDecrement();
    }
}
