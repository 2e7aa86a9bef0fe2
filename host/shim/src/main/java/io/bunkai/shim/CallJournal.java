// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.base.Deadline;
import io.bunkai.linux.Fd;
import io.bunkai.linux.UnixConnection;
import io.bunkai.ttrpc.CallLog;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The calls of one connection that have not been answered, a file each, for whoever goes on with
 * the connection after this process.
 *
 * <p>A request is looked at in the socket, written to its file, and taken from the socket only
 * then; the file is the frame as it came, {@code 0000000017.call}. So at whatever moment this
 * process dies, the request is in the socket, or in the file, or in both: if a successor finds at
 * the head of the socket what the youngest file ends with, it takes that away. A frame larger than
 * 64 KiB goes piece by piece in this way; half a piece in a file is a write that did not end, and
 * does not count.
 *
 * <p>A request that does not fit on the file system is served without a file: it is lost if this
 * process dies before it has answered, and the log says so.
 *
 * <p>Requests hold the environments of processes: directory and files are their owner's alone.
 */
final class CallJournal implements CallLog {
    private static final System.Logger LOG = System.getLogger(CallJournal.class.getName());
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);

    // ttrpc's frame: four bytes length of the data, four stream, one type, one flags
    private static final int HEADER_BYTES = 10;
    private static final byte REQUEST = 1;
    private static final int MOST_DATA = 4 << 20;

    /** As much as is looked at, written and taken at once. */
    static final int PIECE = 64 * 1024;

    private static final String CALL = ".call";
    private static final String NOTE = ".note";

    /** While it is there, bytes were taken that no file has: nobody can go on after that. */
    private static final String BROKEN = "broken";

    private static final int OWNER_ONLY = 0600;
    private static final Duration FIRST_NAP = Duration.ofMillis(1);
    private static final Duration LONGEST_NAP = Duration.ofMillis(50);

    /** After so many naps without a byte more, half a frame is taken as it is. */
    private static final int MOST_NAPS = 100;

    private final Path directory;
    private final UnixConnection connection;
    private final Deque<byte[]> former = new ArrayDeque<>(); // the reading thread's alone
    private byte @Nullable [] youngest; // of the former ones, perhaps incomplete; likewise
    private final Set<Integer> repeated = new HashSet<>(); // immutable once it is open

    private final ReentrantLock lock = new ReentrantLock(); // guards what follows
    private final Condition changed = lock.newCondition();
    private final Set<Integer> active = new HashSet<>(); // handed out, neither parked nor answered
    private boolean paused;
    private boolean ended;

    private CallJournal(Path directory, UnixConnection connection) {
        this.directory = directory;
        this.connection = connection;
    }

    /**
     * {@return the journal of a connection, with the calls that a former process has left in it}
     *
     * @param directory of this connection alone; made if it is not there
     * @throws IOException if the directory cannot be made or read, or if a former process died
     *     while the connection was in a state that nobody can go on from
     */
    static CallJournal open(Path directory, UnixConnection connection) throws IOException {
        Files.createDirectories(
                directory,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        CallJournal journal = new CallJournal(directory, connection);
        journal.readFormer();
        return journal;
    }

    private void readFormer() throws IOException {
        if (Files.exists(directory.resolve(BROKEN))) {
            throw new IOException("half a request was lost with the process that read it");
        }
        for (int stream : streams()) {
            byte[] frame;
            try {
                frame = Files.readAllBytes(file(stream, CALL));
            } catch (NoSuchFileException e) {
                continue; // the daemon that is leaving has just answered it
            }
            boolean complete =
                    frame.length >= HEADER_BYTES
                            && frame.length == HEADER_BYTES + (int) INT.get(frame, 0);
            if (complete) {
                former.add(frame);
                repeated.add(stream);
                youngest = frame;
            } else {
                youngest = Arrays.copyOf(frame, frame.length / PIECE * PIECE);
            }
        }
    }

    private List<Integer> streams() throws IOException {
        Set<Integer> found = new HashSet<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + CALL)) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                found.add(
                        Integer.parseUnsignedInt(name.substring(0, name.length() - CALL.length())));
            }
        }
        return found.stream().sorted(Integer::compareUnsigned).toList();
    }

    private Path file(int stream, String suffix) {
        return directory.resolve("%010d%s".formatted(Integer.toUnsignedLong(stream), suffix));
    }

    /** {@return the requests: those of a former process first, then those of the socket} */
    InputStream requests() {
        return new Requests();
    }

    // ---- what becomes of a call ----

    @Override
    public boolean isRepeated(int stream) {
        return repeated.contains(stream);
    }

    @Override
    public Optional<byte[]> note(int stream) {
        try {
            return Optional.of(Files.readAllBytes(file(stream, NOTE)));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    @Override
    public void note(int stream, byte[] note) {
        Path path = file(stream, NOTE);
        try {
            try (Fd file = create(path)) {
                file.writeFully(note);
            } catch (IOException e) {
                Files.deleteIfExists(path); // half a note says something else
                throw e;
            }
        } catch (IOException e) {
            complain(stream, e);
        }
    }

    @Override
    public void parked(int stream) {
        inactive(stream);
    }

    @Override
    public void answered(int stream) {
        try {
            Files.deleteIfExists(file(stream, CALL));
            Files.deleteIfExists(file(stream, NOTE));
        } catch (IOException e) {
            complain(stream, e);
        } finally {
            inactive(stream);
        }
    }

    private void inactive(int stream) {
        lock.lock();
        try {
            active.remove(stream);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void complain(int stream, IOException why) {
        LOG.log(
                System.Logger.Level.WARNING,
                "call {0} of {1} is not in the journal as it should be: {2}",
                Integer.toUnsignedString(stream),
                directory.getFileName(),
                why.getMessage());
    }

    private static Fd create(Path file) throws IOException {
        return Fd.open(file, Fd.O_WRONLY | Fd.O_CREAT | Fd.O_TRUNC | Fd.O_APPEND, OWNER_ONLY);
    }

    // ---- the end of this process's part ----

    /** From now on no request is taken from the socket. */
    void pause() {
        lock.lock();
        try {
            paused = true;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until every call that was taken is answered, or waits itself.
     *
     * @return whether that is so; not if the deadline passes first
     */
    boolean awaitIdle(Deadline deadline) throws InterruptedException {
        lock.lock();
        try {
            while (!active.isEmpty()) {
                long left = deadline.remaining().toNanos();
                if (left <= 0) {
                    return false;
                }
                changed.await(left, TimeUnit.NANOSECONDS);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Ends this side of the connection: the requests are at their end, and nothing is answered any
     * more. What is not answered stays in the files.
     */
    void end() {
        lock.lock();
        try {
            paused = true;
            ended = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        connection.close();
    }

    /** Deletes all files: nobody will go on with the connection. */
    void forget() {
        delete(directory);
    }

    /** Deletes the journal of a connection that nobody has kept. */
    static void delete(Path directory) {
        try {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
                for (Path file : files) {
                    Files.deleteIfExists(file);
                }
            }
            Files.deleteIfExists(directory);
        } catch (NoSuchFileException e) {
            // somebody was faster
        } catch (IOException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "calls were left behind directory={0} reason={1}",
                    directory,
                    e.getMessage());
        }
    }

    /** {@return whether this request may be handed out; waits for the end if it may not} */
    private boolean handOut(int stream) {
        lock.lock();
        try {
            if (mayGoOn()) {
                active.add(stream);
            }
            return !ended;
        } finally {
            lock.unlock();
        }
    }

    private boolean mayGoOn() {
        lock.lock();
        try {
            while (paused && !ended) {
                changed.awaitUninterruptibly();
            }
            return !ended;
        } finally {
            lock.unlock();
        }
    }

    // ---- receiving ----

    /** Bytes that are in a file already, or are not to be. One thread reads. */
    private final class Requests extends InputStream {
        private byte[] bytes = new byte[0];
        private int at;
        private int direct; // what comes straight from the socket: nobody answers it

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) == 1 ? one[0] & 0xff : -1;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            Objects.checkFromIndexSize(offset, length, buffer.length);
            if (length == 0) {
                return 0;
            }
            if (at == bytes.length && direct > 0) {
                int n = connection.input().read(buffer, offset, Math.min(length, direct));
                direct -= Math.max(0, n);
                return n;
            }
            if (at == bytes.length && !next()) {
                return -1;
            }
            int n = Math.min(length, bytes.length - at);
            System.arraycopy(bytes, at, buffer, offset, n);
            at += n;
            return n;
        }

        /** {@return whether there is anything more} */
        private boolean next() throws IOException {
            at = 0;
            bytes = new byte[0];
            byte[] left = former.poll();
            if (left != null) {
                bytes = left;
                return handOut((int) INT.get(left, 4));
            }
            byte[] begun = takeWhatTheYoungestHas();
            if (begun.length == 0) {
                return receive();
            }
            if (!handOut((int) INT.get(begun, 4))) {
                return false;
            }
            bytes = receiveRest(begun, begun.length, begun.length);
            return true;
        }

        private boolean receive() throws IOException {
            byte[] header = new byte[HEADER_BYTES];
            int seen = look(header, 0, HEADER_BYTES);
            if (seen == 0 || !mayGoOn()) {
                return false;
            }
            int taken = 0;
            if (seen < HEADER_BYTES) {
                create(broken()).close();
                take(header, HEADER_BYTES);
                taken = HEADER_BYTES;
            }
            int length = (int) INT.get(header, 0);
            if (header[8] == REQUEST && length >= 0 && length <= MOST_DATA) {
                if (!handOut((int) INT.get(header, 4))) {
                    return false;
                }
                bytes = receiveRest(header, 0, taken);
            } else { // nobody answers it, or the server says what is wrong
                if (taken == 0) {
                    take(header, HEADER_BYTES);
                }
                bytes = header;
                direct = Math.max(0, length);
                Files.deleteIfExists(broken());
            }
            return true;
        }

        /**
         * {@return a whole frame}
         *
         * @param begun its beginning, with the header
         * @param written how much of it is in its file
         * @param taken how much of it has been taken from the socket
         */
        private byte[] receiveRest(byte[] begun, int written, int taken) throws IOException {
            byte[] frame = Arrays.copyOf(begun, HEADER_BYTES + (int) INT.get(begun, 0));
            Path path = file((int) INT.get(frame, 4), CALL);
            try (Output file = new Output(path, written)) {
                int missing = Math.max(0, taken - written);
                for (int from = written; from < frame.length; missing = 0) {
                    int piece = Math.min(PIECE, frame.length - from);
                    receivePiece(frame, from, piece, missing, file);
                    from += piece;
                }
            }
            return frame;
        }

        private void receivePiece(byte[] frame, int from, int length, int taken, Output file)
                throws IOException {
            int rest = length - taken;
            if (taken == 0) {
                int seen = look(frame, from, length);
                if (seen == length) {
                    file.write(frame, from, length);
                    take(new byte[length], length);
                    return;
                }
                if (seen == 0) { // what was sent is still in the socket, for a successor
                    throw new EOFException("the connection ended within a request");
                }
            }
            create(broken()).close();
            byte[] piece = new byte[rest];
            take(piece, rest);
            System.arraycopy(piece, 0, frame, from + taken, rest);
            file.write(frame, from, length);
            Files.delete(broken());
        }

        private Path broken() {
            return directory.resolve(BROKEN);
        }

        private void take(byte[] into, int length) throws IOException {
            if (connection.input().readNBytes(into, 0, length) < length) {
                throw new EOFException("the connection ended within a request");
            }
        }

        /** Looks until all of it is there, or no more is coming. {@return how much there is} */
        private int look(byte[] buffer, int offset, int length) throws IOException {
            Duration nap = FIRST_NAP;
            int before = -1;
            for (int naps = 0; ; naps++) {
                int n = lookOnce(buffer, offset, length);
                if (n == 0 || n == length || naps == MOST_NAPS) {
                    return n;
                }
                naps = n == before ? naps : 0;
                before = n;
                sleep(nap);
                nap = nap.compareTo(LONGEST_NAP) < 0 ? nap.multipliedBy(2) : nap;
            }
        }

        private int lookOnce(byte[] buffer, int offset, int length) throws IOException {
            try {
                return connection.peek(buffer, offset, length);
            } catch (IOException e) {
                if (hasEnded()) {
                    return 0;
                }
                throw e;
            }
        }

        private static void sleep(Duration nap) throws IOException {
            try {
                Thread.sleep(nap);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted", e);
            }
        }
    }

    private boolean hasEnded() {
        lock.lock();
        try {
            return ended;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes from the socket what the youngest file has already. {@return the beginning of a frame
     * that is not complete in its file; empty if there is none}
     */
    private byte[] takeWhatTheYoungestHas() throws IOException {
        byte[] file = youngest;
        youngest = null;
        if (file == null || file.length == 0) {
            return new byte[0];
        }
        int last = (file.length - 1) / PIECE * PIECE;
        byte[] piece = Arrays.copyOfRange(file, last, file.length);
        byte[] head = new byte[piece.length];
        if (connection.peekNow(head, 0, head.length) == head.length && Arrays.equals(head, piece)) {
            connection.input().readNBytes(head, 0, head.length);
        }
        boolean complete = file.length == HEADER_BYTES + (int) INT.get(file, 0);
        return complete ? new byte[0] : file;
    }

    /** A call's file. Once it cannot be written, it is given up. */
    private static final class Output implements AutoCloseable {
        private final Path path;
        private @Nullable Fd file;

        Output(Path path, int keep) {
            this.path = path;
            try {
                if (keep > 0) {
                    try (var channel =
                            Files.newByteChannel(path, java.nio.file.StandardOpenOption.WRITE)) {
                        channel.truncate(keep);
                    }
                    file = Fd.open(path, Fd.O_WRONLY | Fd.O_APPEND);
                } else {
                    file = create(path);
                }
            } catch (IOException e) {
                giveUp(e);
            }
        }

        void write(byte[] bytes, int offset, int length) {
            Fd open = file;
            try {
                for (int done = 0; open != null && done < length; ) {
                    done += open.write(bytes, offset + done, length - done);
                }
            } catch (IOException e) {
                giveUp(e);
            }
        }

        private void giveUp(IOException why) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "a call is not in the journal, and lost if this daemon dies before it has"
                            + " answered file={0} reason={1}",
                    path,
                    why.getMessage());
            close();
            try {
                Files.deleteIfExists(path);
            } catch (IOException e) {
                why.addSuppressed(e);
            }
        }

        @Override
        public void close() {
            if (file != null) {
                file.close();
                file = null;
            }
        }
    }
}
