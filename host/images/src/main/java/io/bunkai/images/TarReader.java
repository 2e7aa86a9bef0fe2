// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.Fault;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads a tar archive of any of the formats in use: v7, ustar, GNU (long names, base-256 numbers,
 * sparse files) and PAX (long names, attributes, nanoseconds, all three sparse formats).
 *
 * <p>The archive is hostile. A number out of range, a wrong checksum, a cut member or a record that
 * makes no sense ends the reading with a {@link Fault}; nothing is guessed. Names and attribute
 * values are kept as bytes, because file capabilities and many names are no UTF-8.
 *
 * <p>Not thread-safe.
 *
 * @spec https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html POSIX.1-2024, pax
 */
final class TarReader {
    private static final int BLOCK = 512;
    private static final int MAX_SPECIAL_BYTES = 1024 * 1024;
    private static final int MAX_SPARSE_PIECES = 100_000;
    private static final int PERMISSIONS = 07777;
    private static final String XATTR_PREFIX = "SCHILY.xattr.";

    private final InputStream in;
    private final byte[] header = new byte[BLOCK];

    /** Bytes of the present member still in the archive, without padding. */
    private long stored;

    private int padding;

    /** Pieces of a sparse file that have data, or null if the content is stored as it is. */
    private @Nullable List<Piece> pieces;

    private int piece;
    private long position;
    private long size;

    /** A run of data in a sparse file. */
    private record Piece(long offset, long length) {}

    /** A moment as PAX writes it: {@code [-]seconds[.fraction]}. Seconds are rounded down. */
    private record Time(long seconds, int nanos) {
        private static final int DIGITS = 9;

        static Time parse(String text) {
            boolean negative = text.startsWith("-");
            String digits = negative ? text.substring(1) : text;
            int dot = digits.indexOf('.');
            long seconds = decimal(dot < 0 ? digits : digits.substring(0, dot));
            String fraction = dot < 0 ? "" : digits.substring(dot + 1);
            if (fraction.chars().anyMatch(c -> c < '0' || c > '9')) {
                throw damaged("a PAX record should hold a time");
            }
            int nanos = (int) decimal((fraction + "0".repeat(DIGITS)).substring(0, DIGITS));
            if (!negative) {
                return new Time(seconds, nanos);
            }
            return nanos == 0
                    ? new Time(-seconds, 0)
                    : new Time(-seconds - 1, 1_000_000_000 - nanos);
        }
    }

    /** What PAX records and GNU's long names say about the next member. */
    private static final class Overrides {
        @Nullable String path;
        @Nullable String linkPath;
        @Nullable Long size;
        @Nullable Long uid;
        @Nullable Long gid;
        @Nullable String mtime;
        final SortedMap<String, byte[]> xattrs = new TreeMap<>();
        boolean sparse;
        int sparseMajor;
        @Nullable String sparseName;
        @Nullable Long sparseSize;
        @Nullable String sparseMap;
        final List<Long> sparseNumbers = new ArrayList<>();
    }

    TarReader(InputStream in) {
        this.in = in;
    }

    /**
     * Goes to the next member, past what is left of the present one.
     *
     * @return null at the end of the archive
     * @throws Fault INVALID_ARGUMENT if the archive is damaged, UNIMPLEMENTED if a member is of a
     *     kind that is not known
     */
    @Nullable TarEntry next() throws IOException {
        skipPresentMember();
        Overrides overrides = new Overrides();
        boolean overridden = false;
        while (readHeader()) {
            checkSum();
            char kind = (char) (header[156] & 0xff);
            long length = number(124, 12, "size");
            if (length < 0) {
                throw damaged("a size is negative");
            }
            switch (kind) {
                case 'L' -> overrides.path = untilNul(special(length));
                case 'K' -> overrides.linkPath = untilNul(special(length));
                case 'x' -> readRecords(special(length), overrides);
                case 'g' -> {
                    special(length);
                    continue; // what it says concerns nobody here: a comment of git's, mostly
                }
                default -> {
                    return member(kind, length, overrides);
                }
            }
            overridden = true;
        }
        if (overridden) {
            throw damaged("it ends after a header for a member that is not there");
        }
        return null;
    }

    /**
     * {@return up to {@code length} bytes of the present member's content, holes filled; -1 at its
     * end}
     */
    int read(byte[] buffer, int offset, int length) throws IOException {
        if (position >= size) {
            return -1;
        }
        int wanted = (int) Math.min(length, size - position);
        List<Piece> sparse = pieces;
        if (sparse != null) {
            while (piece < sparse.size() && position >= end(sparse.get(piece))) {
                piece++;
            }
            if (piece == sparse.size() || position < sparse.get(piece).offset()) {
                long holeEnd = piece == sparse.size() ? size : sparse.get(piece).offset();
                int zeros = (int) Math.min(wanted, holeEnd - position);
                Arrays.fill(buffer, offset, offset + zeros, (byte) 0);
                position += zeros;
                return zeros;
            }
            wanted = (int) Math.min(wanted, end(sparse.get(piece)) - position);
        }
        int got = in.read(buffer, offset, wanted);
        if (got <= 0) {
            throw truncated();
        }
        position += got;
        stored -= got;
        return got;
    }

    /** {@return whether the present member is stored with holes} */
    boolean isSparse() {
        return pieces != null;
    }

    private static long end(Piece piece) {
        return piece.offset() + piece.length(); // both were checked against the file's size
    }

    private TarEntry member(char kind, long headerLength, Overrides overrides) throws IOException {
        String name = overrides.path != null ? overrides.path : headerName();
        String link = overrides.linkPath != null ? overrides.linkPath : text(157, 100);
        TarEntry.Type type = typeOf(kind, name);
        boolean hasContent = type == TarEntry.Type.FILE;
        long length = overrides.size != null ? overrides.size : headerLength;
        begin(hasContent ? length : 0);
        if (hasContent) {
            name = prepareSparse(kind, name, overrides);
        }
        long mtimeSeconds = number(136, 12, "modification time");
        int mtimeNanos = 0;
        if (overrides.mtime != null) {
            Time time = Time.parse(overrides.mtime);
            mtimeSeconds = time.seconds();
            mtimeNanos = time.nanos();
        }
        boolean isDevice =
                type == TarEntry.Type.CHARACTER_DEVICE || type == TarEntry.Type.BLOCK_DEVICE;
        if (name.indexOf('\0') >= 0 || link.indexOf('\0') >= 0) {
            throw damaged("a name holds a NUL byte");
        }
        return new TarEntry(
                name,
                type,
                link,
                size,
                (int) (number(100, 8, "mode") & PERMISSIONS),
                id(overrides.uid != null ? overrides.uid : number(108, 8, "user id"), "user"),
                id(overrides.gid != null ? overrides.gid : number(116, 8, "group id"), "group"),
                mtimeSeconds,
                mtimeNanos,
                isDevice ? device(329, 0xfff) : 0,
                isDevice ? device(337, 0xfffff) : 0,
                overrides.xattrs);
    }

    private static TarEntry.Type typeOf(char kind, String name) {
        return switch (kind) {
            // Before ustar there was no type for directories, only the slash.
            case '\0' -> name.endsWith("/") ? TarEntry.Type.DIRECTORY : TarEntry.Type.FILE;
            case '0', 'S' -> TarEntry.Type.FILE;
            case '1' -> TarEntry.Type.HARD_LINK;
            case '2' -> TarEntry.Type.SYMLINK;
            case '3' -> TarEntry.Type.CHARACTER_DEVICE;
            case '4' -> TarEntry.Type.BLOCK_DEVICE;
            case '5' -> TarEntry.Type.DIRECTORY;
            case '6' -> TarEntry.Type.FIFO;
            default ->
                    throw Fault.unimplemented(
                            "the tar archive has a member of the unknown type %s: %s",
                            Bytes.shown(String.valueOf(kind)), Bytes.shown(name));
        };
    }

    private void begin(long length) {
        stored = length;
        padding = (int) (-length & (BLOCK - 1));
        pieces = null;
        piece = 0;
        position = 0;
        size = length;
    }

    /**
     * Some writers (umoci's "insert" among them) leave the last member's padding out together with
     * the end marker; its content is whole, so that is an end, too.
     */
    private void skipPresentMember() throws IOException {
        skip(stored);
        in.readNBytes(header, 0, padding);
        begin(0);
    }

    private void skip(long count) throws IOException {
        try {
            in.skipNBytes(count);
        } catch (EOFException e) {
            throw truncated().causedBy(e);
        }
    }

    /** {@return false at the end: two blocks of zeros, or no block at all} */
    private boolean readHeader() throws IOException {
        int got = in.readNBytes(header, 0, BLOCK);
        if (got == 0) {
            return false; // some writers leave the end marker out
        }
        if (got < BLOCK) {
            throw truncated();
        }
        for (byte b : header) {
            if (b != 0) {
                return true;
            }
        }
        // The second zero block, and whatever a writer filled its last record with, is read and
        // dropped: the digest of a layer covers it.
        byte[] rest = new byte[64 * 1024];
        while (in.read(rest) > 0) {}
        return false;
    }

    private void checkSum() {
        int unsigned = 0;
        int signed = 0;
        for (int i = 0; i < BLOCK; i++) {
            byte b = i >= 148 && i < 156 ? (byte) ' ' : header[i];
            unsigned += b & 0xff;
            signed += b;
        }
        long expected = number(148, 8, "checksum");
        if (expected != unsigned && expected != signed) {
            throw damaged("a header has a wrong checksum");
        }
    }

    private byte[] special(long length) throws IOException {
        if (length > MAX_SPECIAL_BYTES) {
            throw Fault.resourceExhausted(
                    "the tar archive has a header of %d bytes; the limit is %d",
                    length, MAX_SPECIAL_BYTES);
        }
        byte[] data = in.readNBytes((int) length);
        if (data.length < length) {
            throw truncated();
        }
        skip(-length & (BLOCK - 1));
        return data;
    }

    private static String untilNul(byte[] data) {
        int end = 0;
        while (end < data.length && data[end] != 0) {
            end++;
        }
        return Bytes.of(data, 0, end);
    }

    private String text(int offset, int length) {
        int end = offset;
        while (end < offset + length && header[end] != 0) {
            end++;
        }
        return Bytes.of(header, offset, end - offset);
    }

    private String headerName() {
        String name = text(0, 100);
        boolean ustar = Bytes.of(header, 257, 6).equals("ustar\0");
        if (!ustar) {
            return name;
        }
        boolean star = Bytes.of(header, 508, 4).equals("tar\0");
        String prefix = text(345, star ? 131 : 155);
        return prefix.isEmpty() ? name : prefix + "/" + name;
    }

    /** Octal digits, or base 256 if the first bit is set. */
    private long number(int offset, int length, String what) {
        return (header[offset] & 0x80) != 0
                ? base256(offset, length, what)
                : octal(offset, length, what);
    }

    private long base256(int offset, int length, String what) {
        boolean negative = (header[offset] & 0x40) != 0;
        long value = negative ? -1 : 0;
        for (int i = 0; i < length; i++) {
            int b = header[offset + i] & 0xff;
            if (i == 0) {
                b = negative ? b : b & 0x7f;
            }
            if (value != (value << 8) >> 8) {
                throw damaged("a " + what + " has more than 63 bits");
            }
            value = value << 8 | b;
        }
        if (negative != value < 0) {
            throw damaged("a " + what + " has more than 63 bits");
        }
        return value;
    }

    private long octal(int offset, int length, String what) {
        int at = offset;
        int end = offset + length;
        while (at < end && (header[at] == ' ' || header[at] == 0)) {
            at++;
        }
        while (end > at && (header[end - 1] == ' ' || header[end - 1] == 0)) {
            end--;
        }
        long value = 0;
        for (; at < end; at++) {
            int digit = header[at] - '0';
            if (digit < 0 || digit > 7) {
                throw damaged("a " + what + " is not a number");
            }
            value = value << 3 | digit; // at most 12 digits, 36 bits
        }
        return value;
    }

    private static long id(long value, String what) {
        // The last one, -1, means "leave as it is" to the kernel.
        if (value < 0 || value >= 0xffff_ffffL) {
            throw damaged("a " + what + " id is out of range: " + value);
        }
        return value;
    }

    private int device(int offset, long most) {
        long value = number(offset, 8, "device number");
        if (value < 0 || value > most) {
            throw damaged("a device number is out of range: " + value);
        }
        return (int) value;
    }

    // PAX records: "<length> <key>=<value>\n", the length counts all of it.

    private static void readRecords(byte[] data, Overrides overrides) {
        int at = 0;
        while (at < data.length) {
            int space = at;
            int length = 0;
            while (space < data.length && data[space] >= '0' && data[space] <= '9') {
                length = length * 10 + (data[space] - '0');
                if (length > data.length) {
                    throw damaged("a PAX record is longer than its header");
                }
                space++;
            }
            int end = at + length;
            if (space == at || space >= data.length || data[space] != ' ' || end > data.length) {
                throw damaged("a PAX record has no length");
            }
            if (end <= space + 1 || data[end - 1] != '\n') {
                throw damaged("a PAX record does not end where it says");
            }
            int equals = space + 1;
            while (equals < end && data[equals] != '=') {
                equals++;
            }
            if (equals >= end || equals == space + 1) {
                throw damaged("a PAX record has no key");
            }
            String key = Bytes.of(data, space + 1, equals - space - 1);
            record(key, Arrays.copyOfRange(data, equals + 1, end - 1), overrides);
            at = end;
        }
    }

    /** An empty value takes back what an earlier record said. */
    private static void record(String key, byte[] value, Overrides overrides) {
        String text = Bytes.of(value);
        boolean empty = value.length == 0;
        switch (key) {
            case "path" -> overrides.path = empty ? null : text;
            case "linkpath" -> overrides.linkPath = empty ? null : text;
            case "size" -> overrides.size = empty ? null : decimal(text);
            case "uid" -> overrides.uid = empty ? null : decimal(text);
            case "gid" -> overrides.gid = empty ? null : decimal(text);
            case "mtime" -> overrides.mtime = empty ? null : text;
            case "GNU.sparse.major" -> {
                overrides.sparse = true;
                overrides.sparseMajor = (int) Math.min(decimal(text), 100);
            }
            case "GNU.sparse.name" -> overrides.sparseName = text;
            case "GNU.sparse.size", "GNU.sparse.realsize" -> {
                overrides.sparse = true;
                overrides.sparseSize = decimal(text);
            }
            case "GNU.sparse.map" -> {
                overrides.sparse = true;
                overrides.sparseMap = text;
            }
            case "GNU.sparse.offset", "GNU.sparse.numbytes" -> {
                boolean wantsOffset = overrides.sparseNumbers.size() % 2 == 0;
                if (wantsOffset != key.endsWith("offset")) {
                    throw damaged("the records of a sparse file are out of order");
                }
                overrides.sparse = true;
                overrides.sparseNumbers.add(decimal(text));
            }
            default -> {
                if (key.startsWith(XATTR_PREFIX) && key.length() > XATTR_PREFIX.length()) {
                    String name = key.substring(XATTR_PREFIX.length());
                    if (empty) {
                        overrides.xattrs.remove(name);
                    } else {
                        overrides.xattrs.put(name, value);
                    }
                }
            }
        }
    }

    private static long decimal(String text) {
        long value = 0;
        if (text.isEmpty() || text.length() > 18) {
            throw damaged("a PAX record should hold a number");
        }
        for (int i = 0; i < text.length(); i++) {
            int digit = text.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                throw damaged("a PAX record should hold a number");
            }
            value = value * 10 + digit;
        }
        return value;
    }

    // Sparse files.

    private String prepareSparse(char kind, String name, Overrides overrides) throws IOException {
        if (kind == 'S') {
            long realSize = number(483, 12, "size");
            usePieces(oldGnuPieces(), realSize);
            return name;
        }
        if (!overrides.sparse) {
            return name;
        }
        List<Long> numbers;
        if (overrides.sparseMajor == 1) {
            numbers = storedMap();
        } else if (overrides.sparseMajor == 0) {
            numbers =
                    overrides.sparseMap != null
                            ? commaSeparated(overrides.sparseMap)
                            : overrides.sparseNumbers;
        } else {
            throw Fault.unimplemented(
                    "the tar archive has a sparse file of an unknown version: %s",
                    Bytes.shown(name));
        }
        if (overrides.sparseSize == null) {
            throw damaged("a sparse file has no size");
        }
        usePieces(numbers, overrides.sparseSize);
        return overrides.sparseName != null ? overrides.sparseName : name;
    }

    /** Four pairs in the header, 21 in each block that may follow it. */
    private List<Long> oldGnuPieces() throws IOException {
        List<Long> numbers = new ArrayList<>();
        boolean more = addPairs(386, 4, 482, numbers);
        while (more) {
            // The extension replaces the header's bytes, so what the header says about the member
            // is saved around it.
            byte[] saved = header.clone();
            if (in.readNBytes(header, 0, BLOCK) < BLOCK) {
                throw truncated();
            }
            more = addPairs(0, 21, 504, numbers);
            System.arraycopy(saved, 0, header, 0, BLOCK);
        }
        return numbers;
    }

    private boolean addPairs(int offset, int count, int moreFlag, List<Long> numbers) {
        for (int i = 0; i < count && header[offset + 24 * i] != 0; i++) {
            numbers.add(number(offset + 24 * i, 12, "offset"));
            numbers.add(number(offset + 24 * i + 12, 12, "size"));
        }
        checkPieces(numbers.size());
        return header[moreFlag] != 0;
    }

    private static void checkPieces(int numbers) {
        if (numbers > 2 * MAX_SPARSE_PIECES) {
            throw Fault.resourceExhausted(
                    "the tar archive has a sparse file of more than %d pieces", MAX_SPARSE_PIECES);
        }
    }

    /** PAX 1.0: the map stands in front of the data, a number per line, filled to a block. */
    private List<Long> storedMap() throws IOException {
        long before = stored;
        long count = line();
        checkPieces((int) Math.min(2 * Math.min(count, 1_000_000), Integer.MAX_VALUE));
        List<Long> numbers = new ArrayList<>();
        for (long i = 0; i < 2 * count; i++) {
            numbers.add(line());
        }
        long fill = -(before - stored) & (BLOCK - 1);
        if (fill > stored) {
            throw damaged("the map of a sparse file is longer than its data");
        }
        skip(fill);
        stored -= fill;
        return numbers;
    }

    private long line() throws IOException {
        StringBuilder digits = new StringBuilder();
        while (true) {
            if (stored == 0) {
                throw damaged("the map of a sparse file is longer than its data");
            }
            int c = in.read();
            if (c < 0) {
                throw truncated();
            }
            stored--;
            if (c == '\n') {
                return decimal(digits.toString());
            }
            digits.append((char) c);
            if (digits.length() > 18) {
                throw damaged("the map of a sparse file holds no number");
            }
        }
    }

    private static List<Long> commaSeparated(String map) {
        List<Long> numbers = new ArrayList<>();
        if (!map.isEmpty()) {
            for (String number : map.split(",", -1)) {
                numbers.add(decimal(number));
            }
        }
        checkPieces(numbers.size());
        return numbers;
    }

    private void usePieces(List<Long> numbers, long realSize) {
        if (numbers.size() % 2 != 0 || realSize < 0) {
            throw damaged("the map of a sparse file is cut");
        }
        List<Piece> list = new ArrayList<>();
        long end = 0;
        long data = 0;
        for (int i = 0; i < numbers.size(); i += 2) {
            Piece next = new Piece(numbers.get(i), numbers.get(i + 1));
            if (next.offset() < end
                    || next.length() < 0
                    || next.offset() > realSize
                    || next.length() > realSize - next.offset()) {
                throw damaged("the map of a sparse file makes no sense");
            }
            end = next.offset() + next.length();
            data += next.length();
            list.add(next);
        }
        if (data != stored) {
            throw damaged("the map of a sparse file does not match its data");
        }
        pieces = list;
        size = realSize;
    }

    private static Fault damaged(String how) {
        return Fault.invalidArgument("the tar archive is damaged: %s", how);
    }

    private static Fault truncated() {
        return Fault.invalidArgument("the tar archive is cut off");
    }
}
