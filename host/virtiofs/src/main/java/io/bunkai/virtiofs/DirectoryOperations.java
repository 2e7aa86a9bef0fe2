// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.fuse.FileAttributes;
import io.bunkai.fuse.Flags;
import io.bunkai.fuse.FuseRequest;
import io.bunkai.fuse.Reply;
import io.bunkai.linux.Errno;
import io.bunkai.linux.Fd;
import io.bunkai.linux.FileCalls;
import io.bunkai.linux.NameCalls;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Opening and listing directories. */
final class DirectoryOperations {
    /** The length of an entry as the host tells it, beside that which READDIRPLUS makes of it. */
    private static final int PLUS_FACTOR = 5;

    /** Room for any one entry. */
    private static final int LEAST_BYTES = 1024;

    private final Share share;
    private final Nodes nodes;
    private final OpenFiles files;
    private final NodeOperations entries;
    private final FileSystemOptions options;

    DirectoryOperations(
            Share share,
            Nodes nodes,
            OpenFiles files,
            NodeOperations entries,
            FileSystemOptions options) {
        this.share = share;
        this.nodes = nodes;
        this.files = files;
        this.entries = entries;
        this.options = options;
    }

    void opendir(FuseRequest.Opendir request, Reply.Opened reply) {
        Inode inode = nodes.hold(request.header().node(), reply);
        if (inode == null) {
            return;
        }
        int result = inode.isDirectory() ? 0 : -Errno.ENOTDIR;
        if (result == 0 && !nodes.take()) {
            result = -Errno.ENFILE;
        }
        if (result == 0) {
            Worker worker = Worker.current();
            inode.fd().putDigits(worker.memory, Worker.DIGITS);
            result =
                    NameCalls.tryReopen(
                            share.links(),
                            worker.memory,
                            Worker.DIGITS,
                            Fd.O_RDONLY | Fd.O_DIRECTORY);
            if (result >= 0) {
                int told =
                        options.cache().isTrusting()
                                ? Flags.FOPEN_CACHE_DIR | Flags.FOPEN_KEEP_CACHE
                                : 0;
                reply.opened(files.add(Fd.adopt(result), inode).handle, told);
                return;
            }
            nodes.giveBack();
        }
        inode.letGo();
        reply.error(result == -Errno.EMFILE ? Errno.ENFILE : -result);
    }

    void releasedir(FuseRequest.Releasedir request, Reply.Done reply) {
        if (files.release(request.handle())) {
            reply.done();
        } else {
            reply.error(Errno.EBADF);
        }
    }

    /** Takes one entry of the host, if it fits. */
    private interface Taker {
        boolean take(MemorySegment memory, long at, int nameLength);
    }

    void readdir(FuseRequest.Readdir request, Reply.Directory reply) {
        OpenFile file = files.hold(request.handle());
        if (file == null) {
            reply.error(Errno.EBADF);
            return;
        }
        long result;
        try {
            result =
                    list(
                            file,
                            request,
                            request.size(),
                            (memory, at, length) ->
                                    reply.add(
                                            inode(memory, at),
                                            next(memory, at),
                                            type(memory, at),
                                            memory,
                                            at + FileCalls.ENTRY_NAME,
                                            length));
        } finally {
            file.letGo();
        }
        if (result < 0) {
            reply.error((int) -result);
        } else {
            reply.done();
        }
    }

    void readdirplus(FuseRequest.Readdir request, Reply.DirectoryPlus reply) {
        OpenFile file = files.hold(request.handle());
        if (file == null) {
            reply.error(Errno.EBADF);
            return;
        }
        long result;
        try {
            Worker worker = Worker.current();
            result =
                    list(
                            file,
                            request,
                            request.size() / PLUS_FACTOR,
                            (memory, at, length) ->
                                    reply.fits(length)
                                            && add(file.inode, memory, at, length, worker, reply));
        } finally {
            file.letGo();
        }
        if (result < 0) {
            reply.error((int) -result);
        } else {
            reply.done();
        }
    }

    private boolean add(
            Inode directory,
            MemorySegment memory,
            long at,
            int length,
            Worker worker,
            Reply.DirectoryPlus reply) {
        long name = at + FileCalls.ENTRY_NAME;
        long number = inode(memory, at);
        long node = 0;
        FileAttributes attributes = null;
        if (!isDots(memory, name, length)) {
            boolean unlikely = !nodes.mayKnow(directory, number);
            int result = nodes.lookUp(directory, memory, name, unlikely, worker, worker.found);
            if (result == -Errno.ENOENT) {
                return true; // removed meanwhile
            }
            if (result == 0) { // or else the name alone is told, and the guest looks it up
                node = worker.found[0].node;
                attributes = entries.attributes(worker, worker.found[0], directory);
                number = worker.status.inode();
            }
        }
        boolean added =
                reply.add(
                        node,
                        0,
                        options.timeoutNanos(),
                        options.timeoutNanos(),
                        attributes,
                        number,
                        next(memory, at),
                        type(memory, at),
                        memory,
                        name,
                        length);
        if (!added && node != 0) {
            nodes.forget(node, 1);
        }
        return added;
    }

    /** Hands over entries until one is not taken, or the room that was asked for is full. */
    private static long list(OpenFile file, FuseRequest.Readdir request, int bytes, Taker taker) {
        if (!file.inode.isDirectory()) {
            return -Errno.ENOTDIR;
        }
        MemorySegment all = Worker.current().large();
        long size = Math.max(LEAST_BYTES, Math.min(bytes, all.byteSize()));
        MemorySegment memory = all.asSlice(0, size & -8);
        synchronized (file) {
            long result = file.seek(request.offset());
            if (result < 0) {
                return result;
            }
            long position = request.offset();
            int end = FileCalls.tryEntries(file.fd(), memory);
            if (end < 0) {
                return end;
            }
            for (int at = 0; at < end; at += bytes(memory, at)) {
                if (!taker.take(memory, at, nameLength(memory, at))) {
                    file.stands(UNKNOWN);
                    return 0;
                }
                position = next(memory, at);
            }
            file.stands(position);
            return 0;
        }
    }

    private static final long UNKNOWN = -1;

    private static long inode(MemorySegment memory, long at) {
        return memory.get(ValueLayout.JAVA_LONG, at + FileCalls.ENTRY_INODE);
    }

    private static long next(MemorySegment memory, long at) {
        return memory.get(ValueLayout.JAVA_LONG, at + FileCalls.ENTRY_NEXT);
    }

    private static int bytes(MemorySegment memory, long at) {
        return memory.get(ValueLayout.JAVA_SHORT, at + FileCalls.ENTRY_BYTES) & 0xffff;
    }

    private static int type(MemorySegment memory, long at) {
        return memory.get(ValueLayout.JAVA_BYTE, at + FileCalls.ENTRY_TYPE) & 0xff;
    }

    private static int nameLength(MemorySegment memory, long at) {
        long start = at + FileCalls.ENTRY_NAME;
        int length = 0;
        while (memory.get(ValueLayout.JAVA_BYTE, start + length) != 0) {
            length++;
        }
        return length;
    }

    private static boolean isDots(MemorySegment memory, long name, int length) {
        return memory.get(ValueLayout.JAVA_BYTE, name) == '.'
                && (length == 1
                        || (length == 2 && memory.get(ValueLayout.JAVA_BYTE, name + 1) == '.'));
    }
}
