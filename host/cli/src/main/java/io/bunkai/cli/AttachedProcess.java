// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.AttachRequest;
import io.bunkai.api.control.AttachResponse;
import io.bunkai.api.control.ResizeRequest;
import io.bunkai.api.control.SignalRequest;
import io.bunkai.api.control.WaitRequest;
import io.bunkai.api.control.WaitResponse;
import io.bunkai.base.Closer;
import io.bunkai.base.Fault;
import io.bunkai.linux.Signals;
import io.bunkai.linux.Terminal;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A process whose streams are this command's own until it ends.
 *
 * <p>The calling thread starts the process and waits for it. One thread copies each stream, and
 * signals come on threads of their own. Output ends when the daemon closes its side, so nothing
 * that was written is lost however slowly it is read here; input that nobody reads any more is
 * dropped with the process.
 */
final class AttachedProcess {
    private static final int BUFFER_BYTES = 128 * 1024;
    private static final int SIGPIPE = 13;

    /** From this one on, a polite signal means that the sender has lost patience. */
    private static final int PATIENCE = 3;

    private static final List<String> ENDING = List.of("INT", "TERM", "HUP");
    private static final List<String> FORWARDED = List.of("INT", "TERM", "HUP", "USR1", "USR2");

    private final Surroundings surroundings;
    private final Daemon daemon;
    private final ProcessAddress process;
    private final boolean tty;
    private final boolean stdin;
    private final AtomicInteger endingSignals = new AtomicInteger();
    private volatile boolean started;

    /** Why this command ends before the process does: a signal's number, 0 if it does not. */
    private volatile int leaving;

    /**
     * Describes what is going to run.
     *
     * @param process created and not started
     */
    AttachedProcess(
            Surroundings surroundings,
            Daemon daemon,
            ProcessAddress process,
            boolean tty,
            boolean stdin) {
        this.surroundings = surroundings;
        this.daemon = daemon;
        this.process = process;
        this.tty = tty;
        this.stdin = stdin;
    }

    /**
     * Checks before anything is made that input can be what it is said to be.
     *
     * @throws Fault INVALID_ARGUMENT if a terminal is wanted and there is none to type on
     */
    static void checkTerminal(Surroundings surroundings, boolean tty, boolean stdin) {
        if (tty && stdin && !surroundings.terminal().isInput()) {
            throw Fault.invalidArgument("standard input is not a terminal")
                    .withHint("leave -t out to pipe data through the process");
        }
    }

    /**
     * Starts the process and copies until it has ended.
     *
     * @return the process's exit status as shells tell it, or why this command left before
     * @throws StartFailed if it was not started
     * @throws Fault if the daemon went away, or the process's machine
     */
    int run() throws StartFailed {
        try (Closer closer = new Closer()) {
            List<String> signals = tty ? ENDING : FORWARDED;
            closer.onClose(surroundings.signals().deliver(signals, this::onSignal));
            AttachResponse streams = attach();
            List<Thread> outputs = new ArrayList<>();
            outputs.add(
                    copyOutput(closer, streams, streams.getStdoutToken(), surroundings.stdout()));
            if (!tty) {
                outputs.add(
                        copyOutput(
                                closer, streams, streams.getStderrToken(), surroundings.stderr()));
            }
            // Claimed before the start, which may take longer than the daemon keeps a stream for
            // us.
            SocketChannel input =
                    stdin
                            ? closer.own(
                                    Daemon.openStream(
                                            streams.getIoSocket(), streams.getStdinToken()))
                            : null;
            process.start(daemon);
            started = true;
            if (tty) {
                followTerminal(closer);
            }
            if (input != null) {
                start("copy input", () -> copyInput(surroundings.stdin(), input));
            }
            WaitResponse end = daemon.await(ControlMethods.WAIT, waitRequest());
            for (Thread output : outputs) {
                output.join();
            }
            return leaving != 0 ? ExitCode.SIGNAL_BASE + leaving : exitCode(end);
        } catch (Fault | StartFailed e) {
            if (leaving != 0) { // the connection was closed on purpose
                return ExitCode.SIGNAL_BASE + leaving;
            }
            throw e;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return ExitCode.SIGNAL_BASE + Signals.SIGINT;
        }
    }

    private AttachResponse attach() {
        return daemon.call(
                ControlMethods.ATTACH,
                AttachRequest.newBuilder()
                        .setContainer(process.container())
                        .setExecId(process.exec())
                        .setStdin(stdin)
                        .setStdout(true)
                        .setStderr(!tty)
                        .build());
    }

    private WaitRequest waitRequest() {
        return WaitRequest.newBuilder()
                .setContainer(process.container())
                .setExecId(process.exec())
                .build();
    }

    private int exitCode(WaitResponse end) {
        if (!end.getError().isEmpty()) {
            throw Fault.unavailable(
                            "the machine of container %s was lost",
                            Texts.shortId(process.container()))
                    .causedBy(new IOException(end.getError()));
        }
        if (end.getOomKilled()) {
            surroundings
                    .err()
                    .println(
                            "warning: container %s ran out of memory, and the kernel killed a process"
                                    .formatted(Texts.shortId(process.container())));
        }
        return end.getExitCode();
    }

    private Thread copyOutput(
            Closer closer, AttachResponse streams, String token, OutputStream target) {
        SocketChannel channel = closer.own(Daemon.openStream(streams.getIoSocket(), token));
        InputStream source = Channels.newInputStream(channel);
        return start("copy output", () -> copyOutput(source, target));
    }

    private void copyOutput(InputStream source, OutputStream target) {
        byte[] buffer = new byte[BUFFER_BYTES];
        while (true) {
            int n;
            try {
                n = source.read(buffer);
            } catch (IOException e) {
                return; // the daemon is gone, which the thread that waits will see, or we are done
            }
            if (n < 0) {
                return;
            }
            try {
                target.write(buffer, 0, n);
                target.flush();
            } catch (IOException e) {
                // Whoever read our output has left. Other programs die of SIGPIPE here, silently.
                leave(SIGPIPE);
                return;
            }
        }
    }

    private static void copyInput(InputStream source, SocketChannel channel) {
        OutputStream target = Channels.newOutputStream(channel);
        byte[] buffer = new byte[BUFFER_BYTES];
        try {
            for (int n = source.read(buffer); n >= 0; n = source.read(buffer)) {
                target.write(buffer, 0, n);
            }
        } catch (IOException e) {
            // Either side is gone: there is nothing left to hand on, only its end to tell.
        }
        try {
            channel.shutdownOutput();
        } catch (IOException e) {
            // the process has ended before its input did
        }
    }

    /** Hands keys through as they are and keeps the process's terminal as large as the caller's. */
    private void followTerminal(Closer closer) {
        if (stdin) {
            try {
                closer.own(surroundings.terminal().raw());
            } catch (IOException e) {
                throw Fault.failedPrecondition("the terminal cannot be put into raw mode")
                        .causedBy(e);
            }
        }
        closer.onClose(surroundings.signals().deliver(List.of("WINCH"), _ -> resize()));
        resize(); // it may have changed since the container was described
    }

    private void resize() {
        Terminal.Size size = surroundings.terminal().size();
        if (size.rows() == 0 || size.columns() == 0) {
            return;
        }
        try {
            daemon.call(
                    ControlMethods.RESIZE,
                    ResizeRequest.newBuilder()
                            .setContainer(process.container())
                            .setExecId(process.exec())
                            .setRows(size.rows())
                            .setColumns(size.columns())
                            .build());
        } catch (Fault fault) {
            // The process has ended, or the daemon has: the waiting thread is told of both.
        }
    }

    private void onSignal(int number) {
        if (!started || tty || isLastOfMany(number)) {
            leave(number);
            return;
        }
        try {
            daemon.call(
                    ControlMethods.SIGNAL,
                    SignalRequest.newBuilder()
                            .setContainer(process.container())
                            .setExecId(process.exec())
                            .setSignal(number)
                            .build());
        } catch (Fault fault) {
            // The process has ended, or the daemon has: the waiting thread is told of both.
        }
    }

    private boolean isLastOfMany(int number) {
        return (number == Signals.SIGINT || number == Signals.SIGTERM)
                && endingSignals.incrementAndGet() >= PATIENCE;
    }

    /** Breaks the connection that the process is tied to; that ends the process too. */
    private void leave(int signal) {
        leaving = signal;
        daemon.close();
    }

    private static Thread start(String name, Runnable body) {
        return Thread.ofPlatform().daemon().name(name).start(body);
    }
}
