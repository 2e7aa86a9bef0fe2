// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.ExitStatus;
import io.bunkai.linux.Fd;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.Pipe;
import io.bunkai.linux.Signals;
import io.bunkai.linux.Spawn;
import io.bunkai.linux.WaitingFd;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A program that takes a process's outputs and does with them what it likes. It finds stdout at
 * descriptor 3 and stderr at 4, and says through 5 that it is ready: by a byte, or, as programs do
 * that were written before that rule, by closing it. Its environment is the process's id and
 * namespace and nothing else.
 *
 * <p>Owned by whoever started it. Its outputs may be closed one by one; when both are, it is
 * expected to end.
 *
 * @spec https://github.com/containerd/containerd/blob/main/docs/runtime-v2.md#logging containerd,
 *     shim logging
 */
final class BinaryLogger implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(BinaryLogger.class.getName());
    private static final int STDOUT = 3;
    private static final int STDERR = 4;
    private static final int READY = 5;

    /** A program that dies closes its descriptors first, and can be seen to have ended after. */
    private static final Duration DYING = Duration.ofMillis(50);

    private final Path program;
    private final LinuxProcess process;
    private final Patience patience;
    private final Fd stdout;
    private final Fd stderr;
    private final WaitingFd stdoutWriter;
    private final WaitingFd stderrWriter;
    private final AtomicBoolean closed = new AtomicBoolean();

    /**
     * How long a logger may take at its end.
     *
     * @param drain to take what is left and end by itself
     * @param terminate to end after it was asked to by a signal
     */
    record Patience(Duration drain, Duration terminate) {
        /** containerd gives a logger twelve seconds. */
        static final Patience DEFAULT = new Patience(Duration.ofSeconds(12), Duration.ofSeconds(2));
    }

    private BinaryLogger(
            Path program, LinuxProcess process, Fd stdout, Fd stderr, Patience patience)
            throws ErrnoException {
        this.program = program;
        this.process = process;
        this.patience = patience;
        this.stdout = stdout;
        this.stderr = stderr;
        this.stdoutWriter = WaitingFd.toWrite(stdout);
        this.stderrWriter = WaitingFd.toWrite(stderr);
    }

    /**
     * Starts a logger and waits until it is ready.
     *
     * @param id of the process whose outputs it gets
     * @param namespace containerd's namespace of that process
     * @throws Fault NOT_FOUND or PERMISSION_DENIED if the program cannot be run,
     *     FAILED_PRECONDITION if it ends before it is ready, DEADLINE_EXCEEDED if it is not ready
     *     in time, RESOURCE_EXHAUSTED; it has been killed then
     * @throws InterruptedException if the thread was interrupted while it waited
     */
    static BinaryLogger start(
            StreamTarget.Logger logger,
            String id,
            String namespace,
            Deadline deadline,
            Patience patience)
            throws InterruptedException {
        Path program = logger.program();
        try (Closer undo = new Closer()) {
            Pipe stdout = undo.own(Pipe.create());
            Pipe stderr = undo.own(Pipe.create());
            Pipe ready = undo.own(Pipe.create());
            LinuxProcess process =
                    Spawn.of(command(logger))
                            .environment(
                                    Map.of("CONTAINER_ID", id, "CONTAINER_NAMESPACE", namespace))
                            .descriptor(STDOUT, stdout.read())
                            .descriptor(STDERR, stderr.read())
                            .descriptor(READY, ready.write())
                            .directory(Path.of("/"))
                            .newSession()
                            .start();
            undo.onClose(() -> kill(process, patience));
            stdout.read().close();
            stderr.read().close();
            ready.write().close();
            awaitReady(logger, process, ready.read(), deadline);
            ready.close();
            BinaryLogger started =
                    new BinaryLogger(program, process, stdout.write(), stderr.write(), patience);
            undo.release();
            started.watch();
            return started;
        } catch (InterruptedIOException e) {
            Thread.interrupted(); // the exception carries it from here on
            throw interrupted(e);
        } catch (IOException e) {
            throw OpenFailure.of("the logger", program, e);
        }
    }

    private static InterruptedException interrupted(IOException cause) {
        InterruptedException interrupted =
                new InterruptedException("interrupted while waiting for a logger");
        interrupted.initCause(cause);
        return interrupted;
    }

    private static List<String> command(StreamTarget.Logger logger) {
        List<String> command = new ArrayList<>();
        command.add(logger.program().toString());
        command.addAll(logger.arguments());
        return command;
    }

    private static void awaitReady(
            StreamTarget.Logger logger, LinuxProcess process, Fd ready, Deadline deadline)
            throws IOException, InterruptedException {
        WaitingFd signal = WaitingFd.toRead(ready);
        try (signal) {
            if (!signal.await(deadline)) {
                throw Fault.deadlineExceeded(
                                "the logger %s did not say in time that it is ready",
                                logger.program())
                        .withHint("a logger writes a byte to descriptor 5, or closes it");
            }
            if (signal.read(new byte[1], 0, 1) == 1) {
                return;
            }
        }
        Optional<ExitStatus> exit = process.await(deadline.atMost(DYING));
        if (exit.isPresent()) {
            throw Fault.failedPrecondition(
                            "the logger %s %s before it was ready", logger.program(), exit.get())
                    .withHint("start it by hand with its arguments to see why");
        }
        if (logger.announces()) {
            throw Fault.failedPrecondition(
                            "the logger %s closed descriptor 5 and did not say that it is ready",
                            logger.program())
                    .withHint("name it binary:// instead of binary-v2://, if it is an old one");
        }
    }

    /** An end that nobody asked for is told, since from then on output is lost. */
    private void watch() {
        var _ =
                process.onExit()
                        .thenAccept(status -> {
                            if (stdout.isOpen() || stderr.isOpen()) {
                                LOG.log(
                                        System.Logger.Level.WARNING,
                                        "a logger ended before its task program={0} pid={1}"
                                                + " status=\"{2}\"",
                                        program,
                                        Integer.toString(process.pid()),
                                        status);
                            }
                        });
    }

    /** {@return where it takes stdout from; a write fails once it has ended} */
    WaitingFd stdout() {
        return stdoutWriter;
    }

    /** {@return where it takes stderr from; a write fails once it has ended} */
    WaitingFd stderr() {
        return stderrWriter;
    }

    /**
     * Closes both outputs, waits until the logger has taken what is left and ended, and makes it
     * end if it does not. A second call returns at once.
     */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        stdoutWriter.close();
        stderrWriter.close();
        try {
            if (!hasEnded(patience.drain())) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "a logger does not end program={0} pid={1}",
                        program,
                        Integer.toString(process.pid()));
                process.signal(Signals.SIGTERM);
                hasEnded(patience.terminate());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ErrnoException e) {
            throw Fault.internal("the logger %s cannot be ended", program).causedBy(e);
        } finally {
            kill(process, patience);
        }
    }

    private boolean hasEnded(Duration within) throws InterruptedException {
        return process.await(Deadline.after(within)).isPresent();
    }

    /**
     * Kills a logger that has not ended, and lets go of it. An interrupt shortens the wait only.
     */
    private static void kill(LinuxProcess process, Patience patience) {
        try (process) {
            var _ = process.onExit(); // buried by its watcher, whether or not it is waited for here
            process.signal(Signals.SIGKILL);
            process.await(Deadline.after(patience.terminate()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ErrnoException e) {
            throw Fault.internal("%s cannot be killed", process).causedBy(e);
        }
    }
}
