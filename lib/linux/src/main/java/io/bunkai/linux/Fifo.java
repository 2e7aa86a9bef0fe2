// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * Opens named pipes whose other side may go away and come back.
 *
 * <p>A FIFO is at its end for a reader while nobody has it open to write, and is broken for a
 * writer while nobody has it open to read. Each side here therefore holds the opposite one open as
 * well: for a reader the end comes when its owner says so and not when a writer has left, and a
 * writer's data waits in the FIFO for the next reader, up to what the kernel buffers.
 *
 * @spec https://man7.org/linux/man-pages/man7/fifo.7.html fifo(7)
 */
public final class Fifo {
    private static final int S_IFMT = 0xf000;
    private static final int S_IFIFO = 0x1000;
    private static final Duration FIRST_PAUSE = Duration.ofMillis(1);
    private static final Duration LONGEST_PAUSE = Duration.ofMillis(20);

    private Fifo() {}

    /**
     * {@return whether the file is a named pipe; links are followed}
     *
     * @throws IOException if there is no such file, or it cannot be looked at
     */
    public static boolean isFifo(Path path) throws IOException {
        int mode = (int) Files.getAttribute(path, "unix:mode");
        return (mode & S_IFMT) == S_IFIFO;
    }

    /**
     * Opens a FIFO to read from it. Does not wait for a writer; reading does.
     *
     * @throws ErrnoException what open(2) answers
     */
    public static Reader openToRead(Path path) throws ErrnoException {
        try (Closer undo = new Closer()) {
            WaitingFd in = WaitingFd.toRead(undo.own(Fd.open(path, Fd.O_RDONLY | Fd.O_NONBLOCK)));
            // Opened second: without a reader the kernel refuses a writer that does not wait.
            Fd held = undo.own(Fd.open(path, Fd.O_WRONLY | Fd.O_NONBLOCK));
            undo.release();
            return new Reader(in, Optional.of(held));
        }
    }

    /**
     * Opens a FIFO to write to it, once there is somebody who has it open to read.
     *
     * @throws ErrnoException ENXIO if nobody has when the deadline passes, and what else open(2)
     *     answers
     * @throws InterruptedException if the thread was interrupted while it waited
     */
    public static Writer openToWrite(Path path, Deadline deadline)
            throws ErrnoException, InterruptedException {
        try (Closer undo = new Closer()) {
            WaitingFd out = WaitingFd.toWrite(undo.own(awaitReader(path, deadline)));
            Fd held = undo.own(Fd.open(path, Fd.O_RDONLY | Fd.O_NONBLOCK));
            undo.release();
            return new Writer(out, Optional.of(held));
        }
    }

    /**
     * Goes on with a FIFO that was opened to read, by whatever process.
     *
     * @param in belongs to the reader from now on
     * @param path where the FIFO is; if it is not there any more, the end comes when its last
     *     writer leaves
     * @throws ErrnoException what fcntl(2) answers; {@code in} is still the caller's then
     */
    public static Reader goOnReading(Fd in, Path path) throws ErrnoException {
        return new Reader(WaitingFd.toRead(in), opposite(path, Fd.O_WRONLY));
    }

    /**
     * Goes on with a FIFO that was opened to write, by whatever process.
     *
     * @param out belongs to the writer from now on
     * @param path where the FIFO is; if it is not there any more, it is broken when its last reader
     *     leaves
     * @throws ErrnoException what fcntl(2) answers; {@code out} is still the caller's then
     */
    public static Writer goOnWriting(Fd out, Path path) throws ErrnoException {
        return new Writer(WaitingFd.toWrite(out), opposite(path, Fd.O_RDONLY));
    }

    private static Optional<Fd> opposite(Path path, int mode) {
        try {
            return Optional.of(Fd.open(path, mode | Fd.O_NONBLOCK));
        } catch (ErrnoException e) {
            return Optional.empty();
        }
    }

    /**
     * A reader's arrival is not announced to one who has no end of the FIFO open; and whoever opens
     * one to be told becomes the reader that others wait for.
     */
    private static Fd awaitReader(Path path, Deadline deadline)
            throws ErrnoException, InterruptedException {
        Duration pause = FIRST_PAUSE;
        while (true) {
            try {
                return Fd.open(path, Fd.O_WRONLY | Fd.O_NONBLOCK);
            } catch (ErrnoException e) {
                if (e.errno() != Errno.ENXIO || deadline.hasPassed()) {
                    throw e;
                }
            }
            Duration left = deadline.remaining();
            Thread.sleep(pause.compareTo(left) < 0 ? pause : left);
            Duration doubled = pause.multipliedBy(2);
            pause = doubled.compareTo(LONGEST_PAUSE) < 0 ? doubled : LONGEST_PAUSE;
        }
    }

    /** Reads from a FIFO, whoever writes to it, until {@link #end}. Waits as {@link WaitingFd}. */
    public static final class Reader extends InputStream {
        private final WaitingFd in;
        private final InputStream stream;
        private final Optional<Fd> held;

        private Reader(WaitingFd in, Optional<Fd> held) {
            this.in = in;
            this.stream = in.input();
            this.held = held;
        }

        /** {@return the open FIFO, for others to keep a second descriptor of} */
        public Fd descriptor() {
            return in.descriptor();
        }

        /**
         * The end of the file is where there is nothing more to read: what has been written by now
         * is read first, and a writer that still has the FIFO open is not waited for. Idempotent.
         */
        public void end() {
            held.ifPresent(Fd::close);
            in.endWhenEmpty();
        }

        @Override
        public int read() throws IOException {
            return stream.read();
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            return stream.read(buffer, offset, length);
        }

        /** Closes it, and wakes whoever waits for it with an {@link IOException}. Idempotent. */
        @Override
        public void close() {
            in.close();
            held.ifPresent(Fd::close);
        }
    }

    /**
     * Writes to a FIFO, whoever reads from it. Never finds it broken: with nobody to read, a write
     * waits as soon as the FIFO is full. Waits as {@link WaitingFd}.
     */
    public static final class Writer extends OutputStream {
        private final WaitingFd out;
        private final OutputStream stream;
        private final Optional<Fd> held;

        private Writer(WaitingFd out, Optional<Fd> held) {
            this.out = out;
            this.stream = out.output();
            this.held = held;
        }

        /** {@return the open FIFO, for others to keep a second descriptor of} */
        public Fd descriptor() {
            return out.descriptor();
        }

        @Override
        public void write(int value) throws IOException {
            stream.write(value);
        }

        @Override
        public void write(byte[] buffer, int offset, int length) throws IOException {
            stream.write(buffer, offset, length);
        }

        /**
         * Closes it, and wakes whoever waits for it with an {@link IOException}. A reader gets what
         * is in the FIFO and then the end; without a reader, it is lost. Idempotent.
         */
        @Override
        public void close() {
            out.close();
            held.ifPresent(Fd::close);
        }
    }
}
