// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.fuse.Flags;
import io.bunkai.fuse.Ranges;
import io.bunkai.fuse.Reply;
import io.bunkai.fuse.RequestView;
import io.bunkai.linux.Errno;
import io.bunkai.linux.Fd;
import io.bunkai.linux.IoVector;
import org.jspecify.annotations.Nullable;

/**
 * Reading and writing. The kernel moves the data between the file and the guest's memory, without a
 * copy of ours; nothing is allocated.
 */
final class DataOperations {
    private static final int RWF_APPEND = 0x10;

    private final OpenFiles files;
    private final FileSystemOptions options;
    private final Credentials credentials;
    private final Capabilities capabilities;
    private final DataGate gate;

    private final @Nullable Quota quota;

    DataOperations(
            OpenFiles files,
            FileSystemOptions options,
            Credentials credentials,
            Capabilities capabilities,
            DataGate gate,
            @Nullable Quota quota) {
        this.files = files;
        this.options = options;
        this.credentials = credentials;
        this.capabilities = capabilities;
        this.gate = gate;
        this.quota = quota;
    }

    void read(RequestView.Read request, Reply.Data reply) {
        if (gate.now(request.size(), Worker.current())) {
            readNow(request, reply);
        } else {
            gate.move(request.size(), () -> readNow(request, reply));
        }
    }

    private void readNow(RequestView.Read request, Reply.Data reply) {
        OpenFile file = files.hold(request.handle());
        if (file == null) {
            reply.error(Errno.EBADF);
            return;
        }
        long result;
        try {
            Worker worker = Worker.current();
            long begun = gate.begin(request.size(), worker);
            result = read(file.fd(), reply.space(), request.offset(), worker.vector);
            gate.end(begun, request.size(), worker);
        } finally {
            file.letGo();
        }
        if (result < 0) {
            reply.error((int) -result);
        } else {
            reply.data((int) result);
        }
    }

    private static long read(Fd file, Ranges space, long offset, IoVector vector) {
        int next = 0;
        long done = 0;
        do {
            next = fill(vector, space, next, Long.MAX_VALUE);
            long n = vector.tryReadFrom(file, offset + done, 0);
            if (n < 0) {
                return done > 0 ? done : n;
            }
            done += n;
            if (n < vector.bytes()) {
                return done; // the end of the file
            }
        } while (next < space.count());
        return done;
    }

    /** {@return the first piece that did not fit} */
    private static int fill(IoVector vector, Ranges ranges, int from, long most) {
        vector.clear();
        int next = from;
        while (next < ranges.count()
                && vector.bytes() < most
                && vector.add(
                        ranges.segment(next),
                        ranges.offset(next),
                        Math.min(ranges.length(next), most - vector.bytes()))) {
            next++;
        }
        return next;
    }

    void write(RequestView.Write request, Reply.Written reply) {
        if (gate.now(request.size(), Worker.current())) {
            writeNow(request, reply);
        } else {
            gate.move(request.size(), () -> writeNow(request, reply));
        }
    }

    private void writeNow(RequestView.Write request, Reply.Written reply) {
        OpenFile file = files.hold(request.handle());
        if (file == null) {
            reply.error(Errno.EBADF);
            return;
        }
        long result;
        try {
            Worker worker = Worker.current();
            capabilities.remove(file.inode, worker);
            long begun = gate.begin(request.size(), worker);
            boolean kill =
                    options.killprivV2() && (request.writeFlags() & Flags.WRITE_KILL_SUIDGID) != 0;
            result =
                    kill
                            ? credentials.withoutSetId(
                                    true, worker, () -> writeWithin(file.fd(), request, worker))
                            : writeWithin(file.fd(), request, worker);
            gate.end(begun, request.size(), worker);
        } finally {
            file.letGo();
        }
        if (result < 0) {
            reply.error((int) -result);
        } else {
            reply.written((int) result);
        }
    }

    private long writeWithin(Fd file, RequestView.Write request, Worker worker) {
        // What comes from the page cache has its place already.
        boolean cached = (request.writeFlags() & Flags.WRITE_CACHE) != 0;
        boolean appends = (request.flags() & Fd.O_APPEND) != 0 && !cached;
        if (quota == null) {
            return write(file, request, appends, Long.MAX_VALUE, worker.vector);
        }
        long at = appends ? Quota.APPEND : request.offset();
        // The guest's cache would lose what is not written of what it has collected.
        Quota.Claim claim = quota.claimRange(file, at, request.size(), !cached);
        if (claim == null) {
            return -Errno.ENOSPC;
        }
        try {
            long result = write(file, request, appends, claim.length(), worker.vector);
            quota.settle(file);
            return result;
        } finally {
            quota.end(claim);
        }
    }

    private static long write(
            Fd file, RequestView.Write request, boolean appends, long most, IoVector vector) {
        Ranges data = request.data();
        int next = 0;
        long done = 0;
        do {
            next = fill(vector, data, next, most - done);
            if (vector.count() == 0) {
                return done;
            }
            long n = vector.tryWriteTo(file, request.offset() + done, appends ? RWF_APPEND : 0);
            if (n < 0) {
                return done > 0 ? done : n;
            }
            done += n;
            if (n < vector.bytes()) {
                return done;
            }
        } while (next < data.count());
        return done;
    }
}
