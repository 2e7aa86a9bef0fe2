// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import io.bunkai.linux.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * One request, decoded in place: the same checks as for the records of {@link FuseRequest}, which
 * are made from it, but nothing is allocated. To be used again and again.
 *
 * <p>Everything but data is copied out of the peer's memory once, into memory of the view, then
 * checked, and read from there only. A name stands there with a NUL behind it, so that it can be
 * given to a system call as it is.
 *
 * <p>Used by one thread at a time; what is read from it is of the last request decoded.
 */
public final class RequestView {
    /** Enough for two of the longest names with everything before them. */
    private static final int USUAL_BYTES = 1024;

    /** The most of one request that is not data: a label, a value and two names, and much more. */
    private static final int MOST_BYTES = 128 * 1024;

    /** As many as fit into a message of 1 MiB. */
    private static final int MOST_FORGETS = 65536;

    /** As many as fit into a page of 64 KiB, the largest that Linux has. */
    private static final int MOST_MAPPINGS = 4096;

    /** PATH_MAX of Linux, with the NUL. */
    private static final int MOST_TARGET_BYTES = 4096;

    private static final int SECOND = 1_000_000_000;

    private static final int ARGUMENTS = Wire.IN_HEADER_BYTES;
    private static final int LEN = Structs.IN_HEADER.offset("len");
    private static final int OPCODE = Structs.IN_HEADER.offset("opcode");
    private static final int UNIQUE = Structs.IN_HEADER.offset("unique");
    private static final int NODEID = Structs.IN_HEADER.offset("nodeid");
    private static final int UID = Structs.IN_HEADER.offset("uid");
    private static final int GID = Structs.IN_HEADER.offset("gid");
    private static final int PID = Structs.IN_HEADER.offset("pid");
    private static final int TOTAL_EXTLEN = Structs.IN_HEADER.offset("total_extlen");

    private static final int READ_FH = ARGUMENTS + Structs.READ_IN.offset("fh");
    private static final int READ_OFFSET = ARGUMENTS + Structs.READ_IN.offset("offset");
    private static final int READ_SIZE = ARGUMENTS + Structs.READ_IN.offset("size");
    private static final int READ_FLAGS = ARGUMENTS + Structs.READ_IN.offset("read_flags");
    private static final int READ_OWNER = ARGUMENTS + Structs.READ_IN.offset("lock_owner");
    private static final int READ_OPEN_FLAGS = ARGUMENTS + Structs.READ_IN.offset("flags");

    private static final int WRITE_FH = ARGUMENTS + Structs.WRITE_IN.offset("fh");
    private static final int WRITE_OFFSET = ARGUMENTS + Structs.WRITE_IN.offset("offset");
    private static final int WRITE_SIZE = ARGUMENTS + Structs.WRITE_IN.offset("size");
    private static final int WRITE_FLAGS = ARGUMENTS + Structs.WRITE_IN.offset("write_flags");
    private static final int WRITE_OWNER = ARGUMENTS + Structs.WRITE_IN.offset("lock_owner");
    private static final int WRITE_OPEN_FLAGS = ARGUMENTS + Structs.WRITE_IN.offset("flags");
    private static final int WRITE_DATA = ARGUMENTS + Structs.WRITE_IN.bytes();

    private static final int GETATTR_FLAGS = ARGUMENTS + Structs.GETATTR_IN.offset("getattr_flags");
    private static final int GETATTR_FH = ARGUMENTS + Structs.GETATTR_IN.offset("fh");

    private static final int FORGETS = ARGUMENTS + Structs.BATCH_FORGET_IN.bytes();
    private static final int FORGET_BYTES = Structs.FORGET_ONE.bytes();

    /** Looks a name up, see {@link FuseRequest.Lookup}. */
    public final class Lookup extends View {
        private Lookup() {}

        /** {@return memory in which the name stands, with a NUL behind it} */
        public MemorySegment memory() {
            return head;
        }

        /** {@return where in {@link #memory} the name begins} */
        public int nameAt() {
            return firstAt;
        }

        /** {@return the name's length, without the NUL} */
        public int nameLength() {
            return firstLength;
        }

        /** {@return the name, copied} */
        public FileName name() {
            return RequestView.this.name();
        }
    }

    /** Asks for attributes, see {@link FuseRequest.Getattr}. */
    public final class Getattr extends View {
        private Getattr() {}

        /** {@return {@link Flags#GETATTR_FH}: the handle is one} */
        public int flags() {
            return int32(GETATTR_FLAGS);
        }

        /** {@return an open file, if the flags say so} */
        public long handle() {
            return int64(GETATTR_FH);
        }
    }

    /** Reads, see {@link FuseRequest.Read}. */
    public final class Read extends View {
        private Read() {}

        /** {@return an open file} */
        public long handle() {
            return int64(READ_FH);
        }

        /** {@return the first byte, never negative} */
        public long offset() {
            return int64(READ_OFFSET);
        }

        /** {@return how many bytes, never negative} */
        public int size() {
            return int32(READ_SIZE);
        }

        /** {@return {@link Flags#READ_LOCKOWNER}: the owner is one} */
        public int readFlags() {
            return int32(READ_FLAGS);
        }

        /** {@return who holds locks, if the flags say so} */
        public long lockOwner() {
            return int64(READ_OWNER);
        }

        /** {@return flags of open(2)} */
        public int flags() {
            return int32(READ_OPEN_FLAGS);
        }
    }

    /** Writes, see {@link FuseRequest.Write}. */
    public final class Write extends View {
        private Write() {}

        /** {@return an open file} */
        public long handle() {
            return int64(WRITE_FH);
        }

        /** {@return the first byte, never negative} */
        public long offset() {
            return int64(WRITE_OFFSET);
        }

        /** {@return how many bytes, never negative} */
        public int size() {
            return int32(WRITE_SIZE);
        }

        /** {@return bits of {@code Flags.WRITE_*}} */
        public int writeFlags() {
            return int32(WRITE_FLAGS);
        }

        /** {@return who holds locks, if the flags say so} */
        public long lockOwner() {
            return int64(WRITE_OWNER);
        }

        /** {@return flags of open(2)} */
        public int flags() {
            return int32(WRITE_OPEN_FLAGS);
        }

        /** {@return {@link #size} bytes in the peer's memory, until the request is answered} */
        public Ranges data() {
            return data;
        }
    }

    /** What views of all kinds have. */
    public abstract sealed class View permits Lookup, Getattr, Read, Write {
        View() {}

        /** {@return what the request is about} */
        public long node() {
            return RequestView.this.node();
        }

        /** {@return whom the kernel acts for, see {@link RequestHeader}} */
        public int uid() {
            return int32(RequestView.UID);
        }

        /** {@return that one's group, see {@link RequestHeader}} */
        public int gid() {
            return int32(RequestView.GID);
        }

        /** {@return the whole request, for what is not here} */
        public RequestView request() {
            return RequestView.this;
        }
    }

    private final Lookup lookup = new Lookup();
    private final Getattr getattr = new Getattr();
    private final Read read = new Read();
    private final Write write = new Write();
    private final Ranges data = new Ranges();
    private final MemorySegment usual;

    private MemorySegment head;
    private Ranges message = data; // replaced by each decode
    private @Nullable Opcode opcode;
    private int end; // of names and numbers, where the extensions begin
    private int firstAt; // of the first name, or the value or target behind it
    private int firstLength;
    private int secondAt;
    private int secondLength;
    private Extensions extensions = Extensions.NONE;

    /** A view with memory that lives as long as the view. */
    public RequestView() {
        this(Arena.ofAuto());
    }

    /** A view with memory of that arena, 1 KiB. */
    public RequestView(Arena arena) {
        usual = arena.allocate(USUAL_BYTES, 8);
        head = usual;
    }

    // --- decoding ---

    /**
     * Decodes a request.
     *
     * @param request its readable part; what lies behind the length in its header is not looked at
     * @param agreement what the last INIT has agreed on
     * @throws FuseProtocolException if it is not what the protocol allows; {@link #opcode} and
     *     {@link #unique} are then as far as they could be told
     */
    public void decode(Ranges request, Agreement agreement) throws FuseProtocolException {
        head = usual;
        message = request;
        opcode = null;
        end = 0;
        data.clear();
        extensions = Extensions.NONE;

        long available = request.bytes();
        if (available < Wire.IN_HEADER_BYTES) {
            head.asSlice(0, Wire.IN_HEADER_BYTES).fill((byte) 0);
            request.copyOut(0, head, 0, available);
            head.set(Wire.LE32, OPCODE, 0); // it cannot be trusted to be anything
            throw malformed("a request of " + available + " bytes has no header");
        }
        request.copyOut(0, head, 0, Wire.IN_HEADER_BYTES);
        opcode = Opcode.of(int32(OPCODE));
        long length = Integer.toUnsignedLong(int32(LEN));
        if (length < Wire.IN_HEADER_BYTES || length > available) {
            throw malformed("a request of " + available + " bytes that claims " + length);
        }
        if (opcode == null) {
            return;
        }
        int extensionBytes = Short.toUnsignedInt(head.get(Wire.LE16, TOTAL_EXTLEN)) * 8;
        long argumentsEnd = length - extensionBytes;
        int arguments = ARGUMENTS + argumentBytes(opcode, agreement);
        if (argumentsEnd < arguments) {
            throw malformed("a request that ends before its numbers do");
        }
        boolean streamed = isStreamed(opcode);
        if (!streamed && length > MOST_BYTES) {
            throw new FuseProtocolException(
                    Errno.E2BIG, "a request of " + length + " bytes, none of them data");
        }
        copyHead(streamed ? arguments : (int) length);
        end = (int) Math.min(Integer.MAX_VALUE, argumentsEnd);
        check(opcode, arguments, (int) Math.min(Integer.MAX_VALUE, length), agreement);
    }

    private static int argumentBytes(Opcode opcode, Agreement agreement) {
        return opcode == Opcode.SETXATTR && agreement.has(InitFlag.SETXATTR_EXT)
                ? Structs.SETXATTR_IN.bytes()
                : opcode.requestBytes();
    }

    /** Whether most of it is data, or a list that is used as it comes. */
    private static boolean isStreamed(Opcode opcode) {
        return opcode == Opcode.WRITE
                || opcode == Opcode.BATCH_FORGET
                || opcode == Opcode.NOTIFY_REPLY;
    }

    /** Copies what lies behind the header, which is not read a second time. */
    private void copyHead(int length) {
        if (length > USUAL_BYTES) { // rare: a long target, value or label
            MemorySegment large = Arena.ofAuto().allocate(length, 8);
            MemorySegment.copy(usual, 0, large, 0, Wire.IN_HEADER_BYTES);
            head = large;
        }
        message.copyOut(
                Wire.IN_HEADER_BYTES, head, Wire.IN_HEADER_BYTES, length - Wire.IN_HEADER_BYTES);
    }

    private void check(Opcode operation, int arguments, int length, Agreement agreement)
            throws FuseProtocolException {
        switch (operation) {
            case LOOKUP -> {
                firstName(arguments, agreement.has(InitFlag.EXPORT_SUPPORT));
                expectEnd(behindFirst());
            }
            case UNLINK, RMDIR, LINK -> {
                firstName(arguments, false);
                expectEnd(behindFirst());
            }
            case RENAME, RENAME2 -> {
                firstName(arguments, false);
                secondAt = behindFirst();
                secondLength = nameLength(secondAt, false);
                expectEnd(secondAt + secondLength + 1);
            }
            case MKNOD, MKDIR, CREATE -> {
                firstName(arguments, false);
                decodeExtensions(behindFirst(), length, agreement);
            }
            case SYMLINK -> {
                firstName(arguments, false);
                secondAt = behindFirst();
                secondLength = stringLength(secondAt);
                if (secondLength >= MOST_TARGET_BYTES) {
                    throw new FuseProtocolException(
                            Errno.ENAMETOOLONG, "a target of " + secondLength + " bytes");
                }
                if (secondLength == 0) {
                    throw malformed("a target without a byte");
                }
                decodeExtensions(secondAt + secondLength + 1, length, agreement);
            }
            // Linux sends "/" as the name, since there is none: it is passed over.
            case TMPFILE ->
                    decodeExtensions(arguments + stringLength(arguments) + 1, length, agreement);
            case REMOVEXATTR -> {
                attributeName(arguments);
                expectEnd(behindFirst());
            }
            case GETXATTR -> {
                size(Structs.GETXATTR_IN.offset("size"), Integer.MAX_VALUE, Errno.EINVAL);
                attributeName(arguments);
                expectEnd(behindFirst());
            }
            case SETXATTR -> {
                attributeName(arguments);
                secondAt = behindFirst();
                secondLength =
                        size(
                                Structs.SETXATTR_IN.offset("size"),
                                XattrName.MAX_VALUE_BYTES,
                                Errno.E2BIG);
                expectRoom(secondAt, secondLength);
            }
            case READ -> {
                int size = size(READ_SIZE - ARGUMENTS, Integer.MAX_VALUE, Errno.EINVAL);
                expectSpan(int64(READ_OFFSET), size);
            }
            case READDIR, READDIRPLUS ->
                    size(READ_SIZE - ARGUMENTS, Integer.MAX_VALUE, Errno.EINVAL);
            case LISTXATTR ->
                    size(Structs.GETXATTR_IN.offset("size"), Integer.MAX_VALUE, Errno.EINVAL);
            case WRITE -> {
                int size = size(WRITE_SIZE - ARGUMENTS, agreement.maxWrite(), Errno.EINVAL);
                expectSpan(int64(WRITE_OFFSET), size);
                expectRoom(WRITE_DATA, size);
                data.window(message, WRITE_DATA, size);
            }
            case NOTIFY_REPLY -> {
                int size =
                        size(
                                Structs.NOTIFY_RETRIEVE_IN.offset("size"),
                                Integer.MAX_VALUE,
                                Errno.EINVAL);
                expectSpan(argument64(Structs.NOTIFY_RETRIEVE_IN, "offset"), size);
                expectRoom(arguments, size);
                data.window(message, arguments, size);
            }
            case BATCH_FORGET -> {
                int count = size(0, MOST_FORGETS, Errno.E2BIG);
                expectRoom(FORGETS, (long) count * FORGET_BYTES);
            }
            case REMOVEMAPPING -> {
                int count = size(0, MOST_MAPPINGS, Errno.E2BIG);
                expectRoom(arguments, (long) count * Structs.REMOVEMAPPING_ONE.bytes());
            }
            case SETATTR -> checkSetattr();
            case GETLK, SETLK, SETLKW -> {
                int lock = ARGUMENTS + Structs.LK_IN.offset("lk");
                long start = int64(lock + Structs.FILE_LOCK.offset("start"));
                long last = int64(lock + Structs.FILE_LOCK.offset("end"));
                if (start < 0 || last < start) {
                    throw malformed("a lock from " + start + " to " + last);
                }
            }
            case IOCTL -> {
                int size = size(Structs.IOCTL_IN.offset("in_size"), MOST_BYTES, Errno.E2BIG);
                expectRoom(arguments, size);
                size(Structs.IOCTL_IN.offset("out_size"), Integer.MAX_VALUE, Errno.EINVAL);
            }
            case FALLOCATE ->
                    expectSpan(
                            argument64(Structs.FALLOCATE_IN, "offset"),
                            argument64(Structs.FALLOCATE_IN, "length"));
            case COPY_FILE_RANGE, COPY_FILE_RANGE_64 -> {
                long count = argument64(Structs.COPY_FILE_RANGE_IN, "len");
                expectSpan(argument64(Structs.COPY_FILE_RANGE_IN, "off_in"), count);
                expectSpan(argument64(Structs.COPY_FILE_RANGE_IN, "off_out"), count);
            }
            case INIT -> {
                int flags = argument32(Structs.INIT_IN, "flags");
                boolean extended = (flags & InitFlag.INIT_EXT.mask()) != 0;
                if (extended && end < ARGUMENTS + Structs.INIT_IN.bytes()) {
                    throw malformed("an INIT that claims more flags than it has");
                }
            }
            case FORGET,
                    GETATTR,
                    READLINK,
                    OPEN,
                    OPENDIR,
                    STATFS,
                    RELEASE,
                    RELEASEDIR,
                    FSYNC,
                    FSYNCDIR,
                    FLUSH,
                    ACCESS,
                    INTERRUPT,
                    BMAP,
                    DESTROY,
                    POLL,
                    LSEEK,
                    SETUPMAPPING,
                    SYNCFS,
                    STATX -> {} // numbers only, any of which the file system judges
        }
    }

    private void checkSetattr() throws FuseProtocolException {
        int valid = argument32(Structs.SETATTR_IN, "valid");
        if ((valid & Flags.FATTR_SIZE) != 0 && argument64(Structs.SETATTR_IN, "size") < 0) {
            throw malformed("a file's size beyond 63 bits");
        }
        checkNanos(valid & Flags.FATTR_ATIME, valid & Flags.FATTR_ATIME_NOW, "atimensec");
        checkNanos(valid & Flags.FATTR_MTIME, valid & Flags.FATTR_MTIME_NOW, "mtimensec");
        checkNanos(valid & Flags.FATTR_CTIME, 0, "ctimensec");
    }

    private void checkNanos(int valid, int now, String field) throws FuseProtocolException {
        if (valid != 0 && now == 0) {
            int nanos = argument32(Structs.SETATTR_IN, field);
            if (Integer.compareUnsigned(nanos, SECOND) >= 0) {
                throw malformed("a time with " + Integer.toUnsignedString(nanos) + " ns");
            }
        }
    }

    private void firstName(int at, boolean dots) throws FuseProtocolException {
        firstAt = at;
        firstLength = nameLength(at, dots);
    }

    private int behindFirst() {
        return firstAt + firstLength + 1;
    }

    /** {@return the length of a file's name that begins there} */
    private int nameLength(int at, boolean dots) throws FuseProtocolException {
        int limit = Math.min(end, at + FileName.MAX_BYTES + 1);
        for (int i = at; i < limit; i++) {
            byte b = head.get(Wire.BYTE, i);
            if (b == 0) {
                int length = i - at;
                if (length == 0) {
                    throw malformed("a name without a byte");
                }
                if (!dots && isDots(at, length)) {
                    throw malformed("\".\" or \"..\" in the place of a name");
                }
                return length;
            }
            if (b == '/') {
                throw malformed("a name with '/'");
            }
        }
        if (limit == end) {
            throw malformed("a name without a NUL at its end");
        }
        throw new FuseProtocolException(Errno.ENAMETOOLONG, "a name of more than 255 bytes");
    }

    private boolean isDots(int at, int length) {
        return length <= 2
                && head.get(Wire.BYTE, at) == '.'
                && head.get(Wire.BYTE, at + length - 1L) == '.';
    }

    private void attributeName(int at) throws FuseProtocolException {
        firstAt = at;
        firstLength = stringLength(at);
        if (firstLength == 0) {
            throw malformed("an attribute's name without a byte");
        }
        if (firstLength > XattrName.MAX_BYTES) {
            throw new FuseProtocolException(
                    Errno.ERANGE, "an attribute's name of " + firstLength + " bytes");
        }
    }

    private int stringLength(int at) throws FuseProtocolException {
        for (int i = at; i < end; i++) {
            if (head.get(Wire.BYTE, i) == 0) {
                return i - at;
            }
        }
        throw malformed("a string without a NUL at its end");
    }

    /**
     * Extensions lie where the header says; kernels of 5.17 to 6.2 do not say it, but put security
     * contexts behind the names all the same.
     */
    private void decodeExtensions(int at, int length, Agreement agreement)
            throws FuseProtocolException {
        if (end < length) {
            expectEnd(at);
            extensions = Extensions.decode(head, end, length);
        } else if (agreement.has(InitFlag.SECURITY_CTX)) {
            extensions = Extensions.decode(head, at, length);
        } else {
            expectEnd(at);
        }
    }

    /** {@return a size or count, a number of 32 bits within the arguments} */
    private int size(int field, int most, int errno) throws FuseProtocolException {
        int value = int32(ARGUMENTS + field);
        if (Integer.compareUnsigned(value, most) > 0) {
            throw new FuseProtocolException(
                    errno,
                    "a size of " + Integer.toUnsignedString(value) + ", the most is " + most);
        }
        return value;
    }

    private void expectEnd(int at) throws FuseProtocolException {
        if (at != end) {
            throw malformed("a request with " + (end - at) + " bytes too many");
        }
    }

    private void expectRoom(int at, long size) throws FuseProtocolException {
        if (size > end - at) {
            throw malformed("a request that promises " + size + " bytes and has " + (end - at));
        }
    }

    private static void expectSpan(long offset, long length) throws FuseProtocolException {
        if (offset < 0 || length < 0 || offset + length < 0) {
            throw malformed("a span of " + length + " bytes at " + offset);
        }
    }

    private static FuseProtocolException malformed(String what) {
        return new FuseProtocolException(Errno.EINVAL, what);
    }

    // --- what every request has ---

    /** {@return what it asks for, or null if nobody knows} */
    public @Nullable Opcode opcode() {
        return opcode;
    }

    /** {@return the kernel's number for it} */
    public long unique() {
        return int64(UNIQUE);
    }

    /** {@return what it is about} */
    public long node() {
        return int64(NODEID);
    }

    /** {@return what it begins with, as a record} */
    public RequestHeader header() {
        return new RequestHeader(
                int32(OPCODE), unique(), node(), int32(UID), int32(GID), int32(PID));
    }

    // --- the hot ones ---

    /** {@return this request, which must be a LOOKUP} */
    public Lookup lookup() {
        return expect(Opcode.LOOKUP, lookup);
    }

    /** {@return this request, which must be a GETATTR} */
    public Getattr getattr() {
        return expect(Opcode.GETATTR, getattr);
    }

    /** {@return this request, which must be a READ} */
    public Read read() {
        return expect(Opcode.READ, read);
    }

    /** {@return this request, which must be a WRITE} */
    public Write write() {
        return expect(Opcode.WRITE, write);
    }

    private <V extends View> V expect(Opcode wanted, V view) {
        if (opcode != wanted) {
            throw new IllegalStateException("a " + opcode + " is no " + wanted);
        }
        return view;
    }

    FileName name() {
        return new FileName(ByteString.of(head, firstAt, firstLength));
    }

    /** {@return how many bytes of data the peer wants, for requests that say it, or 0} */
    int replyRoom() {
        if (opcode == null) {
            return 0;
        }
        return switch (opcode) {
            case READ, READDIR, READDIRPLUS -> int32(READ_SIZE);
            case GETXATTR, LISTXATTR -> argument32(Structs.GETXATTR_IN, "size");
            case IOCTL -> argument32(Structs.IOCTL_IN, "out_size");
            default -> 0;
        };
    }

    // --- lists that are used as they come ---

    /** {@return how many nodes a FORGET or BATCH_FORGET is about} */
    int forgets() {
        return opcode == Opcode.FORGET ? 1 : int32(ARGUMENTS);
    }

    /** {@return the node of one of them, read from the peer's memory into {@code scratch}} */
    long forgetNode(int index, MemorySegment scratch) {
        if (opcode == Opcode.FORGET) {
            scratch.set(Wire.LE64, 8, int64(ARGUMENTS));
            return node();
        }
        message.copyOut(FORGETS + (long) index * FORGET_BYTES, scratch, 0, FORGET_BYTES);
        return scratch.get(Wire.LE64, 0);
    }

    /** {@return the count of the one whose node was read last, at most {@link Long#MAX_VALUE}} */
    static long forgetCount(MemorySegment scratch) {
        long count = scratch.get(Wire.LE64, 8);
        return count < 0 ? Long.MAX_VALUE : count;
    }

    // --- what records are made of ---

    Extensions extensions() {
        return extensions;
    }

    Ranges data() {
        return data;
    }

    /** {@return whether a SETXATTR has its long form} */
    boolean hasLongSetxattr() {
        return firstAt == ARGUMENTS + Structs.SETXATTR_IN.bytes();
    }

    /** {@return bytes behind the numbers of a request} */
    ByteString tail(Struct numbers, int length) {
        return ByteString.of(head, ARGUMENTS + numbers.bytes(), length);
    }

    /** {@return an extended attribute's name} */
    XattrName attribute() {
        return new XattrName(ByteString.of(head, firstAt, firstLength));
    }

    /** {@return the second name, the target or the value} */
    ByteString second() {
        return ByteString.of(head, secondAt, secondLength);
    }

    int argument32(Struct struct, String field) {
        return int32(ARGUMENTS + struct.offset(field));
    }

    long argument64(Struct struct, String field) {
        return int64(ARGUMENTS + struct.offset(field));
    }

    int int32(int at) {
        return head.get(Wire.LE32, at);
    }

    long int64(int at) {
        return head.get(Wire.LE64, at);
    }
}
