// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.fuse.FileName;
import io.bunkai.fuse.Reply;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.FileCalls;
import io.bunkai.linux.HandleCalls;
import io.bunkai.linux.NameCalls;
import io.bunkai.linux.StatusView;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * From nodes to files of the host and back. A file that the guest knows has a descriptor as long as
 * there are few of them. When there are many, those that were not used for a while are closed, and
 * opened again when they are needed: by file handle, or where there are none by directory and name,
 * and then looked at, whether it is still the same file. A file that is open, or that has no name
 * any more, keeps its descriptor.
 */
final class Nodes {
    /** How many are closed at a time, when there are too many. */
    private static final int CLOSED_AT_ONCE = 256;

    private static final int MOST_KEPT = 65536;

    private final Share share;
    private final InodeTable table = new InodeTable();
    private final Descriptors descriptors;
    private final boolean handles;
    private final int kept;
    private final PlaceIndex places = new PlaceIndex();
    private final AtomicInteger open = new AtomicInteger();
    private final ReentrantLock closing = new ReentrantLock();
    private final @Nullable Quota quota;
    private final Inode root;

    /**
     * Begins with the root alone.
     *
     * @throws ErrnoException if the root cannot be looked at
     */
    Nodes(Share share, Descriptors descriptors, boolean handles, @Nullable Quota quota)
            throws ErrnoException {
        this.share = share;
        this.descriptors = descriptors;
        this.handles = handles;
        this.quota = quota;
        this.kept = Math.min(descriptors.most() / 2, MOST_KEPT);
        Worker worker = Worker.current();
        int result = FileCalls.tryStatus(share.root(), worker.status);
        ErrnoException.check("look at the shared directory", result);
        descriptors.tryTake();
        root = enter(share.root().duplicate(), worker.status, worker);
        hold(root); // for good
    }

    Inode root() {
        return root;
    }

    /** {@return the file of a node, or null if the guest does not know any by that} */
    @Nullable Inode get(long node) {
        return table.get(node);
    }

    /** {@return the file of a node, held; or null after the reply was given that there is none} */
    @Nullable Inode hold(long node, Reply reply) {
        Inode inode = table.get(node);
        if (inode == null) {
            reply.error(Errno.EBADF);
            return null;
        }
        int result = hold(inode);
        if (result < 0) {
            reply.error(-result);
            return null;
        }
        return inode;
    }

    /**
     * Makes sure that a file has a descriptor, which the caller then holds.
     *
     * @return 0, or a negated errno: ESTALE if the file cannot be found again, ENFILE if there are
     *     too many descriptors
     */
    int hold(Inode inode) {
        if (inode.tryHold()) {
            if (!inode.used) {
                inode.used = true;
            }
            return 0;
        }
        return reopen(inode);
    }

    private int reopen(Inode inode) {
        synchronized (inode) {
            if (inode.tryHold()) {
                return 0;
            }
            if (inode.isDone()) {
                return -Errno.EBADF;
            }
            if (!take()) {
                return -Errno.ENFILE;
            }
            Worker worker = Worker.current();
            byte[] handle = inode.handle();
            int number =
                    handle != null ? inode.mount.tryOpen(handle, worker) : byPlace(inode, worker);
            if (number < 0) {
                descriptors.giveBack();
                return number == -Errno.EMFILE ? -Errno.ENFILE : -Errno.ESTALE;
            }
            inode.used = true;
            open.getAndIncrement();
            inode.open(Fd.adopt(number));
        }
        return 0;
    }

    private int byPlace(Inode inode, Worker worker) {
        Inode.Place place = inode.place();
        if (place == null || hold(place.parent()) != 0) {
            return -Errno.ESTALE;
        }
        int number;
        try {
            worker.put(Worker.TARGET, place.name());
            number =
                    NameCalls.tryOpen(
                            place.parent().fd(), worker.memory, Worker.TARGET, Fd.O_PATH, 0);
        } finally {
            place.parent().letGo();
        }
        if (number < 0) {
            return number;
        }
        Fd fd = Fd.adopt(number);
        // Not the worker's own: it may hold what is just being answered.
        StatusView status = new StatusView();
        if (FileCalls.tryStatus(fd, status) != 0 || !inode.is(status)) {
            fd.close();
            return -Errno.ESTALE;
        }
        return number;
    }

    // --- looking up ---------------------------------------------------------------------------

    /**
     * Looks a name up and counts that. The worker's status is then that of the file.
     *
     * @param directory held by the caller
     * @param unlikely whether the file is probably not known yet
     * @param found where the file is put
     * @return 0, or a negated errno
     */
    int lookUp(
            Inode directory,
            MemorySegment name,
            long at,
            boolean unlikely,
            Worker worker,
            Inode[] found) {
        if (!unlikely) {
            int result = NameCalls.tryStatus(directory.fd(), name, at, worker.status);
            if (result < 0) {
                return result;
            }
            Inode known = table.lookUp(worker.status);
            if (known != null) {
                remember(known, directory, name, at);
                found[0] = known;
                return 0;
            }
        }
        if (!take()) {
            return -Errno.ENFILE;
        }
        int number = NameCalls.tryOpen(directory.fd(), name, at, Fd.O_PATH, 0);
        if (number < 0) {
            descriptors.giveBack();
            return number == -Errno.EMFILE ? -Errno.ENFILE : number;
        }
        Fd fd = Fd.adopt(number);
        int result = FileCalls.tryStatus(fd, worker.status);
        if (result < 0) {
            fd.close();
            descriptors.giveBack();
            return result;
        }
        Inode inode = enter(fd, worker.status, worker);
        remember(inode, directory, name, at);
        found[0] = inode;
        if (quota != null && inode.tryHold()) { // it may have lost its name meanwhile
            quota.settle(inode.fd());
            inode.letGo();
        }
        return 0;
    }

    /** The descriptor, which is taken account of, is the table's from now on. */
    private Inode enter(Fd fd, StatusView status, Worker worker) {
        HostMount mount = table.mount(status);
        HostMount candidate = mount != null ? mount : HostMount.of(fd, status, handles, worker);
        Inode inode =
                table.enter(
                        status,
                        candidate,
                        (node, own) -> {
                            Quota counted = quota != null && quota.counts(status) ? quota : null;
                            Inode made = new Inode(node, own, status, descriptors, open, counted);
                            made.open(fd);
                            open.getAndIncrement();
                            return made;
                        });
        if (inode.fdIs(fd)) {
            inode.letGo();
        } else { // another thread was faster, or the file was known and had no descriptor
            fd.close();
            descriptors.giveBack();
        }
        return inode;
    }

    /** Where there are no handles, names are what finds a file again. */
    private void remember(Inode inode, Inode directory, MemorySegment name, long at) {
        if (inode.mount.hasHandles) {
            return;
        }
        int length = 0;
        while (name.get(ValueLayout.JAVA_BYTE, at + length) != 0) {
            length++;
        }
        places.put(inode, directory, name, at, length);
    }

    /** Tells that a name is gone, or stands for another file now. */
    void removed(Inode directory, FileName name) {
        if (!directory.mount.hasHandles) {
            places.remove(directory, name);
        }
    }

    /** Tells that a file has another name. */
    void renamed(Inode from, FileName name, Inode to, FileName newName, boolean exchanged) {
        if (!from.mount.hasHandles) {
            places.move(from, name, to, newName, exchanged);
        }
    }

    /** {@return whether a file of that number, beside this one, is known already} */
    boolean mayKnow(Inode beside, long number) {
        return table.mayKnow(beside.mount, number);
    }

    // --- forgetting ---------------------------------------------------------------------------

    void forget(long node, long count) {
        Inode inode = table.forget(node, count);
        if (inode != null) {
            drop(inode);
            collect();
        }
    }

    /** A guest that has walked a large tree once would leave a large heap. */
    private void collect() {
        if (table.hasLeftGarbage()) {
            places.shrink();
            System.gc();
        }
    }

    private void drop(Inode inode) {
        if (!inode.mount.hasHandles) {
            places.drop(inode);
        }
        inode.finish();
        if (inode.isClosed()) {
            inode.ending();
        }
    }

    /** Nothing but the root is known any more. */
    void clear() {
        table.clear().forEach(this::drop);
        collect();
    }

    /** {@return how many files the guest knows} */
    int count() {
        return table.count();
    }

    // --- descriptors --------------------------------------------------------------------------

    /** {@return whether one more descriptor of a file may be opened} */
    boolean take() {
        if (open.get() > kept) {
            closeSome();
        }
        if (descriptors.tryTake()) {
            return true;
        }
        closeSome();
        return descriptors.tryTake();
    }

    /** Tells that a descriptor that {@link #take} was asked for is not there. */
    void giveBack() {
        descriptors.giveBack();
    }

    /** Closes some that were not used since it was here last. */
    private void closeSome() {
        if (!closing.tryLock()) {
            return; // somebody is at it
        }
        try {
            Worker worker = Worker.current();
            int[] left = {CLOSED_AT_ONCE};
            table.visit(inode -> {
                if (inode.used) {
                    inode.used = false;
                } else if (inode.isIdle() && canComeBack(inode, worker)) {
                    if (inode.tryClose()) {
                        left[0]--;
                    }
                }
                return left[0] > 0;
            });
        } finally {
            closing.unlock();
        }
    }

    /** {@return whether the file will be found again without its descriptor} */
    private boolean canComeBack(Inode inode, Worker worker) {
        if (!inode.mount.hasHandles) {
            return inode.place() != null;
        }
        if (!inode.tryHold()) {
            return false;
        }
        try {
            StatusView status = new StatusView();
            if (FileCalls.tryStatus(inode.fd(), status) != 0 || status.links() == 0) {
                return false; // without a name a file ends with its last descriptor
            }
            if (inode.handle() != null) {
                return true;
            }
            byte[] handle = HandleCalls.handle(inode.fd(), worker.handle);
            if (handle == null || !inode.mount.keepOpen(inode, share.links(), worker)) {
                return false;
            }
            inode.handle(handle);
            return true;
        } finally {
            inode.letGo();
        }
    }
}
