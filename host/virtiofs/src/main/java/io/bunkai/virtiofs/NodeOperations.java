// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.fuse.ByteString;
import io.bunkai.fuse.FileAttributes;
import io.bunkai.fuse.FileName;
import io.bunkai.fuse.FileSystemStatistics;
import io.bunkai.fuse.Flags;
import io.bunkai.fuse.FuseRequest;
import io.bunkai.fuse.Reply;
import io.bunkai.fuse.RequestHeader;
import io.bunkai.fuse.RequestView;
import io.bunkai.linux.Errno;
import io.bunkai.linux.Fd;
import io.bunkai.linux.FileCalls;
import io.bunkai.linux.FileSystemView;
import io.bunkai.linux.NameCalls;
import io.bunkai.linux.StatusView;
import org.jspecify.annotations.Nullable;

/** What files are: looking them up, their attributes, where links lead. */
final class NodeOperations {
    private static final int READ = 4;
    private static final int WRITE = 2;
    private static final int EXECUTE = 1;

    private final Share share;
    private final Nodes nodes;
    private final OpenFiles files;
    private final FileSystemOptions options;
    private final Credentials credentials;
    private final Capabilities capabilities;
    private volatile boolean submounts;

    private final @Nullable Quota quota;

    NodeOperations(
            Share share,
            Nodes nodes,
            OpenFiles files,
            FileSystemOptions options,
            Credentials credentials,
            Capabilities capabilities,
            @Nullable Quota quota) {
        this.share = share;
        this.nodes = nodes;
        this.files = files;
        this.options = options;
        this.credentials = credentials;
        this.capabilities = capabilities;
        this.quota = quota;
    }

    /** Says whether the guest knows what to do with the root of a mount. */
    void submounts(boolean value) {
        submounts = value;
    }

    // --- entries ------------------------------------------------------------------------------

    void lookup(RequestView.Lookup request, Reply.Entry reply) {
        Inode directory = nodes.hold(request.node(), reply);
        if (directory == null) {
            return;
        }
        Worker worker = Worker.current();
        int result;
        try {
            result =
                    nodes.lookUp(
                            directory,
                            request.memory(),
                            request.nameAt(),
                            false,
                            worker,
                            worker.found);
        } finally {
            directory.letGo();
        }
        if (result == 0) {
            entry(worker.found[0], directory, worker, reply);
        } else if (result == -Errno.ENOENT && options.cache().missingNanos() > 0) {
            reply.missing(options.cache().missingNanos());
        } else {
            reply.error(-result);
        }
    }

    /** Looks up what was just made under a name, and answers with it. */
    void answerMade(Inode directory, FileName name, Worker worker, Reply.Entry reply) {
        worker.put(Worker.NAME, name);
        int result =
                nodes.lookUp(directory, worker.memory, Worker.NAME, true, worker, worker.found);
        if (result < 0) {
            reply.error(-result);
        } else {
            entry(worker.found[0], directory, worker, reply);
        }
    }

    private void entry(Inode inode, Inode directory, Worker worker, Reply.Entry reply) {
        reply.entry(
                inode.node,
                0,
                options.timeoutNanos(),
                options.timeoutNanos(),
                attributes(worker, inode, directory));
    }

    /** {@return what a file is, of the worker's status} */
    FileAttributes attributes(Worker worker, Inode inode, @Nullable Inode directory) {
        StatusView status = worker.status;
        boolean mountRoot =
                submounts
                        && directory != null
                        && directory.mount != inode.mount
                        && inode.isDirectory();
        return worker.attributes
                .inode(status.inode())
                .size(status.size())
                .blocks(status.blocks())
                .accessed(status.accessedSeconds(), status.accessedNanos())
                .modified(status.modifiedSeconds(), status.modifiedNanos())
                .changed(status.changedSeconds(), status.changedNanos())
                .mode(status.mode())
                .links(status.links())
                .uid(options.uids().toGuest(status.uid()))
                .gid(options.gids().toGuest(status.gid()))
                .device(device(status.specialMajor(), status.specialMinor()))
                .blockBytes(status.blockBytes())
                .flags(mountRoot ? Flags.ATTR_SUBMOUNT : 0);
    }

    private static int device(int major, int minor) {
        return (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
    }

    // --- attributes ---------------------------------------------------------------------------

    void getattr(RequestView.Getattr request, Reply.Attributes reply) {
        Inode inode = nodes.hold(request.node(), reply);
        if (inode == null) {
            return;
        }
        Worker worker = Worker.current();
        int result;
        try {
            result = FileCalls.tryStatus(inode.fd(), worker.status);
        } finally {
            inode.letGo();
        }
        answer(result, inode, worker, reply);
    }

    private void answer(int result, Inode inode, Worker worker, Reply.Attributes reply) {
        if (result < 0) {
            reply.error(-result);
        } else {
            reply.attributes(options.timeoutNanos(), attributes(worker, inode, null));
        }
    }

    void setattr(FuseRequest.Setattr request, Reply.Attributes reply) {
        Inode inode = nodes.hold(request.header().node(), reply);
        if (inode == null) {
            return;
        }
        Worker worker = Worker.current();
        int result;
        try {
            result = change(inode, request, worker);
            if (result == 0) {
                result = FileCalls.tryStatus(inode.fd(), worker.status);
            }
        } finally {
            inode.letGo();
        }
        answer(result, inode, worker, reply);
    }

    /** In the order in which Linux does it itself; the first failure ends it. */
    private int change(Inode inode, FuseRequest.Setattr request, Worker worker) {
        int result = 0;
        if (request.has(Flags.FATTR_MODE)) {
            inode.fd().putDigits(worker.memory, Worker.DIGITS);
            result =
                    NameCalls.tryChmod(
                            share.links(), worker.memory, Worker.DIGITS, request.mode() & 07777);
        }
        if (result == 0 && request.has(Flags.FATTR_UID | Flags.FATTR_GID)) {
            result = chown(inode, request);
            capabilities.remove(inode, worker);
        }
        if (result == 0 && request.has(Flags.FATTR_SIZE)) {
            result = truncateWithin(inode, request, worker);
            capabilities.remove(inode, worker);
        }
        if (result == 0 && request.has(Flags.FATTR_ATIME | Flags.FATTR_MTIME)) {
            result = times(inode, request, worker);
        }
        return result;
    }

    private int chown(Inode inode, FuseRequest.Setattr request) {
        long uid = request.has(Flags.FATTR_UID) ? options.uids().toHost(request.uid()) : -1L;
        long gid = request.has(Flags.FATTR_GID) ? options.gids().toHost(request.gid()) : -1L;
        if ((uid == IdMap.FORBIDDEN && request.has(Flags.FATTR_UID))
                || (gid == IdMap.FORBIDDEN && request.has(Flags.FATTR_GID))) {
            return -Errno.EPERM;
        }
        return FileCalls.tryChown(inode.fd(), (int) uid, (int) gid);
    }

    private int truncateWithin(Inode inode, FuseRequest.Setattr request, Worker worker) {
        if (quota == null) {
            return truncate(inode, request, worker);
        }
        Quota.Claim claim = quota.claimNothing(); // what is longer has a hole at its end
        try {
            int result = truncate(inode, request, worker);
            quota.settle(inode.fd());
            return result;
        } finally {
            quota.end(claim);
        }
    }

    private int truncate(Inode inode, FuseRequest.Setattr request, Worker worker) {
        boolean kill = options.killprivV2() && request.has(Flags.FATTR_KILL_SUIDGID);
        OpenFile open = request.has(Flags.FATTR_FH) ? files.hold(request.handle()) : null;
        if (open != null) {
            try {
                return (int)
                        credentials.withoutSetId(
                                kill,
                                worker,
                                () -> FileCalls.tryTruncate(open.fd(), request.size()));
            } finally {
                open.letGo();
            }
        }
        if (!inode.isRegular()) {
            return inode.isDirectory() ? -Errno.EISDIR : -Errno.EINVAL;
        }
        inode.fd().putDigits(worker.memory, Worker.DIGITS);
        int number =
                NameCalls.tryReopen(
                        share.links(), worker.memory, Worker.DIGITS, Fd.O_RDWR | Fd.O_NONBLOCK);
        if (number < 0) {
            return number;
        }
        try (Fd file = Fd.adopt(number)) {
            return (int)
                    credentials.withoutSetId(
                            kill, worker, () -> FileCalls.tryTruncate(file, request.size()));
        }
    }

    private int times(Inode inode, FuseRequest.Setattr request, Worker worker) {
        FuseRequest.Setattr.Time accessed = request.accessed();
        FuseRequest.Setattr.Time modified = request.modified();
        FileCalls.putTimes(
                worker.struct,
                accessed.seconds(),
                nanos(request, Flags.FATTR_ATIME, Flags.FATTR_ATIME_NOW, accessed.nanos()),
                modified.seconds(),
                nanos(request, Flags.FATTR_MTIME, Flags.FATTR_MTIME_NOW, modified.nanos()));
        inode.fd().putDigits(worker.memory, Worker.DIGITS);
        return NameCalls.tryUtimens(share.links(), worker.memory, Worker.DIGITS, worker.struct);
    }

    private static long nanos(FuseRequest.Setattr request, int set, int now, int nanos) {
        if (!request.has(set)) {
            return FileCalls.TIME_OMIT;
        }
        return request.has(now) ? FileCalls.TIME_NOW : nanos;
    }

    // --- the rest -----------------------------------------------------------------------------

    void access(FuseRequest.Access request, Reply.Done reply) {
        Inode inode = nodes.hold(request.header().node(), reply);
        if (inode == null) {
            return;
        }
        Worker worker = Worker.current();
        int result;
        try {
            result = FileCalls.tryStatus(inode.fd(), worker.status);
        } finally {
            inode.letGo();
        }
        if (result == 0 && !allows(worker.status, request.header(), request.mask())) {
            result = -Errno.EACCES;
        }
        if (result < 0) {
            reply.error(-result);
        } else {
            reply.done();
        }
    }

    /** By permission bits alone, as the guest's own kernel checks when nobody tells it more. */
    private boolean allows(StatusView status, RequestHeader who, int mask) {
        int mode = status.mode();
        if (who.uid() == 0) {
            return (mask & EXECUTE) == 0 || (mode & 0111) != 0;
        }
        int shift = 0;
        if (options.uids().toGuest(status.uid()) == who.uid()) {
            shift = 6;
        } else if (options.gids().toGuest(status.gid()) == who.gid()) {
            shift = 3;
        }
        int wanted = mask & (READ | WRITE | EXECUTE);
        return (mode >> shift & wanted) == wanted;
    }

    void readlink(FuseRequest.Readlink request, Reply.Target reply) {
        Inode inode = nodes.hold(request.header().node(), reply);
        if (inode == null) {
            return;
        }
        Worker worker = Worker.current();
        int result;
        try {
            result = NameCalls.tryReadlink(inode.fd(), worker.memory, Worker.EMPTY, worker.target);
        } finally {
            inode.letGo();
        }
        if (result < 0) {
            // ENOENT is how the kernel says that it is no symbolic link.
            reply.error(result == -Errno.ENOENT ? Errno.EINVAL : -result);
        } else {
            reply.target(ByteString.of(worker.target, 0, result));
        }
    }

    void statfs(FuseRequest.Statfs request, Reply.Statistics reply) {
        Inode inode = nodes.hold(request.header().node(), reply);
        if (inode == null) {
            return;
        }
        FileSystemView view = Worker.current().fileSystem;
        int result;
        try {
            result = FileCalls.tryFileSystem(inode.fd(), view);
        } finally {
            inode.letGo();
        }
        if (result < 0) {
            reply.error(-result);
            return;
        }
        FileSystemStatistics real =
                new FileSystemStatistics(
                        view.blocks(),
                        view.blocksFree(),
                        view.blocksAvailable(),
                        view.files(),
                        view.filesFree(),
                        view.blockBytes(),
                        view.nameBytes(),
                        view.fragmentBytes());
        reply.statistics(quota != null && inode.counts() ? quota.within(real) : real);
    }
}
