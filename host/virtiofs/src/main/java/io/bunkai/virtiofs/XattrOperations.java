// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.fuse.ByteString;
import io.bunkai.fuse.Flags;
import io.bunkai.fuse.FuseRequest;
import io.bunkai.fuse.Reply;
import io.bunkai.fuse.XattrName;
import io.bunkai.linux.AttributeCalls;
import io.bunkai.linux.Errno;
import io.bunkai.linux.FileCalls;
import io.bunkai.linux.NameCalls;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Extended attributes, under the names that the options have for them. */
final class XattrOperations {
    private static final ByteString ACL_ACCESS = ByteString.of("system.posix_acl_access");
    private static final ByteString ACL_DEFAULT = ByteString.of("system.posix_acl_default");
    private static final int S_ISGID = 02000;

    private final Share share;
    private final Nodes nodes;
    private final FileSystemOptions options;
    private final Credentials credentials;
    private final XattrMap map;

    private final @Nullable Quota quota;

    XattrOperations(
            Share share,
            Nodes nodes,
            FileSystemOptions options,
            Credentials credentials,
            @Nullable Quota quota) {
        this.share = share;
        this.nodes = nodes;
        this.options = options;
        this.credentials = credentials;
        XattrMap chosen = options.xattrs();
        this.map = chosen == null ? XattrMap.IDENTITY : chosen;
        this.quota = quota;
    }

    /**
     * {@return what the name is here, or null after the reply was given that it may not be used}
     */
    private @Nullable XattrName name(XattrName name, Reply reply) {
        if (options.xattrs() == null) {
            reply.error(Errno.ENOSYS);
            return null;
        }
        if (!options.posixAcl()
                && (name.bytes().equals(ACL_ACCESS) || name.bytes().equals(ACL_DEFAULT))) {
            reply.error(Errno.EOPNOTSUPP);
            return null;
        }
        return switch (map.toHost(name)) {
            case XattrMap.Mapped.Name(XattrName host) -> host;
            case XattrMap.Mapped.Denied() -> {
                reply.error(Errno.EPERM);
                yield null;
            }
            case XattrMap.Mapped.Unsupported() -> {
                reply.error(Errno.EOPNOTSUPP);
                yield null;
            }
        };
    }

    private static void put(Inode inode, XattrName name, Worker worker) {
        inode.fd().putDigits(worker.memory, Worker.DIGITS);
        worker.put(Worker.TARGET, name.bytes());
    }

    void getxattr(FuseRequest.Getxattr request, Reply.Extended reply) {
        XattrName name = name(request.name(), reply);
        if (name == null) {
            return;
        }
        Inode inode = nodes.hold(request.header().node(), reply);
        if (inode == null) {
            return;
        }
        Worker worker = Worker.current();
        MemorySegment value = worker.large();
        int result;
        try {
            put(inode, name, worker);
            result = AttributeCalls.tryGet(worker.memory, Worker.DIGITS, Worker.TARGET, value);
        } finally {
            inode.letGo();
        }
        if (result < 0) {
            reply.error(-result);
        } else {
            reply.value(value, 0, result);
        }
    }

    void listxattr(FuseRequest.Listxattr request, Reply.Extended reply) {
        if (options.xattrs() == null) {
            reply.error(Errno.ENOSYS);
            return;
        }
        Inode inode = nodes.hold(request.header().node(), reply);
        if (inode == null) {
            return;
        }
        Worker worker = Worker.current();
        MemorySegment names = worker.large();
        int result;
        try {
            inode.fd().putDigits(worker.memory, Worker.DIGITS);
            result = AttributeCalls.tryList(worker.memory, Worker.DIGITS, names);
        } finally {
            inode.letGo();
        }
        if (result < 0) {
            reply.error(-result);
        } else {
            reply.value(visible(ByteString.of(names, 0, result).toByteArray()));
        }
    }

    private ByteString visible(byte[] names) {
        ByteArrayOutputStream kept = new ByteArrayOutputStream(names.length);
        for (int at = 0; at < names.length; ) {
            int end = at;
            while (names[end] != 0) {
                end++;
            }
            if (end > at) {
                ByteString bytes = ByteString.of(Arrays.copyOfRange(names, at, end));
                boolean hidden =
                        !options.posixAcl()
                                && (bytes.equals(ACL_ACCESS) || bytes.equals(ACL_DEFAULT));
                if (!hidden) {
                    map.toGuest(new XattrName(bytes))
                            .ifPresent(name -> {
                                kept.writeBytes(name.bytes().toByteArray());
                                kept.write(0);
                            });
                }
            }
            at = end + 1;
        }
        return ByteString.of(kept.toByteArray());
    }

    void setxattr(FuseRequest.Setxattr request, Reply.Done reply) {
        XattrName name = name(request.name(), reply);
        if (name == null) {
            return;
        }
        Inode inode = nodes.hold(request.header().node(), reply);
        if (inode == null) {
            return;
        }
        Quota.Claim claim = quota == null ? null : quota.claimAttribute(request.value().length());
        if (quota != null && claim == null) {
            inode.letGo();
            reply.error(Errno.ENOSPC);
            return;
        }
        Worker worker = Worker.current();
        int result;
        try {
            MemorySegment value = worker.large().asSlice(0, request.value().length());
            request.value().copyTo(value, 0);
            put(inode, name, worker);
            boolean kill = (request.setxattrFlags() & Flags.SETXATTR_ACL_KILL_SGID) != 0;
            result =
                    (int)
                            credentials.withoutSetId(
                                    kill,
                                    worker,
                                    () ->
                                            AttributeCalls.trySet(
                                                    worker.memory,
                                                    Worker.DIGITS,
                                                    Worker.TARGET,
                                                    value,
                                                    request.flags()));
            if (result == 0 && kill) {
                result = dropSetGroupId(inode, worker);
            }
        } finally {
            settle(inode, claim);
            inode.letGo();
        }
        answer(result, reply);
    }

    private void settle(Inode inode, Quota.@Nullable Claim claim) {
        if (quota != null && claim != null) {
            quota.settle(inode.fd());
            quota.end(claim);
        }
    }

    /** The kernel only does so itself for who is not in the file's group, which root always is. */
    private int dropSetGroupId(Inode inode, Worker worker) {
        int result = FileCalls.tryStatus(inode.fd(), worker.status);
        int mode = worker.status.mode();
        if (result < 0 || (mode & S_ISGID) == 0) {
            return result;
        }
        inode.fd().putDigits(worker.memory, Worker.DIGITS);
        return NameCalls.tryChmod(
                share.links(), worker.memory, Worker.DIGITS, mode & 07777 & ~S_ISGID);
    }

    void removexattr(FuseRequest.Removexattr request, Reply.Done reply) {
        XattrName name = name(request.name(), reply);
        if (name == null) {
            return;
        }
        Inode inode = nodes.hold(request.header().node(), reply);
        if (inode == null) {
            return;
        }
        Quota.Claim claim = quota == null ? null : quota.claimNothing();
        int result;
        try {
            Worker worker = Worker.current();
            put(inode, name, worker);
            result = AttributeCalls.tryRemove(worker.memory, Worker.DIGITS, Worker.TARGET);
        } finally {
            settle(inode, claim);
            inode.letGo();
        }
        answer(result, reply);
    }

    private static void answer(int result, Reply.Done reply) {
        if (result < 0) {
            reply.error(-result);
        } else {
            reply.done();
        }
    }
}
