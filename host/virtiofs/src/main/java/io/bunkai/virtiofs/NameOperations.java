// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.fuse.ByteString;
import io.bunkai.fuse.Extensions;
import io.bunkai.fuse.FileName;
import io.bunkai.fuse.FuseRequest;
import io.bunkai.fuse.Reply;
import io.bunkai.fuse.RequestHeader;
import io.bunkai.linux.AttributeCalls;
import io.bunkai.linux.Errno;
import io.bunkai.linux.Fd;
import io.bunkai.linux.NameCalls;
import io.bunkai.linux.StatusView;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** What changes directories: names made, removed, and moved. */
final class NameOperations {
    private static final ByteString DEFAULT_ACL = ByteString.of("system.posix_acl_default");

    /** A new file may need one for what it is, and one for its attributes. */
    private static final int UNITS_OF_NEW = 2;

    private static final int NOREPLACE = 1;
    private static final int EXCHANGE = 2;
    private static final int WHITEOUT = 4;

    private final Share share;
    private final Nodes nodes;
    private final NodeOperations entries;
    private final FileOperations files;
    private final FileSystemOptions options;
    private final Credentials credentials;

    private final @Nullable Quota quota;

    NameOperations(
            Share share,
            Nodes nodes,
            NodeOperations entries,
            FileOperations files,
            FileSystemOptions options,
            Credentials credentials,
            @Nullable Quota quota) {
        this.share = share;
        this.nodes = nodes;
        this.entries = entries;
        this.files = files;
        this.options = options;
        this.credentials = credentials;
        this.quota = quota;
    }

    // --- making -------------------------------------------------------------------------------

    void mkdir(FuseRequest.Mkdir request, Reply.Entry reply) {
        make(
                request.header(),
                request.name(),
                request.extensions(),
                true,
                (directory, worker) ->
                        NameCalls.tryMkdir(
                                directory.fd(),
                                worker.memory,
                                Worker.NAME,
                                mode(directory, request.mode(), request.umask(), worker)),
                reply);
    }

    void mknod(FuseRequest.Mknod request, Reply.Entry reply) {
        make(
                request.header(),
                request.name(),
                request.extensions(),
                false,
                (directory, worker) ->
                        NameCalls.tryMknod(
                                directory.fd(),
                                worker.memory,
                                Worker.NAME,
                                mode(directory, request.mode(), request.umask(), worker),
                                request.device()),
                reply);
    }

    void symlink(FuseRequest.Symlink request, Reply.Entry reply) {
        make(
                request.header(),
                request.name(),
                request.extensions(),
                false,
                (directory, worker) -> {
                    worker.put(Worker.TARGET, request.target());
                    return NameCalls.trySymlink(
                            directory.fd(), worker.memory, Worker.TARGET, Worker.NAME);
                },
                reply);
    }

    /** Makes a name, which stands at its place in the worker's memory. */
    private interface Making {
        int in(Inode directory, Worker worker);
    }

    private void make(
            RequestHeader header,
            FileName name,
            Extensions extensions,
            boolean isDirectory,
            Making making,
            Reply.Entry reply) {
        Inode directory = nodes.hold(header.node(), reply);
        if (directory == null) {
            return;
        }
        try {
            Quota.Claim claim = beginMaking(directory);
            if (quota != null && claim == null) {
                reply.error(Errno.ENOSPC);
                return;
            }
            try {
                made(directory, header, name, extensions, isDirectory, making, reply);
            } finally {
                endMaking(directory, claim);
            }
        } finally {
            directory.letGo();
        }
    }

    /** {@return a claim for one new file, or null if there is no quota, or nothing left of it} */
    private Quota.@Nullable Claim beginMaking(Inode directory) {
        return quota == null ? null : quota.beginNames(directory.fd(), UNITS_OF_NEW, 1);
    }

    private void endMaking(Inode directory, Quota.@Nullable Claim claim) {
        if (quota != null && claim != null) {
            quota.settle(directory.fd());
            quota.endNames(claim);
        }
    }

    private void made(
            Inode directory,
            RequestHeader header,
            FileName name,
            Extensions extensions,
            boolean isDirectory,
            Making making,
            Reply.Entry reply) {
        Worker worker = Worker.current();
        worker.put(Worker.NAME, name);
        int result = credentials.as(header, extensions, worker, () -> making.in(directory, worker));
        if (result >= 0) {
            result = label(directory, name, extensions, worker);
            if (result < 0) {
                worker.put(Worker.NAME, name);
                NameCalls.tryUnlink(
                        directory.fd(),
                        worker.memory,
                        Worker.NAME,
                        isDirectory ? NameCalls.REMOVE_DIRECTORY : 0);
            }
        }
        if (result < 0) {
            reply.error(-result);
            return;
        }
        settleMade(directory, worker);
        entries.answerMade(directory, name, worker, reply);
    }

    /** Counts what was made under the name in the worker's memory, before the guest knows of it. */
    private void settleMade(Inode directory, Worker worker) {
        if (quota != null) {
            quota.settle(directory.fd());
            quota.settle(directory.fd(), worker.memory, Worker.NAME);
        }
    }

    /**
     * {@return permissions of what is made} This process's umask is empty. Where the guest does not
     * apply its umask, it is because the directory's default list would count instead.
     */
    private int mode(Inode directory, int mode, int umask, Worker worker) {
        if (!options.posixAcl() || umask == 0) {
            return mode;
        }
        worker.put(Worker.TARGET, DEFAULT_ACL);
        directory.fd().putDigits(worker.memory, Worker.DIGITS);
        int length =
                AttributeCalls.tryGet(
                        worker.memory,
                        Worker.DIGITS,
                        Worker.TARGET,
                        worker.memory.asSlice(Worker.EMPTY, 0));
        return length > 0 ? mode : mode & ~(umask & 07777);
    }

    /** Gives what was just made the label that the guest has for it. */
    private int label(Inode directory, FileName name, Extensions extensions, Worker worker) {
        if (!options.securityLabel() || extensions.securityContexts().isEmpty()) {
            return 0;
        }
        worker.put(Worker.NAME, name);
        int number = NameCalls.tryOpen(directory.fd(), worker.memory, Worker.NAME, Fd.O_PATH, 0);
        if (number < 0) {
            return number;
        }
        try (Fd file = Fd.adopt(number)) {
            return label(file, extensions, worker);
        }
    }

    private int label(Fd file, Extensions extensions, Worker worker) {
        for (Extensions.SecurityContext context : extensions.securityContexts()) {
            ByteString attribute = hostName(context);
            if (attribute == null) {
                return -Errno.EPERM;
            }
            worker.put(Worker.TARGET, attribute);
            file.putDigits(worker.memory, Worker.DIGITS);
            MemorySegment value = worker.large().asSlice(0, context.label().length());
            context.label().copyTo(value, 0);
            int result =
                    AttributeCalls.trySet(worker.memory, Worker.DIGITS, Worker.TARGET, value, 0);
            if (result < 0) {
                return result;
            }
        }
        return 0;
    }

    private @Nullable ByteString hostName(Extensions.SecurityContext context) {
        XattrMap map = options.xattrs() == null ? XattrMap.IDENTITY : options.xattrs();
        return map.toHost(context.name()) instanceof XattrMap.Mapped.Name(var name)
                ? name.bytes()
                : null;
    }

    // --- making and opening -------------------------------------------------------------------

    void create(FuseRequest.Create request, Reply.Created reply) {
        Inode directory = nodes.hold(request.header().node(), reply);
        if (directory == null) {
            return;
        }
        try {
            Worker worker = Worker.current();
            Quota.Claim claim = beginMaking(directory);
            boolean made;
            try {
                // Without room for a new file, one that is there can still be opened.
                made = (quota == null || claim != null) && create(directory, request, reply);
            } finally {
                endMaking(directory, claim);
            }
            if (!made) {
                openExisting(directory, request, worker, quota != null && claim == null, reply);
            }
        } finally {
            directory.letGo();
        }
    }

    /** {@return false, without an answer, if there is such a file, and it may be opened} */
    private boolean create(Inode directory, FuseRequest.Create request, Reply.Created reply) {
        Worker worker = Worker.current();
        if (!nodes.take()) {
            reply.error(Errno.ENFILE);
            return true;
        }
        int flags = files.hostFlags(request.flags());
        worker.put(Worker.NAME, request.name());
        int number =
                credentials.as(
                        request.header(),
                        request.extensions(),
                        worker,
                        () ->
                                NameCalls.tryOpen(
                                        directory.fd(),
                                        worker.memory,
                                        Worker.NAME,
                                        flags | Fd.O_CREAT | Fd.O_EXCL,
                                        mode(directory, request.mode(), request.umask(), worker)
                                                & 07777));
        if (number == -Errno.EEXIST && (request.flags() & Fd.O_EXCL) == 0) {
            nodes.giveBack();
            return false;
        }
        if (number < 0) {
            nodes.giveBack();
            reply.error(number == -Errno.EMFILE ? Errno.ENFILE : -number);
            return true;
        }
        Fd file = Fd.adopt(number);
        int result = options.securityLabel() ? label(file, request.extensions(), worker) : 0;
        worker.put(Worker.NAME, request.name());
        if (result == 0) {
            result =
                    nodes.lookUp(directory, worker.memory, Worker.NAME, true, worker, worker.found);
        }
        Inode inode = worker.found[0];
        if (result == 0) {
            result = nodes.hold(inode);
        }
        if (result < 0) {
            NameCalls.tryUnlink(directory.fd(), worker.memory, Worker.NAME, 0);
            file.close();
            nodes.giveBack();
            reply.error(-result);
            return true;
        }
        settleMade(directory, worker);
        answer(inode, directory, files.add(file, inode), request.flags(), worker, reply);
        return true;
    }

    /** Somebody else has made it meanwhile. */
    private void openExisting(
            Inode directory,
            FuseRequest.Create request,
            Worker worker,
            boolean full,
            Reply.Created reply) {
        worker.put(Worker.NAME, request.name());
        int result =
                nodes.lookUp(directory, worker.memory, Worker.NAME, false, worker, worker.found);
        if (full && result == 0 && (request.flags() & Fd.O_EXCL) != 0) {
            nodes.forget(worker.found[0].node, 1);
            result = -Errno.EEXIST;
        }
        if (result < 0) {
            reply.error(full && result == -Errno.ENOENT ? Errno.ENOSPC : -result);
            return;
        }
        Inode inode = worker.found[0];
        result = nodes.hold(inode);
        if (result == 0) {
            long handle = files.openHeld(inode, request.flags(), request.openFlags(), worker);
            if (handle > 0) {
                answer(inode, directory, handle, request.flags(), worker, reply);
                return;
            }
            result = (int) handle;
        }
        nodes.forget(inode.node, 1);
        reply.error(-result);
    }

    private void answer(
            Inode inode,
            Inode directory,
            long handle,
            int flags,
            Worker worker,
            Reply.Created reply) {
        reply.created(
                inode.node,
                0,
                options.timeoutNanos(),
                options.timeoutNanos(),
                entries.attributes(worker, inode, directory),
                handle,
                files.answerFlags(inode, flags));
    }

    // --- removing and moving ------------------------------------------------------------------

    void unlink(FuseRequest.Unlink request, Reply.Done reply) {
        remove(request.header(), request.name(), 0, reply);
    }

    void rmdir(FuseRequest.Rmdir request, Reply.Done reply) {
        remove(request.header(), request.name(), NameCalls.REMOVE_DIRECTORY, reply);
    }

    private void remove(RequestHeader header, FileName name, int flags, Reply.Done reply) {
        Inode directory = nodes.hold(header.node(), reply);
        if (directory == null) {
            return;
        }
        int result;
        try {
            result = remove(directory, name, flags);
        } finally {
            directory.letGo();
        }
        answer(result, reply);
    }

    private int remove(Inode directory, FileName name, int flags) {
        Worker worker = Worker.current();
        worker.put(Worker.NAME, name);
        Quota.Claim claim = quota == null ? null : quota.beginNames(null, 0, 0);
        try {
            boolean counted =
                    quota != null
                            && NameCalls.tryStatus(
                                            directory.fd(),
                                            worker.memory,
                                            Worker.NAME,
                                            worker.status)
                                    == 0;
            int result = NameCalls.tryUnlink(directory.fd(), worker.memory, Worker.NAME, flags);
            if (result == 0) {
                nodes.removed(directory, name);
                if (counted) {
                    settleRemoved(directory, worker.status);
                }
            }
            return result;
        } finally {
            endMaking(directory, claim);
        }
    }

    private void settleRemoved(Inode directory, StatusView before) {
        if (quota != null) {
            quota.removed(before, number -> nodes.mayKnow(directory, number));
        }
    }

    private static void answer(int result, Reply.Done reply) {
        if (result < 0) {
            reply.error(-result);
        } else {
            reply.done();
        }
    }

    void rename(FuseRequest.Rename request, Reply.Done reply) {
        int flags = request.flags();
        if ((flags & ~(NOREPLACE | EXCHANGE | WHITEOUT)) != 0) {
            reply.error(Errno.EINVAL);
            return;
        }
        Inode from = nodes.hold(request.header().node(), reply);
        if (from == null) {
            return;
        }
        try {
            Inode to = nodes.hold(request.newParent(), reply);
            if (to == null) {
                return;
            }
            try {
                answer(rename(from, to, request), reply);
            } finally {
                to.letGo();
            }
        } finally {
            from.letGo();
        }
    }

    private int rename(Inode from, Inode to, FuseRequest.Rename request) {
        Worker worker = Worker.current();
        worker.put(Worker.NAME, request.name());
        worker.put(Worker.OTHER, request.newName());
        if (quota == null) {
            return renameNow(from, to, request, worker);
        }
        int made = (request.flags() & WHITEOUT) != 0 ? 1 : 0;
        Quota.Claim claim = quota.beginNames(to.fd(), made, made);
        if (claim == null) {
            return -Errno.ENOSPC;
        }
        try {
            boolean replaced = isReplaced(from, to, (request.flags() & EXCHANGE) != 0, worker);
            int result = renameNow(from, to, request, worker);
            if (result == 0 && replaced) {
                settleRemoved(to, worker.status);
            }
            if (result == 0 && made > 0) {
                quota.settle(from.fd(), worker.memory, Worker.NAME);
            }
            quota.settle(from.fd());
            return result;
        } finally {
            endMaking(to, claim);
        }
    }

    /** {@return whether a rename removes a file, which is then what the worker's status is of} */
    private static boolean isReplaced(Inode from, Inode to, boolean exchanged, Worker worker) {
        StatusView status = worker.status;
        if (exchanged || NameCalls.tryStatus(from.fd(), worker.memory, Worker.NAME, status) != 0) {
            return false;
        }
        long number = status.inode();
        long device = status.device();
        return NameCalls.tryStatus(to.fd(), worker.memory, Worker.OTHER, status) == 0
                && (status.inode() != number || status.device() != device);
    }

    private int renameNow(Inode from, Inode to, FuseRequest.Rename request, Worker worker) {
        int result =
                NameCalls.tryRename(
                        from.fd(),
                        worker.memory,
                        Worker.NAME,
                        to.fd(),
                        Worker.OTHER,
                        request.flags());
        if (result == 0) {
            nodes.renamed(
                    from, request.name(), to, request.newName(), (request.flags() & EXCHANGE) != 0);
        }
        return result;
    }

    void link(FuseRequest.Link request, Reply.Entry reply) {
        Inode directory = nodes.hold(request.header().node(), reply);
        if (directory == null) {
            return;
        }
        try {
            Inode inode = nodes.hold(request.node(), reply);
            if (inode == null) {
                return;
            }
            try {
                link(inode, directory, request.name(), reply);
            } finally {
                inode.letGo();
            }
        } finally {
            directory.letGo();
        }
    }

    private void link(Inode inode, Inode directory, FileName name, Reply.Entry reply) {
        Quota.Claim claim = quota == null ? null : quota.beginNames(directory.fd(), 0, 0);
        if (quota != null && claim == null) {
            reply.error(Errno.ENOSPC);
            return;
        }
        try {
            linkNow(inode, directory, name, reply);
        } finally {
            endMaking(directory, claim);
        }
    }

    private void linkNow(Inode inode, Inode directory, FileName name, Reply.Entry reply) {
        Worker worker = Worker.current();
        worker.put(Worker.NAME, name);
        inode.fd().putDigits(worker.memory, Worker.DIGITS);
        int result =
                NameCalls.tryLink(
                        share.links(),
                        worker.memory,
                        Worker.DIGITS,
                        directory.fd(),
                        worker.memory,
                        Worker.NAME);
        if (result < 0) {
            reply.error(-result);
        } else {
            entries.answerMade(directory, name, worker, reply);
        }
    }
}
