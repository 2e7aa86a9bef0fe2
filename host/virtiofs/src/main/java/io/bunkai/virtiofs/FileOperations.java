// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.fuse.Flags;
import io.bunkai.fuse.FuseRequest;
import io.bunkai.fuse.Reply;
import io.bunkai.linux.Errno;
import io.bunkai.linux.Fd;
import io.bunkai.linux.FileCalls;
import io.bunkai.linux.NameCalls;
import org.jspecify.annotations.Nullable;

/** What is done with open files, but for reading and writing them. */
final class FileOperations {
    private static final int ACCESS_MODE = 3;
    private static final int O_SYNC = 0x101000;

    /** What of the flags of the guest the host is told: nothing that makes or follows names. */
    private static final int PASSED = ACCESS_MODE | Fd.O_TRUNC | Fd.O_NONBLOCK | O_SYNC;

    /** Of {@code FALLOC_FL_*}: what takes nothing. */
    private static final int PUNCH_HOLE = 2;

    private static final int COLLAPSE_RANGE = 8;
    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;

    private final Share share;
    private final Nodes nodes;
    private final OpenFiles files;
    private final FileSystemOptions options;
    private final Credentials credentials;
    private final DataGate gate;

    private final @Nullable Quota quota;

    FileOperations(
            Share share,
            Nodes nodes,
            OpenFiles files,
            FileSystemOptions options,
            Credentials credentials,
            DataGate gate,
            @Nullable Quota quota) {
        this.share = share;
        this.nodes = nodes;
        this.files = files;
        this.options = options;
        this.credentials = credentials;
        this.gate = gate;
        this.quota = quota;
    }

    // --- opening ------------------------------------------------------------------------------

    void open(FuseRequest.Open request, Reply.Opened reply) {
        Inode inode = nodes.hold(request.header().node(), reply);
        if (inode == null) {
            return;
        }
        long handle = openHeld(inode, request.flags(), request.openFlags(), Worker.current());
        if (handle < 0) {
            reply.error((int) -handle);
        } else {
            reply.opened(handle, answerFlags(inode, request.flags()));
        }
    }

    /**
     * Opens a file that the guest knows.
     *
     * @param inode held; let go when the open file is closed, or at once if it cannot be opened
     * @return a handle, or a negated errno
     */
    long openHeld(Inode inode, int flags, int openFlags, Worker worker) {
        long result = inode.isRegular() ? 0 : -Errno.EBADF;
        if (result == 0 && !nodes.take()) {
            result = -Errno.ENFILE;
        }
        if (result < 0) {
            inode.letGo();
            return result;
        }
        boolean kill =
                options.killprivV2()
                        && (openFlags & Flags.OPEN_KILL_SUIDGID) != 0
                        && (flags & Fd.O_TRUNC) != 0;
        Quota.Claim claim =
                quota != null && (flags & Fd.O_TRUNC) != 0 ? quota.claimNothing() : null;
        inode.fd().putDigits(worker.memory, Worker.DIGITS);
        result =
                credentials.withoutSetId(
                        kill,
                        worker,
                        () ->
                                NameCalls.tryReopen(
                                        share.links(),
                                        worker.memory,
                                        Worker.DIGITS,
                                        hostFlags(flags)));
        if (quota != null && claim != null) {
            quota.settle(inode.fd());
            quota.end(claim);
        }
        if (result < 0) {
            nodes.giveBack();
            inode.letGo();
            return result == -Errno.EMFILE ? -Errno.ENFILE : result;
        }
        return files.add(Fd.adopt((int) result), inode).handle;
    }

    /** Makes a file known that was opened; see {@link OpenFiles#add}. */
    long add(Fd file, Inode held) {
        return files.add(file, held).handle;
    }

    /** {@return whether a file is opened so in order to change it} */
    static boolean changes(int flags) {
        return (flags & ACCESS_MODE) != Fd.O_RDONLY || (flags & Fd.O_TRUNC) != 0;
    }

    /** {@return the flags to open a file with} Appending is told with each write. */
    int hostFlags(int flags) {
        int passed = flags & PASSED;
        if (options.directIo()) {
            passed |= flags & Fd.O_DIRECT;
        }
        if (options.noatime()) {
            passed |= flags & Fd.O_NOATIME;
        }
        if (options.writeback() && (passed & ACCESS_MODE) == Fd.O_WRONLY) {
            // The guest fills the rest of a page by reading it.
            passed = (passed & ~ACCESS_MODE) | Fd.O_RDWR;
        }
        return passed;
    }

    /** {@return what the guest is told about an open file, bits of {@code FOPEN_*}} */
    int answerFlags(Inode inode, int flags) {
        int told = 0;
        if (options.cache().isDirect()
                || (options.directIo() && (flags & Fd.O_DIRECT) != 0 && !options.writeback())) {
            told |= Flags.FOPEN_DIRECT_IO | Flags.FOPEN_PARALLEL_DIRECT_WRITES;
        } else if (options.cache().isTrusting()) {
            told |= Flags.FOPEN_KEEP_CACHE;
        }
        if (!inode.mount.tellsErrorsWhenClosing()) {
            told |= Flags.FOPEN_NOFLUSH;
        }
        return told;
    }

    void release(FuseRequest.Release request, Reply.Done reply) {
        if (quota != null) {
            settle(request.handle());
        }
        if (files.release(request.handle())) {
            reply.done();
        } else {
            reply.error(Errno.EBADF);
        }
    }

    /** The file system may have needed more for a file after it was written. */
    private void settle(long handle) {
        OpenFile file = files.hold(handle);
        if (file != null && quota != null) {
            quota.settle(file.fd());
        }
        if (file != null) {
            file.letGo();
        }
    }

    // --- the rest -----------------------------------------------------------------------------

    /** Some file systems tell only the one who closes a file that writing it has failed. */
    void flush(FuseRequest.Flush request, Reply.Done reply) {
        OpenFile file = files.hold(request.handle());
        if (file == null) {
            reply.error(Errno.EBADF);
            return;
        }
        int result = 0;
        try {
            if (file.inode.mount.tellsErrorsWhenClosing()) {
                result = FileCalls.tryCloseCopy(file.fd());
            }
        } finally {
            file.letGo();
        }
        answer(result, reply);
    }

    void fsync(FuseRequest.Fsync request, Reply.Done reply) {
        sync(request.handle(), request.flags(), reply);
    }

    void fsyncdir(FuseRequest.Fsyncdir request, Reply.Done reply) {
        sync(request.handle(), request.flags(), reply);
    }

    private void sync(long handle, int flags, Reply.Done reply) {
        OpenFile file = files.hold(handle);
        if (file == null) {
            reply.error(Errno.EBADF);
            return;
        }
        gate.slowly(() -> {
            int result;
            try {
                result = FileCalls.trySync(file.fd(), (flags & Flags.FSYNC_FDATASYNC) != 0);
                if (quota != null) {
                    quota.settle(file.fd());
                }
            } finally {
                file.letGo();
            }
            answer(result, reply);
        });
    }

    void syncfs(FuseRequest.Syncfs request, Reply.Done reply) {
        Inode inode = nodes.hold(request.header().node(), reply);
        if (inode == null) {
            return;
        }
        gate.slowly(() -> {
            int result;
            try {
                result = syncFileSystem(inode, Worker.current());
            } finally {
                inode.letGo();
            }
            answer(result, reply);
        });
    }

    private int syncFileSystem(Inode inode, Worker worker) {
        if (!inode.isOpenable()) {
            return -Errno.EBADF;
        }
        inode.fd().putDigits(worker.memory, Worker.DIGITS);
        int number = NameCalls.tryReopen(share.links(), worker.memory, Worker.DIGITS, Fd.O_RDONLY);
        if (number < 0) {
            return number;
        }
        try (Fd file = Fd.adopt(number)) {
            return FileCalls.trySyncFileSystem(file);
        }
    }

    void fallocate(FuseRequest.Fallocate request, Reply.Done reply) {
        OpenFile file = files.hold(request.handle());
        if (file == null) {
            reply.error(Errno.EBADF);
            return;
        }
        gate.move(
                request.length(),
                () -> {
                    int result;
                    try {
                        result = allocate(file.fd(), request);
                    } finally {
                        file.letGo();
                    }
                    answer(result, reply);
                });
    }

    private int allocate(Fd file, FuseRequest.Fallocate request) {
        int mode = request.mode();
        if (quota == null) {
            return FileCalls.tryAllocate(file, mode, request.offset(), request.length());
        }
        Quota.Claim claim =
                (mode & (PUNCH_HOLE | COLLAPSE_RANGE)) != 0
                        ? quota.claimNothing()
                        : quota.claimRange(file, request.offset(), request.length(), false);
        if (claim == null) {
            return -Errno.ENOSPC;
        }
        try {
            int result = FileCalls.tryAllocate(file, mode, request.offset(), request.length());
            quota.settle(file);
            return result;
        } finally {
            quota.end(claim);
        }
    }

    void lseek(FuseRequest.Lseek request, Reply.Offset reply) {
        OpenFile file = files.hold(request.handle());
        if (file == null) {
            reply.error(Errno.EBADF);
            return;
        }
        long result;
        try {
            boolean known = request.whence() == SEEK_DATA || request.whence() == SEEK_HOLE;
            result =
                    known
                            ? FileCalls.trySeek(file.fd(), request.offset(), request.whence())
                            : -Errno.EINVAL;
        } finally {
            file.letGo();
        }
        if (result < 0) {
            reply.error((int) -result);
        } else {
            reply.offset(result);
        }
    }

    void copyFileRange(FuseRequest.CopyFileRange request, Reply.Copied reply) {
        if (request.flags() != 0) {
            reply.error(Errno.EINVAL);
            return;
        }
        OpenFile from = files.hold(request.handle());
        OpenFile to = from == null ? null : files.hold(request.targetHandle());
        if (from == null || to == null) {
            if (from != null) {
                from.letGo();
            }
            reply.error(Errno.EBADF);
            return;
        }
        // The narrow form of the answer has 32 bits, and the kernel copies less than that at once.
        long length = Math.min(request.length(), Integer.MAX_VALUE & ~4095);
        gate.move(
                length,
                () -> {
                    long result;
                    try {
                        result = copy(from.fd(), to.fd(), request, length, Worker.current());
                    } finally {
                        from.letGo();
                        to.letGo();
                    }
                    if (result < 0) {
                        reply.error((int) -result);
                    } else {
                        reply.copied(result);
                    }
                });
    }

    private long copy(Fd from, Fd to, FuseRequest.CopyFileRange request, long most, Worker worker) {
        long offset = request.offset();
        long target = request.targetOffset();
        if (quota == null) {
            return FileCalls.tryCopy(from, offset, to, target, most, worker.struct);
        }
        int known = FileCalls.tryStatus(from, worker.status);
        if (known < 0) {
            return known;
        }
        long there = Math.clamp(worker.status.size() - offset, 0, most);
        Quota.Claim claim = quota.claimRange(to, target, there, true);
        if (claim == null) {
            return -Errno.ENOSPC;
        }
        try {
            long result =
                    FileCalls.tryCopy(from, offset, to, target, claim.length(), worker.struct);
            quota.settle(to);
            return result;
        } finally {
            quota.end(claim);
        }
    }

    private static void answer(int result, Reply.Done reply) {
        if (result < 0) {
            reply.error(-result);
        } else {
            reply.done();
        }
    }
}
