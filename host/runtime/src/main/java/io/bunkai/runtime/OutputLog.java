// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;

/**
 * A container's kept output: what its process wrote, with stream and time, in the order in which it
 * arrived.
 *
 * <p>Two files of bounded size are kept and the older one is dropped when the newer is full, so a
 * container can never fill the disk. A record is {@code stream u8, time i64, length u32, data},
 * big-endian; a record that a crash cut short is ignored. A cursor is a position in the endless
 * sequence of all records ever written; the name of each file is the cursor of its first record.
 * Safe for use by several threads; readers wait without holding anything.
 *
 * <p>Every byte of a stream has an offset, and the log knows how far it has come, also when it is
 * opened again: it counts its records from the last mark on, a record of stream 0 whose data are
 * the offsets of both streams, each an i64. A file begins with a mark unless both are 0, and there
 * is one wherever bytes are missing. So a piece that is offered twice is kept once.
 *
 * <p>The files are no channels: the interrupt of one reader that is given up would close a channel
 * for everybody.
 */
public final class OutputLog implements AutoCloseable {
    /** Which of a process's two outputs. */
    public enum Stream {
        STDOUT(1),
        STDERR(2);

        /** What stands for it in a record: the number of the descriptor. */
        private final byte number;

        Stream(int number) {
            this.number = (byte) number;
        }

        /** Where it stands in a mark. */
        private int index() {
            return number - 1;
        }

        private static Stream of(byte number) {
            return number == STDERR.number ? STDERR : STDOUT;
        }
    }

    /** The stream of a record that says where the streams have come to. */
    private static final byte MARK = 0;

    /** How much of a file is filled before the next one is begun. */
    static final long SEGMENT_BYTES = 8L * 1024 * 1024;

    private static final int HEADER_BYTES = 1 + Long.BYTES + Integer.BYTES;
    private static final int MARK_BYTES = Stream.values().length * Long.BYTES;
    private static final long[] NOTHING = new long[Stream.values().length];
    private static final String SUFFIX = ".output";
    private static final Pattern FILE_NAME = Pattern.compile("[0-9]{1,18}\\.output");

    /** What an entry costs beside its data, to keep, to send and to hold. */
    private static final int ENTRY_COST = 32;

    private final Path directory;
    private final long segmentBytes;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition grown = lock.newCondition();
    private final List<Segment> segments = new ArrayList<>(); // guarded by lock; oldest first
    private final long[] offsets =
            new long[Stream.values().length]; // guarded by lock; where each goes on
    private boolean ended; // guarded by lock
    private boolean closed; // guarded by lock

    private OutputLog(Path directory, long segmentBytes) {
        this.directory = directory;
        this.segmentBytes = segmentBytes;
    }

    /** One file, and where its records end. */
    private static final class Segment {
        final long begin;
        final Path file;
        final RandomAccessFile content;
        long length;

        Segment(long begin, Path file, RandomAccessFile content, long length) {
            this.begin = begin;
            this.file = file;
            this.content = content;
            this.length = length;
        }

        long end() {
            return begin + length;
        }
    }

    /** One piece of output. */
    public static final class Entry {
        private final Stream stream;
        private final long timeMillis;
        private final byte[] data;

        Entry(Stream stream, long timeMillis, byte[] data) {
            this.stream = stream;
            this.timeMillis = timeMillis;
            this.data = data;
        }

        /** {@return where it was written to} */
        public Stream stream() {
            return stream;
        }

        /** {@return when it arrived, in milliseconds since the epoch} */
        public long timeMillis() {
            return timeMillis;
        }

        /** {@return what was written; the caller's to keep} */
        public byte[] data() {
            return data;
        }
    }

    /**
     * A piece of the log.
     *
     * @param entries what was written, oldest first
     * @param cursor where reading goes on
     * @param end whether nothing will ever follow
     */
    public record Piece(List<Entry> entries, long cursor, boolean end) {}

    /**
     * Opens the log in a directory, which is made if it is not there; what an earlier owner has
     * written is kept.
     *
     * @throws Fault INTERNAL if the directory cannot be used
     */
    public static OutputLog open(Path directory) {
        return open(directory, SEGMENT_BYTES);
    }

    static OutputLog open(Path directory, long segmentBytes) {
        OutputLog log = new OutputLog(directory, segmentBytes);
        try {
            Files.createDirectories(directory);
            List<Path> files = new ArrayList<>();
            try (var found = Files.newDirectoryStream(directory, OutputLog::isSegment)) {
                found.forEach(files::add);
            }
            files.sort(Comparator.comparingLong(OutputLog::beginOf));
            for (Path file : files) {
                log.segments.add(log.openSegment(file));
            }
            return log;
        } catch (IOException e) {
            log.close();
            throw Fault.internal("the kept output in %s cannot be opened", directory).causedBy(e);
        }
    }

    private static boolean isSegment(Path file) {
        return FILE_NAME.matcher(file.getFileName().toString()).matches();
    }

    private static long beginOf(Path file) {
        String name = file.getFileName().toString();
        return Long.parseLong(name.substring(0, name.length() - SUFFIX.length()));
    }

    private Segment openSegment(Path file) throws IOException {
        RandomAccessFile content = new RandomAccessFile(file.toFile(), "rw");
        try {
            long whole = count(content);
            content.setLength(whole);
            return new Segment(beginOf(file), file, content, whole);
        } catch (IOException e) {
            content.close();
            throw e;
        }
    }

    /** Counts what the streams have in a file. {@return where its whole records end} */
    private long count(RandomAccessFile content) throws IOException {
        long at = 0;
        long size = content.length();
        while (at + HEADER_BYTES <= size) {
            ByteBuffer header = readFully(content, at, HEADER_BYTES);
            int length = header.getInt(1 + Long.BYTES);
            long next = at + HEADER_BYTES + length;
            if (next > size || length < 0) {
                break;
            }
            if (header.get(0) != MARK) {
                offsets[Stream.of(header.get(0)).index()] += length;
            } else if (length == MARK_BYTES) {
                ByteBuffer mark = readFully(content, at + HEADER_BYTES, length);
                for (int i = 0; i < offsets.length; i++) {
                    offsets[i] = mark.getLong();
                }
            }
            at = next;
        }
        return at;
    }

    /** {@return the offset of a stream's next byte: what is below has been kept, or is missing} */
    public long offset(Stream stream) {
        lock.lock();
        try {
            return offsets[stream.index()];
        } finally {
            lock.unlock();
        }
    }

    /**
     * Appends what a process has written, where the stream has come to. Does nothing once the log
     * is closed.
     *
     * @throws Fault RESOURCE_EXHAUSTED if the disk is full; the log then misses this piece and is
     *     otherwise intact
     */
    public void append(Stream stream, long timeMillis, byte[] data) {
        append(stream, timeMillis, offset(stream), data);
    }

    /**
     * Appends what a process has written, but for what is there already. Does nothing once the log
     * is closed.
     *
     * @param offset of the first byte. If it is beyond where the stream has come to, what is
     *     between is missing
     * @throws Fault RESOURCE_EXHAUSTED if the disk is full; the log then misses this piece and is
     *     otherwise intact
     */
    public void append(Stream stream, long timeMillis, long offset, byte[] data) {
        lock.lock(); // one writer at a time; readers hold it only while they look
        try {
            long next = offsets[stream.index()];
            if (closed || offset + data.length <= next) {
                return;
            }
            int skip = (int) Math.max(0, next - offset);
            write(stream, timeMillis, offset, data, skip);
            offsets[stream.index()] = offset + data.length;
            grown.signalAll();
        } catch (IOException e) {
            throw Fault.resourceExhausted("output could not be kept in %s", directory).causedBy(e);
        } finally {
            lock.unlock();
        }
    }

    private void write(Stream stream, long timeMillis, long offset, byte[] data, int skip)
            throws IOException {
        int length = data.length - skip;
        Segment segment = segmentFor(HEADER_BYTES + length);
        long[] before = offsets.clone();
        before[stream.index()] = offset + skip;
        boolean marked = !Arrays.equals(before, segment.length == 0 ? NOTHING : offsets);
        ByteBuffer records =
                ByteBuffer.allocate(
                        (marked ? HEADER_BYTES + MARK_BYTES : 0) + HEADER_BYTES + length);
        if (marked) {
            records.put(MARK).putLong(timeMillis).putInt(MARK_BYTES);
            for (long at : before) {
                records.putLong(at);
            }
        }
        records.put(stream.number).putLong(timeMillis).putInt(length).put(data, skip, length);
        write(segment, records.array());
    }

    /** What a write that failed left behind must not be taken for a record later. */
    private static void write(Segment segment, byte[] record) throws IOException {
        try {
            segment.content.seek(segment.length);
            segment.content.write(record);
            segment.length += record.length;
        } catch (IOException e) {
            segment.content.setLength(segment.length);
            throw e;
        }
    }

    private Segment segmentFor(int bytes) throws IOException {
        if (!segments.isEmpty()) {
            Segment last = segments.getLast();
            if (last.length == 0 || last.length + bytes <= segmentBytes) {
                return last;
            }
        }
        long begin = segments.isEmpty() ? 0 : segments.getLast().end();
        Path file = directory.resolve(begin + SUFFIX);
        Files.deleteIfExists(file); // of a try that failed before it was begun
        Files.createFile(
                file,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Segment segment = new Segment(begin, file, new RandomAccessFile(file.toFile(), "rw"), 0);
        segments.add(segment);
        if (segments.size() > 2) {
            Segment oldest = segments.removeFirst();
            oldest.content.close();
            Files.deleteIfExists(oldest.file);
        }
        return segment;
    }

    /** Says that nothing will follow: readers that wait are told the end. */
    public void end() {
        lock.lock();
        try {
            ended = true;
            grown.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Reads from {@code cursor} on, which skips ahead if that part has been dropped already.
     *
     * @param cursor 0, or where an earlier piece ended
     * @param maxBytes how much at most, each entry counted with what it costs beside its data; one
     *     entry is returned even if it alone is larger
     * @param patience how long to wait if there is nothing yet; zero not to
     * @throws Fault INVALID_ARGUMENT if no piece ended there; INTERNAL if the log cannot be read
     */
    public Piece read(long cursor, int maxBytes, Duration patience) throws InterruptedException {
        lock.lock();
        try {
            long nanos = patience.toNanos();
            while (cursor >= endCursor() && !ended && nanos > 0) {
                nanos = grown.awaitNanos(nanos);
            }
            return readNow(cursor, maxBytes);
        } catch (IOException e) {
            throw Fault.internal("the kept output in %s cannot be read", directory).causedBy(e);
        } finally {
            lock.unlock();
        }
    }

    private Piece readNow(long cursor, int maxBytes) throws IOException {
        List<Entry> entries = new ArrayList<>();
        long at = segments.isEmpty() ? 0 : Math.max(cursor, segments.getFirst().begin);
        long budget = maxBytes;
        for (Segment segment : segments) {
            while (at >= segment.begin && at < segment.end() && budget > 0) {
                long left = segment.end() - at - HEADER_BYTES;
                if (left < 0) {
                    throw notACursor(cursor);
                }
                ByteBuffer header = readFully(segment.content, at - segment.begin, HEADER_BYTES);
                int length = header.getInt(1 + Long.BYTES);
                if (length < 0 || length > left) {
                    throw notACursor(cursor);
                }
                if (header.get(0) == MARK) {
                    at += HEADER_BYTES + length;
                    continue;
                }
                if (!entries.isEmpty() && length > budget) {
                    return new Piece(entries, at, false);
                }
                byte[] data =
                        readFully(segment.content, at - segment.begin + HEADER_BYTES, length)
                                .array();
                entries.add(new Entry(Stream.of(header.get(0)), header.getLong(1), data));
                at += HEADER_BYTES + length;
                budget -= length + ENTRY_COST;
            }
        }
        return new Piece(entries, at, ended && at >= endCursor());
    }

    private static Fault notACursor(long cursor) {
        return Fault.invalidArgument("no piece of the log ended at %d", cursor);
    }

    private long endCursor() {
        return segments.isEmpty() ? 0 : segments.getLast().end();
    }

    private static ByteBuffer readFully(RandomAccessFile content, long at, int length)
            throws IOException {
        byte[] bytes = new byte[length];
        content.seek(at);
        content.readFully(bytes);
        return ByteBuffer.wrap(bytes);
    }

    /** Lets go of the files, which stay. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            for (Segment segment : segments) {
                try {
                    segment.content.close();
                } catch (IOException e) {
                    // it was only read or has been written through already: nothing is lost
                }
            }
            segments.clear();
            ended = true;
            grown.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
