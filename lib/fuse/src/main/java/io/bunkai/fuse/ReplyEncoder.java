// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import io.bunkai.linux.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Replies of every kind, for one request after the other. A reply is put together in memory of our
 * own and copied to the peer in one piece, so that its sizes are what we think they are; only data
 * and directory entries go there as they come, and are covered by the header that follows.
 */
final class ReplyEncoder
        implements Reply.Done,
                Reply.Entry,
                Reply.Attributes,
                Reply.Statx,
                Reply.Target,
                Reply.Opened,
                Reply.Created,
                Reply.Data,
                Reply.Written,
                Reply.Copied,
                Reply.Statistics,
                Reply.Extended,
                Reply.Lock,
                Reply.Block,
                Reply.Control,
                Reply.Ready,
                Reply.Offset,
                Reply.Directory,
                Reply.DirectoryPlus {
    /** A header and the largest structure, or an entry with the longest name. */
    private static final int SCRATCH_BYTES = 512;

    private static final long SECOND = 1_000_000_000;
    private static final int MOST_ERRNO = 511; // the kernel takes no larger one
    private static final int BODY = Wire.OUT_HEADER_BYTES;
    private static final int MAX_NAME = FileName.MAX_BYTES;

    private static final int LEN = Structs.OUT_HEADER.offset("len");
    private static final int ERROR = Structs.OUT_HEADER.offset("error");
    private static final int UNIQUE = Structs.OUT_HEADER.offset("unique");

    private static final int ENTRY_NODEID = Structs.ENTRY_OUT.offset("nodeid");
    private static final int ENTRY_GENERATION = Structs.ENTRY_OUT.offset("generation");
    private static final int ENTRY_VALID = Structs.ENTRY_OUT.offset("entry_valid");
    private static final int ENTRY_ATTR_VALID = Structs.ENTRY_OUT.offset("attr_valid");
    private static final int ENTRY_VALID_NSEC = Structs.ENTRY_OUT.offset("entry_valid_nsec");
    private static final int ENTRY_ATTR_VALID_NSEC = Structs.ENTRY_OUT.offset("attr_valid_nsec");
    private static final int ENTRY_ATTR = Structs.ENTRY_OUT.offset("attr");
    private static final int ENTRY_BYTES = Structs.ENTRY_OUT.bytes();

    private static final int ATTR_VALID = Structs.ATTR_OUT.offset("attr_valid");
    private static final int ATTR_VALID_NSEC = Structs.ATTR_OUT.offset("attr_valid_nsec");
    private static final int ATTR = Structs.ATTR_OUT.offset("attr");
    private static final int ATTR_BYTES = Structs.ATTR_OUT.bytes();

    private static final int OPEN_FH = Structs.OPEN_OUT.offset("fh");
    private static final int OPEN_FLAGS = Structs.OPEN_OUT.offset("open_flags");
    private static final int OPEN_BYTES = Structs.OPEN_OUT.bytes();

    private static final int DIRENT_INO = Structs.DIRENT.offset("ino");
    private static final int DIRENT_OFF = Structs.DIRENT.offset("off");
    private static final int DIRENT_NAMELEN = Structs.DIRENT.offset("namelen");
    private static final int DIRENT_TYPE = Structs.DIRENT.offset("type");
    private static final int DIRENT_BYTES = Structs.DIRENT.bytes();
    private static final int DIRENTPLUS_BYTES = Structs.DIRENTPLUS.bytes();

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(ReplyEncoder.class, "state", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final FuseExchange exchange;
    private final MemorySegment scratch;
    private final Ranges space = new Ranges();

    /**
     * Odd while somebody waits for an answer. It grows with each step, so that a late exception of
     * one request cannot answer the next one.
     */
    @SuppressWarnings("UnusedVariable") // through STATE
    private long state;

    private long unique;
    private @Nullable Opcode opcode;
    private int room; // for data, entries, values: what was asked for
    private int filled; // by directory entries
    private boolean refused; // an entry did not fit

    ReplyEncoder(FuseExchange exchange, Arena arena) {
        this.exchange = exchange;
        this.scratch = arena.allocate(SCRATCH_BYTES, 8);
    }

    // --- what the server says ---

    /**
     * Begins: from here on somebody waits for an answer.
     *
     * @return what {@link #tryError} wants to know
     */
    long open() {
        long now = (long) STATE.getVolatile(this);
        if ((now & 1) != 0 || !STATE.compareAndSet(this, now, now + 1)) {
            throw new IllegalStateException("the exchange still belongs to another request");
        }
        unique = 0;
        opcode = null;
        exchange.moved = 0;
        return now + 1;
    }

    /** Says what is being answered, and how many bytes behind the fixed part it may have. */
    void expect(long newUnique, @Nullable Opcode newOpcode, int newRoom) {
        unique = newUnique;
        opcode = newOpcode;
        room = newRoom;
        filled = 0;
        refused = false;
    }

    /** Answers with an error if nobody has answered the request of this number yet. */
    void tryError(long opened, int errno) {
        if (STATE.compareAndSet(this, opened, opened + 1)) {
            deliverError(errno);
        }
    }

    /** {@return memory for the server's own use until the reply is given, at least 16 bytes} */
    MemorySegment scratch() {
        return scratch;
    }

    /** Ends a request that is never answered. */
    void nothing() {
        claim();
        exchange.complete(0);
    }

    /** Answers an INIT. */
    void init(MemorySegment body, int length) {
        claim();
        MemorySegment.copy(body, 0, scratch, BODY, length);
        finish(length);
    }

    // --- what file systems say ---

    @Override
    public void error(int errno) {
        claim();
        deliverError(errno);
    }

    private void deliverError(int errno) {
        if (opcode != null && !opcode.hasReply()) {
            exchange.complete(0);
            return;
        }
        header(BODY, -(errno > 0 && errno <= MOST_ERRNO ? errno : Errno.EIO));
        deliver(BODY);
    }

    @Override
    public void done() {
        if (opcode == Opcode.READDIR || opcode == Opcode.READDIRPLUS) {
            if (filled == 0 && refused) {
                error(Errno.EINVAL);
                return;
            }
            claim();
            header(BODY + filled, 0);
            exchange.reply().copyIn(0, scratch, 0, BODY);
            exchange.complete(BODY + filled);
            return;
        }
        claim();
        finish(0);
    }

    @Override
    public void entry(
            long node,
            long generation,
            long entryTimeout,
            long attributeTimeout,
            FileAttributes attributes) {
        checkNode(node);
        claim();
        encodeEntry(BODY, node, generation, entryTimeout, attributeTimeout, attributes);
        finish(ENTRY_BYTES);
    }

    @Override
    public void missing(long entryTimeout) {
        claim();
        encodeEntry(BODY, 0, 0, entryTimeout, 0, null);
        finish(ENTRY_BYTES);
    }

    @Override
    public void attributes(long timeout, FileAttributes attributes) {
        claim();
        scratch.set(Wire.LE64, BODY + ATTR_VALID, seconds(timeout));
        scratch.set(Wire.LE32, BODY + ATTR_VALID_NSEC, nanos(timeout));
        scratch.set(Wire.LE32, BODY + ATTR_VALID_NSEC + 4, 0);
        attributes.encode(scratch, BODY + ATTR);
        finish(ATTR_BYTES);
    }

    @Override
    public void statx(long timeout, StatxAttributes attributes) {
        claim();
        Struct out = Structs.STATX_OUT;
        scratch.asSlice(BODY, out.bytes()).fill((byte) 0);
        scratch.set(Wire.LE64, BODY + out.offset("attr_valid"), seconds(timeout));
        scratch.set(Wire.LE32, BODY + out.offset("attr_valid_nsec"), nanos(timeout));
        int at = BODY + out.offset("stat");
        put32(at, Structs.STATX, "mask", attributes.mask());
        put32(at, Structs.STATX, "blksize", attributes.blockBytes());
        put64(at, Structs.STATX, "attributes", attributes.attributes());
        put32(at, Structs.STATX, "nlink", attributes.links());
        put32(at, Structs.STATX, "uid", attributes.uid());
        put32(at, Structs.STATX, "gid", attributes.gid());
        put16(at, Structs.STATX, "mode", attributes.mode());
        put64(at, Structs.STATX, "ino", attributes.inode());
        put64(at, Structs.STATX, "size", attributes.size());
        put64(at, Structs.STATX, "blocks", attributes.blocks());
        put64(at, Structs.STATX, "attributes_mask", attributes.attributesMask());
        putTime(at + Structs.STATX.offset("atime"), attributes.accessed());
        putTime(at + Structs.STATX.offset("btime"), attributes.born());
        putTime(at + Structs.STATX.offset("ctime"), attributes.changed());
        putTime(at + Structs.STATX.offset("mtime"), attributes.modified());
        put32(at, Structs.STATX, "rdev_major", attributes.device().major());
        put32(at, Structs.STATX, "rdev_minor", attributes.device().minor());
        put32(at, Structs.STATX, "dev_major", attributes.fileSystem().major());
        put32(at, Structs.STATX, "dev_minor", attributes.fileSystem().minor());
        finish(out.bytes());
    }

    private void putTime(int at, StatxAttributes.Time time) {
        put64(at, Structs.SX_TIME, "tv_sec", time.seconds());
        put32(at, Structs.SX_TIME, "tv_nsec", time.nanos());
    }

    @Override
    public void target(MemorySegment source, long offset, int length) {
        checkLength(length, "a target");
        deliverData(source, offset, length);
    }

    @Override
    public void target(ByteString target) {
        target(target.memory(), 0, target.length());
    }

    @Override
    public void opened(long handle, int openFlags) {
        claim();
        encodeOpen(BODY, handle, openFlags);
        finish(OPEN_BYTES);
    }

    @Override
    public void created(
            long node,
            long generation,
            long entryTimeout,
            long attributeTimeout,
            FileAttributes attributes,
            long handle,
            int openFlags) {
        checkNode(node);
        claim();
        encodeEntry(BODY, node, generation, entryTimeout, attributeTimeout, attributes);
        encodeOpen(BODY + ENTRY_BYTES, handle, openFlags);
        finish(ENTRY_BYTES + OPEN_BYTES);
    }

    @Override
    public Ranges space() {
        space.window(exchange.reply(), BODY, room);
        return space;
    }

    @Override
    public void data(int length) {
        checkLength(length, "data");
        claim();
        exchange.moved = length;
        header(BODY + length, 0);
        exchange.reply().copyIn(0, scratch, 0, BODY);
        exchange.complete(BODY + length);
    }

    @Override
    public void data(MemorySegment source, long offset, int length) {
        checkLength(length, "data");
        Objects.checkFromIndexSize(offset, length, source.byteSize());
        claim();
        exchange.moved = length;
        finishData(source, offset, length);
    }

    @Override
    public void written(int length) {
        if (length < 0) {
            throw new IllegalArgumentException(length + " bytes written");
        }
        claim();
        exchange.moved = length;
        word64(Integer.toUnsignedLong(length)); // and padding
        finish(8);
    }

    @Override
    public void copied(long length) {
        boolean narrow = opcode == Opcode.COPY_FILE_RANGE;
        if (length < 0 || (narrow && length > 0xffff_ffffL)) {
            throw new IllegalArgumentException(length + " bytes copied");
        }
        claim();
        exchange.moved = length;
        word64(length); // the narrow form: a word of 32 bits, and padding
        finish(8);
    }

    @Override
    public void statistics(FileSystemStatistics statistics) {
        claim();
        Struct out = Structs.KSTATFS;
        scratch.asSlice(BODY, out.bytes()).fill((byte) 0);
        put64(BODY, out, "blocks", statistics.blocks());
        put64(BODY, out, "bfree", statistics.blocksFree());
        put64(BODY, out, "bavail", statistics.blocksAvailable());
        put64(BODY, out, "files", statistics.files());
        put64(BODY, out, "ffree", statistics.filesFree());
        put32(BODY, out, "bsize", statistics.blockBytes());
        put32(BODY, out, "namelen", statistics.nameBytes());
        put32(BODY, out, "frsize", statistics.fragmentBytes());
        finish(out.bytes());
    }

    @Override
    public int room() {
        return room;
    }

    @Override
    public void size(int length) {
        if (length < 0 || room != 0) {
            throw new IllegalArgumentException("a size of " + length + ", with room " + room);
        }
        claim();
        word64(length); // and padding
        finish(8);
    }

    @Override
    public void value(MemorySegment source, long offset, int length) {
        if (room == 0) {
            size(length);
        } else if (length > room) {
            error(Errno.ERANGE);
        } else {
            deliverData(source, offset, length);
        }
    }

    @Override
    public void value(ByteString value) {
        value(value.memory(), 0, value.length());
    }

    @Override
    public void lock(FileLock lock) {
        claim();
        put64(BODY, Structs.FILE_LOCK, "start", lock.start());
        put64(BODY, Structs.FILE_LOCK, "end", lock.end());
        put32(BODY, Structs.FILE_LOCK, "type", lock.type());
        put32(BODY, Structs.FILE_LOCK, "pid", lock.pid());
        finish(Structs.LK_OUT.bytes());
    }

    @Override
    public void block(long block) {
        claim();
        word64(block);
        finish(8);
    }

    @Override
    public void result(int result, ByteString output) {
        checkLength(output.length(), "output");
        claim();
        int length = Structs.IOCTL_OUT.bytes();
        scratch.asSlice(BODY, length).fill((byte) 0);
        put32(BODY, Structs.IOCTL_OUT, "result", result);
        header(BODY + length + output.length(), 0);
        exchange.reply().copyIn(BODY + (long) length, output.memory(), 0, output.length());
        exchange.reply().copyIn(0, scratch, 0, BODY + (long) length);
        exchange.complete(BODY + length + output.length());
    }

    @Override
    public void ready(int events) {
        claim();
        word64(Integer.toUnsignedLong(events)); // and padding
        finish(8);
    }

    @Override
    public void offset(long offset) {
        claim();
        word64(offset);
        finish(8);
    }

    // --- directories ---

    @Override
    public boolean add(
            long inode, long next, int type, MemorySegment name, long nameOffset, int nameLength) {
        checkName(nameLength);
        if (!reserve(DIRENT_BYTES, nameLength)) {
            return false;
        }
        encodeDirent(BODY, inode, next, type, name, nameOffset, nameLength);
        append(DIRENT_BYTES, nameLength);
        return true;
    }

    @Override
    public boolean add(long inode, long next, int type, FileName name) {
        return add(inode, next, type, name.bytes().memory(), 0, name.bytes().length());
    }

    @Override
    public boolean fits(int nameLength) {
        return reserve(DIRENTPLUS_BYTES, nameLength);
    }

    @Override
    public boolean add(
            long node,
            long generation,
            long entryTimeout,
            long attributeTimeout,
            @Nullable FileAttributes attributes,
            long inode,
            long next,
            int type,
            MemorySegment name,
            long nameOffset,
            int nameLength) {
        checkName(nameLength);
        if (!reserve(DIRENTPLUS_BYTES, nameLength)) {
            return false;
        }
        encodeEntry(BODY, node, generation, entryTimeout, attributeTimeout, attributes);
        encodeDirent(BODY + ENTRY_BYTES, inode, next, type, name, nameOffset, nameLength);
        append(DIRENTPLUS_BYTES, nameLength);
        return true;
    }

    private boolean reserve(int fixed, int nameLength) {
        if (filled + padded(fixed + nameLength) > room) {
            refused = true;
            return false;
        }
        return true;
    }

    private void encodeDirent(
            int at,
            long inode,
            long next,
            int type,
            MemorySegment name,
            long nameOffset,
            int nameLength) {
        scratch.set(Wire.LE64, at + DIRENT_INO, inode);
        scratch.set(Wire.LE64, at + DIRENT_OFF, next);
        scratch.set(Wire.LE32, at + DIRENT_NAMELEN, nameLength);
        scratch.set(Wire.LE32, at + DIRENT_TYPE, type);
        int nameAt = at + DIRENT_BYTES;
        // The padding first: what is left of an earlier name must not get out.
        scratch.set(Wire.LE64, nameAt + padded(nameLength) - 8L, 0);
        MemorySegment.copy(name, nameOffset, scratch, nameAt, nameLength);
    }

    private void append(int fixed, int nameLength) {
        int length = padded(fixed + nameLength);
        exchange.reply().copyIn((long) BODY + filled, scratch, BODY, length);
        filled += length;
    }

    private static int padded(int length) {
        return (length + 7) & ~7;
    }

    private static void checkName(int length) {
        if (length < 1 || length > MAX_NAME) {
            throw new IllegalArgumentException("a name of " + length + " bytes");
        }
    }

    // --- parts ---

    private void encodeEntry(
            int at,
            long node,
            long generation,
            long entryTimeout,
            long attributeTimeout,
            @Nullable FileAttributes attributes) {
        scratch.set(Wire.LE64, at + ENTRY_NODEID, node);
        scratch.set(Wire.LE64, at + ENTRY_GENERATION, generation);
        scratch.set(Wire.LE64, at + ENTRY_VALID, seconds(entryTimeout));
        scratch.set(Wire.LE64, at + ENTRY_ATTR_VALID, seconds(attributeTimeout));
        scratch.set(Wire.LE32, at + ENTRY_VALID_NSEC, nanos(entryTimeout));
        scratch.set(Wire.LE32, at + ENTRY_ATTR_VALID_NSEC, nanos(attributeTimeout));
        if (attributes == null) {
            scratch.asSlice(at + (long) ENTRY_ATTR, Structs.ATTR.bytes()).fill((byte) 0);
        } else {
            attributes.encode(scratch, at + (long) ENTRY_ATTR);
        }
    }

    private void encodeOpen(int at, long handle, int openFlags) {
        scratch.set(Wire.LE64, at + OPEN_FH, handle);
        scratch.set(Wire.LE32, at + OPEN_FLAGS, openFlags);
        scratch.set(Wire.LE32, at + OPEN_FLAGS + 4L, 0); // no backing file
    }

    private void word64(long value) {
        scratch.set(Wire.LE64, BODY, value);
    }

    private void put16(int at, Struct struct, String field, int value) {
        scratch.set(Wire.LE16, at + struct.offset(field), (short) value);
    }

    private void put32(int at, Struct struct, String field, int value) {
        scratch.set(Wire.LE32, at + struct.offset(field), value);
    }

    private void put64(int at, Struct struct, String field, long value) {
        scratch.set(Wire.LE64, at + struct.offset(field), value);
    }

    private static long seconds(long nanos) {
        return Math.max(0, nanos) / SECOND;
    }

    private static int nanos(long nanos) {
        return (int) (Math.max(0, nanos) % SECOND);
    }

    private static void checkNode(long node) {
        if (node == 0) {
            throw new IllegalArgumentException("node 0 is no node");
        }
    }

    private void checkLength(int length, String what) {
        if (length < 0 || length > room) {
            throw new IllegalArgumentException(
                    what + " of " + length + " bytes, with room for " + room);
        }
    }

    // --- the end ---

    /** From here on nobody else can answer. */
    private void claim() {
        long now = (long) STATE.getVolatile(this);
        if ((now & 1) == 0 || !STATE.compareAndSet(this, now, now + 1)) {
            throw new IllegalStateException("the request is answered already");
        }
    }

    private void header(int length, int error) {
        scratch.set(Wire.LE32, LEN, length);
        scratch.set(Wire.LE32, ERROR, error);
        scratch.set(Wire.LE64, UNIQUE, unique);
    }

    private void finish(int bodyLength) {
        header(BODY + bodyLength, 0);
        deliver(BODY + bodyLength);
    }

    private void deliverData(MemorySegment source, long offset, int length) {
        Objects.checkFromIndexSize(offset, length, source.byteSize());
        claim();
        finishData(source, offset, length);
    }

    private void finishData(MemorySegment source, long offset, int length) {
        header(BODY + length, 0);
        exchange.reply().copyIn(BODY, source, offset, length);
        exchange.reply().copyIn(0, scratch, 0, BODY);
        exchange.complete(BODY + length);
    }

    private void deliver(int length) {
        if (exchange.reply().bytes() < length) { // the server has checked; a header may not fit
            exchange.complete(0);
            return;
        }
        exchange.reply().copyIn(0, scratch, 0, length);
        exchange.complete(length);
    }
}
