// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import io.bunkai.linux.Errno;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Decodes requests, calls a {@link FileSystem}, and lets it answer: all that is between a transport
 * and a file system. It has no thread of its own, and may be called by any number of threads at
 * once, each with its own {@link FuseExchange}.
 *
 * <p>Whatever the peer sends, every exchange comes back exactly once, and what is not as the
 * protocol has it reaches no file system: it is answered with an error, or with nothing if there is
 * no room for one. That covers the room for the reply, too, so that nothing is done whose result
 * could not be told.
 */
public final class FuseServer {
    private static final Logger LOG = System.getLogger(FuseServer.class.getName());

    /** PATH_MAX of Linux: no target is longer. */
    private static final int MOST_TARGET = 4096;

    private final FileSystem files;
    private final InitOptions options;
    private final LongAdder malformed = new LongAdder();
    private final AtomicLong failed = new AtomicLong();
    private final AtomicLong refused = new AtomicLong();
    private final ReentrantLock lifecycle = new ReentrantLock(); // INIT and DESTROY, one at a time
    private volatile Agreement agreement = Agreement.NONE;

    /** A server that waits for an INIT. */
    public FuseServer(FileSystem files, InitOptions options) {
        this.files = files;
        this.options = options;
    }

    /** {@return what was agreed on, while the file system is mounted} */
    public Optional<Agreement> agreement() {
        Agreement now = agreement;
        return now.isMade() ? Optional.of(now) : Optional.empty();
    }

    /** {@return how many requests were not as the protocol has it} */
    public long malformed() {
        return malformed.sum();
    }

    /** {@return how many requests ended in an exception of the file system} */
    public long failed() {
        return failed.get();
    }

    /**
     * Serves one request. When this returns the exchange is either back at its transport or will
     * come back later.
     *
     * @throws IllegalStateException if the exchange still belongs to another request
     */
    public void serve(FuseExchange exchange) {
        serve(exchange, Admission.FREE);
    }

    /**
     * Serves one request when it is admitted: now, or by {@link #resume}.
     *
     * @throws IllegalStateException if the exchange still belongs to another request
     */
    public void serve(FuseExchange exchange, Admission admission) {
        RequestView view = exchange.view();
        ReplyEncoder reply = exchange.encoder();
        long opened = reply.open();
        exchange.opened = opened;
        Agreement now = agreement;
        Opcode opcode;
        try {
            view.decode(exchange.request(), now);
            opcode = view.opcode();
            reply.expect(view.unique(), opcode, 0);
            if (opcode == null) {
                reply.error(unknown(view));
                return;
            }
            if (opcode.hasReply()) {
                reply.expect(view.unique(), opcode, room(view, opcode, exchange.reply().bytes()));
            }
        } catch (FuseProtocolException e) {
            malformed.increment();
            reply.expect(view.unique(), view.opcode(), 0);
            reply.error(e.errno());
            return;
        }
        if (admission.admits(view)) {
            carryOut(view, opcode, reply, opened);
        }
    }

    /**
     * Carries a request out that was not admitted when it came. By any thread, once.
     *
     * @throws IllegalStateException if there is no such request
     */
    public void resume(FuseExchange exchange) {
        RequestView view = exchange.view();
        Opcode opcode = view.opcode();
        if (opcode == null) {
            throw new IllegalStateException("no request waits to be carried out");
        }
        carryOut(view, opcode, exchange.encoder(), exchange.opened);
    }

    private void carryOut(RequestView view, Opcode opcode, ReplyEncoder reply, long opened) {
        try {
            if (!agreement.isMade() && opcode != Opcode.INIT) {
                reply.error(Errno.EIO); // nobody has mounted it
            } else {
                dispatch(view, opcode, reply);
            }
        } catch (RuntimeException e) {
            long count = failed.incrementAndGet();
            if (isWorthALine(count)) {
                LOG.log(
                        Level.ERROR,
                        "A request has failed in the file system. opcode=%s count=%d"
                                .formatted(opcode, count),
                        e);
            }
            reply.tryError(opened, Errno.EIO);
        }
    }

    private int unknown(RequestView view) {
        if (view.header().opcode() == Opcode.INIT_BYTE_SWAPPED) {
            malformed.increment();
            return Wire.EPROTO; // a peer of the other byte order: nothing else would make sense
        }
        return Errno.ENOSYS;
    }

    /**
     * {@return how many bytes of data the reply may have}
     *
     * @throws FuseProtocolException if a good reply would not fit where the peer wants it
     */
    private static int room(RequestView view, Opcode opcode, long available)
            throws FuseProtocolException {
        long fixed = (long) Wire.OUT_HEADER_BYTES + opcode.replyBytes();
        long wanted = Math.max(0, view.replyRoom());
        long needed =
                switch (opcode) {
                    case READ -> wanted;
                    // The size, or that many bytes.
                    case GETXATTR, LISTXATTR -> wanted == 0 ? Structs.GETXATTR_OUT.bytes() : wanted;
                    case IOCTL -> wanted;
                    default -> 0;
                };
        if (available < fixed + needed) {
            throw new FuseProtocolException(
                    Errno.EINVAL,
                    "a reply of " + (fixed + needed) + " bytes has room for " + available);
        }
        return switch (opcode) {
            case READLINK -> (int) Math.min(MOST_TARGET, available - fixed);
            case READDIR, READDIRPLUS -> (int) Math.min(wanted, available - fixed);
            default -> (int) wanted;
        };
    }

    private void dispatch(RequestView view, Opcode opcode, ReplyEncoder reply) {
        switch (opcode) {
            case LOOKUP -> files.lookup(view.lookup(), reply);
            case GETATTR -> files.getattr(view.getattr(), reply);
            case READ -> files.read(view.read(), reply);
            case WRITE -> files.write(view.write(), reply);
            case FORGET, BATCH_FORGET -> {
                MemorySegment one = reply.scratch();
                int count = view.forgets();
                for (int i = 0; i < count; i++) {
                    long node = view.forgetNode(i, one);
                    files.forget(node, RequestView.forgetCount(one));
                }
                reply.nothing();
            }
            default -> dispatch(FuseRequest.of(view), reply);
        }
    }

    private void dispatch(FuseRequest request, ReplyEncoder reply) {
        switch (request) {
            case FuseRequest.Setattr setattr -> files.setattr(setattr, reply);
            case FuseRequest.Readlink readlink -> files.readlink(readlink, reply);
            case FuseRequest.Symlink symlink -> files.symlink(symlink, reply);
            case FuseRequest.Mknod mknod -> files.mknod(mknod, reply);
            case FuseRequest.Mkdir mkdir -> files.mkdir(mkdir, reply);
            case FuseRequest.Unlink unlink -> files.unlink(unlink, reply);
            case FuseRequest.Rmdir rmdir -> files.rmdir(rmdir, reply);
            case FuseRequest.Rename rename -> files.rename(rename, reply);
            case FuseRequest.Link link -> files.link(link, reply);
            case FuseRequest.Open open -> files.open(open, reply);
            case FuseRequest.Statfs statfs -> files.statfs(statfs, reply);
            case FuseRequest.Release release -> files.release(release, reply);
            case FuseRequest.Fsync fsync -> files.fsync(fsync, reply);
            case FuseRequest.Setxattr setxattr -> files.setxattr(setxattr, reply);
            case FuseRequest.Getxattr getxattr -> files.getxattr(getxattr, reply);
            case FuseRequest.Listxattr listxattr -> files.listxattr(listxattr, reply);
            case FuseRequest.Removexattr removexattr -> files.removexattr(removexattr, reply);
            case FuseRequest.Flush flush -> files.flush(flush, reply);
            case FuseRequest.Init init -> init(init, reply);
            case FuseRequest.Opendir opendir -> files.opendir(opendir, reply);
            case FuseRequest.Readdir readdir -> {
                if (readdir.plus()) {
                    files.readdirplus(readdir, reply);
                } else {
                    files.readdir(readdir, reply);
                }
            }
            case FuseRequest.Releasedir releasedir -> files.releasedir(releasedir, reply);
            case FuseRequest.Fsyncdir fsyncdir -> files.fsyncdir(fsyncdir, reply);
            case FuseRequest.Getlk getlk -> files.getlk(getlk, reply);
            case FuseRequest.Setlk setlk -> files.setlk(setlk, reply);
            case FuseRequest.Access access -> files.access(access, reply);
            case FuseRequest.Create create -> files.create(create, reply);
            case FuseRequest.Tmpfile tmpfile -> files.tmpfile(tmpfile, reply);
            case FuseRequest.Interrupt interrupt -> {
                if (files.interrupt(interrupt.target())) {
                    reply.nothing();
                } else {
                    reply.error(Errno.ENOSYS);
                }
            }
            case FuseRequest.Bmap bmap -> files.bmap(bmap, reply);
            case FuseRequest.Destroy _ -> {
                end();
                reply.done();
            }
            case FuseRequest.Ioctl ioctl -> files.ioctl(ioctl, reply);
            case FuseRequest.Poll poll -> files.poll(poll, reply);
            case FuseRequest.NotifyReply notifyReply -> {
                files.notifyReply(notifyReply);
                reply.nothing();
            }
            case FuseRequest.Fallocate fallocate -> files.fallocate(fallocate, reply);
            case FuseRequest.Lseek lseek -> files.lseek(lseek, reply);
            case FuseRequest.CopyFileRange copy -> files.copyFileRange(copy, reply);
            case FuseRequest.SetupMapping mapping -> files.setupMapping(mapping, reply);
            case FuseRequest.RemoveMapping mapping -> files.removeMapping(mapping, reply);
            case FuseRequest.Syncfs syncfs -> files.syncfs(syncfs, reply);
            case FuseRequest.Statx statx -> files.statx(statx, reply);
            case FuseRequest.Lookup _,
                    FuseRequest.Getattr _,
                    FuseRequest.Read _,
                    FuseRequest.Write _,
                    FuseRequest.Forget _,
                    FuseRequest.BatchForget _,
                    FuseRequest.Unknown _ ->
                    throw new AssertionError("served without a record: " + request);
        }
    }

    // --- the life of the file system ---

    private void init(FuseRequest.Init offer, ReplyEncoder reply) {
        switch (Negotiation.of(offer, options)) {
            case Negotiation.Agreed(Agreement agreed) -> {
                begin(agreed);
                answer(agreed, reply);
            }
            case Negotiation.Newer() -> answer(null, reply);
            case Negotiation.Refused(int errno, String reason) -> {
                long count = refused.incrementAndGet();
                if (isWorthALine(count)) {
                    LOG.log(
                            Level.WARNING,
                            "An INIT is refused. reason=%s count=%d".formatted(reason, count));
                }
                reply.error(errno);
            }
        }
    }

    /** The first, second, fourth, eighth and so on: a hostile kernel shall not fill the log. */
    private static boolean isWorthALine(long count) {
        return Long.bitCount(count) == 1;
    }

    /** A second INIT is a peer that has restarted without a word: what it had is gone. */
    private void begin(Agreement agreed) {
        lifecycle.lock();
        try {
            end();
            files.init(agreed);
            agreement = agreed;
        } finally {
            lifecycle.unlock();
        }
    }

    private void end() {
        lifecycle.lock();
        try {
            if (agreement.isMade()) {
                agreement = Agreement.NONE;
                files.destroy();
            }
        } finally {
            lifecycle.unlock();
        }
    }

    private static void answer(@Nullable Agreement agreed, ReplyEncoder reply) {
        Struct out = Structs.INIT_OUT;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment body = arena.allocate(out.bytes(), 8);
            body.set(Wire.LE32, out.offset("major"), Negotiation.MAJOR);
            body.set(Wire.LE32, out.offset("minor"), Negotiation.MINOR);
            if (agreed != null) {
                put32(body, "max_readahead", agreed.maxReadahead());
                put32(body, "flags", (int) agreed.flags());
                put16(body, "max_background", agreed.maxBackground());
                put16(body, "congestion_threshold", agreed.congestionThreshold());
                put32(body, "max_write", agreed.maxWrite());
                put32(body, "time_gran", agreed.timeGranularity());
                put16(body, "max_pages", agreed.maxPages());
                put16(body, "map_alignment", agreed.mapAlignment());
                put32(body, "flags2", (int) (agreed.flags() >>> 32));
                put16(body, "request_timeout", agreed.requestTimeoutSeconds());
            }
            reply.init(body, out.bytes());
        }
    }

    private static void put16(MemorySegment body, String field, int value) {
        body.set(Wire.LE16, Structs.INIT_OUT.offset(field), (short) value);
    }

    private static void put32(MemorySegment body, String field, int value) {
        body.set(Wire.LE32, Structs.INIT_OUT.offset(field), value);
    }
}
