// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.Fifo;
import io.bunkai.linux.WaitingFd;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * This side of the streams that containerd has named for a process: open files, FIFOs and logging
 * programs, as streams that the runtime attaches.
 *
 * <p>Owned by whoever opened it. The runtime may close the streams it was given, each alone and
 * before this is closed; closing this closes them all and ends the logging programs. Safe for use
 * by several threads, meant for virtual ones: what a read or write waits for keeps no carrier.
 */
public final class TaskStreams implements AutoCloseable {
    private final Fifo.@Nullable Reader stdin;
    private final @Nullable OutputStream stdout;
    private final @Nullable OutputStream stderr;
    private final KeptStreams kept;
    private final Closer owned;
    private final AtomicBoolean closed = new AtomicBoolean();

    private TaskStreams(
            Fifo.@Nullable Reader stdin,
            @Nullable OutputStream stdout,
            @Nullable OutputStream stderr,
            KeptStreams kept,
            Closer owned) {
        this.stdin = stdin;
        this.stdout = stdout;
        this.stderr = stderr;
        this.kept = kept;
        this.owned = owned;
    }

    /**
     * Opens what is named. An output's FIFO has to have a reader, which is waited for; stdin is not
     * waited for, since reading does that. If anything fails, nothing is left open.
     *
     * @param stdio the names
     * @param id of the process, as a logging program is told: the exec's for an exec
     * @param namespace containerd's namespace, for the same
     * @param kept where FIFOs and a logger's pipes are kept; what a former daemon has left there is
     *     gone on with instead of opened
     * @param deadline when to give up waiting for readers and logging programs
     * @throws Fault INVALID_ARGUMENT if a name has no meaning, NOT_FOUND if there is no such FIFO
     *     or program, PERMISSION_DENIED, DEADLINE_EXCEEDED if nobody reads a FIFO or a logging
     *     program does not become ready, FAILED_PRECONDITION if it ends at once, RESOURCE_EXHAUSTED
     *     if no descriptor or process is left
     * @throws InterruptedException if the thread was interrupted while it waited
     */
    static TaskStreams open(
            Stdio stdio, String id, String namespace, KeptStreams kept, Deadline deadline)
            throws InterruptedException {
        return open(stdio, id, namespace, kept, deadline, BinaryLogger.Patience.DEFAULT);
    }

    static TaskStreams open(
            Stdio stdio,
            String id,
            String namespace,
            KeptStreams kept,
            Deadline deadline,
            BinaryLogger.Patience patience)
            throws InterruptedException {
        StreamTarget input = StreamTarget.parse("stdin", stdio.stdin());
        StreamTarget output = StreamTarget.parse("stdout", stdio.stdout());
        // A terminal has one output. containerd may name stderr all the same, and nobody reads it.
        StreamTarget error = StreamTarget.parse("stderr", stdio.terminal() ? "" : stdio.stderr());
        try (Closer undo = new Closer()) {
            Opening opening = new Opening(id, namespace, kept, deadline, patience, undo);
            Fifo.Reader stdin = opening.input(input);
            OutputStream stdout =
                    opening.output("stdout", KeptStreams.STDOUT, output, BinaryLogger::stdout);
            OutputStream stderr =
                    opening.output("stderr", KeptStreams.STDERR, error, BinaryLogger::stderr);
            opening.closeUnused(output, error);
            return new TaskStreams(stdin, stdout, stderr, kept, undo.release());
        }
    }

    /** {@return where the process's input comes from; it ends after {@link #closeInput}} */
    public Optional<InputStream> stdin() {
        return Optional.ofNullable(stdin);
    }

    /** {@return where the process's output goes to} */
    public Optional<OutputStream> stdout() {
        return Optional.ofNullable(stdout);
    }

    /** {@return where the process's errors go to; empty if it has a terminal} */
    public Optional<OutputStream> stderr() {
        return Optional.ofNullable(stderr);
    }

    /**
     * Ends the input, as containerd's CloseIO asks for: what has been written by now is delivered,
     * then comes the end, whoever still has the FIFO open. Idempotent; without input, nothing.
     */
    public void closeInput() {
        if (stdin != null && !closed.get()) {
            kept.drop(KeptStreams.STDIN); // first: one file is not kept under two names
            kept.keep(KeptStreams.ENDED_STDIN, stdin.descriptor());
            stdin.end();
        }
    }

    /**
     * Closes all streams, which wakes whoever waits in them with an {@link IOException}, then waits
     * until a logging program has taken what is left and ended; after twelve seconds it is
     * terminated. A second call returns at once.
     */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            close(stdin);
            close(stdout);
            close(stderr);
            kept.dropAll();
            owned.close();
        }
    }

    private static void close(@Nullable Closeable stream) {
        try {
            if (stream != null) {
                stream.close();
            }
        } catch (IOException e) {
            throw Fault.internal("a stream cannot be closed").causedBy(e);
        }
    }

    /** Which of a logger's two outputs. */
    private interface LoggerOutput {
        WaitingFd of(BinaryLogger logger);
    }

    /** An output that is kept until it is closed. */
    private static final class KeptOutput extends OutputStream {
        private final OutputStream output;
        private final Runnable drop;

        KeptOutput(OutputStream output, Runnable drop) {
            this.output = output;
            this.drop = drop;
        }

        @Override
        public void write(int value) throws IOException {
            output.write(value);
        }

        @Override
        public void write(byte[] buffer, int offset, int length) throws IOException {
            output.write(buffer, offset, length);
        }

        @Override
        public void close() throws IOException {
            output.close();
            drop.run();
        }
    }

    /** One attempt to open all streams; what has been opened belongs to {@code undo}. */
    private static final class Opening {
        private final String id;
        private final String namespace;
        private final KeptStreams kept;
        private final Deadline deadline;
        private final BinaryLogger.Patience patience;
        private final Closer undo;
        private final Map<Path, Fd> files = new HashMap<>();
        private final Map<StreamTarget.Logger, BinaryLogger> loggers = new HashMap<>();

        Opening(
                String id,
                String namespace,
                KeptStreams kept,
                Deadline deadline,
                BinaryLogger.Patience patience,
                Closer undo) {
            this.id = id;
            this.namespace = namespace;
            this.kept = kept;
            undo.onClose(kept::dropAll);
            this.deadline = deadline;
            this.patience = patience;
            this.undo = undo;
        }

        Fifo.@Nullable Reader input(StreamTarget target) {
            return switch (target) {
                case StreamTarget.Nothing _ -> null;
                case StreamTarget.Existing(var path) -> reader(path);
                case StreamTarget.AppendedFile(var path) -> throw noInput(path);
                case StreamTarget.Logger logger -> throw noInput(logger.program());
            };
        }

        private Fifo.Reader reader(Path path) {
            try {
                Optional<Fd> ended = kept.claim(KeptStreams.ENDED_STDIN);
                if (ended.isPresent()) {
                    Fifo.Reader reader = goOnReading(ended.get(), path);
                    reader.end();
                    return reader;
                }
                Optional<Fd> former = kept.claim(KeptStreams.STDIN);
                if (former.isPresent()) {
                    return goOnReading(former.get(), path);
                }
                if (!Fifo.isFifo(path)) {
                    throw noInput(path);
                }
                Fifo.Reader reader = undo.own(Fifo.openToRead(path));
                kept.keep(KeptStreams.STDIN, reader.descriptor());
                return reader;
            } catch (IOException e) {
                throw OpenFailure.of("stdin", path, e);
            }
        }

        private Fifo.Reader goOnReading(Fd in, Path path) throws IOException {
            undo.own(in);
            return undo.own(Fifo.goOnReading(in, path));
        }

        private static Fault noInput(Path path) {
            return Fault.invalidArgument("stdin %s is no FIFO", path)
                    .withHint("create it with mkfifo, or give the task no input");
        }

        @Nullable OutputStream output(
                String stream, String name, StreamTarget target, LoggerOutput output)
                throws InterruptedException {
            return switch (target) {
                case StreamTarget.Nothing _ -> null;
                case StreamTarget.Existing(var path) -> existing(stream, name, path);
                case StreamTarget.AppendedFile(var path) -> created(stream, path);
                case StreamTarget.Logger logger -> logged(name, logger, output);
            };
        }

        /** A logger that a former daemon has started reads on from its pipe. */
        private OutputStream logged(String name, StreamTarget.Logger logger, LoggerOutput output)
                throws InterruptedException {
            Optional<Fd> former = kept.claim(name);
            if (former.isPresent()) {
                try {
                    WaitingFd pipe = WaitingFd.toWrite(undo.own(former.get()));
                    return kept(name, undo.own(pipe).output());
                } catch (IOException e) {
                    throw OpenFailure.of("the logger", logger.program(), e);
                }
            }
            WaitingFd pipe = output.of(started(logger));
            kept.keep(name, pipe.descriptor());
            return kept(name, pipe.output());
        }

        private OutputStream kept(String name, OutputStream output) {
            return new KeptOutput(output, () -> kept.drop(name));
        }

        private OutputStream existing(String stream, String name, Path path)
                throws InterruptedException {
            try {
                Optional<Fd> former = kept.claim(name);
                if (former.isPresent()) {
                    undo.own(former.get());
                    return kept(name, undo.own(Fifo.goOnWriting(former.get(), path)));
                }
                if (Fifo.isFifo(path)) {
                    Fifo.Writer writer = undo.own(Fifo.openToWrite(path, deadline));
                    kept.keep(name, writer.descriptor());
                    return kept(name, writer);
                }
                return appended(path, 0);
            } catch (ErrnoException e) {
                if (e.errno() == Errno.ENXIO) {
                    throw Fault.deadlineExceeded("nobody reads %s %s", stream, path)
                            .withHint("open the FIFO for reading before the process is created")
                            .causedBy(e);
                }
                throw OpenFailure.of(stream, path, e);
            } catch (IOException e) {
                throw OpenFailure.of(stream, path, e);
            }
        }

        private OutputStream created(String stream, Path path) {
            try {
                Path folder = path.getParent();
                if (folder != null && !Files.isDirectory(folder)) {
                    Files.createDirectories(
                            folder,
                            PosixFilePermissions.asFileAttribute(
                                    PosixFilePermissions.fromString("rwxr-xr-x")));
                }
                return appended(path, Fd.O_CREAT);
            } catch (IOException e) {
                throw OpenFailure.of(stream, path, e);
            }
        }

        /** Two streams into one file share one open file, as with a shell's {@code 2>&1}. */
        private OutputStream appended(Path path, int create) throws ErrnoException {
            Fd first = files.get(path);
            int flags = Fd.O_WRONLY | Fd.O_APPEND | Fd.O_NOCTTY | create;
            Fd file = undo.own(first == null ? Fd.open(path, flags, 0644) : first.duplicate());
            files.putIfAbsent(path, file);
            return undo.own(WaitingFd.toWrite(file)).output();
        }

        private BinaryLogger started(StreamTarget.Logger target) throws InterruptedException {
            BinaryLogger logger = loggers.get(target);
            if (logger == null) {
                logger = undo.own(BinaryLogger.start(target, id, namespace, deadline, patience));
                loggers.put(target, logger);
            }
            return logger;
        }

        /**
         * An output that leads elsewhere, or nowhere, is at its end for a logger from the start.
         */
        void closeUnused(StreamTarget output, StreamTarget error) {
            loggers.forEach((target, logger) -> {
                if (!target.equals(output)) {
                    logger.stdout().close();
                }
                if (!target.equals(error)) {
                    logger.stderr().close();
                }
            });
        }
    }
}
