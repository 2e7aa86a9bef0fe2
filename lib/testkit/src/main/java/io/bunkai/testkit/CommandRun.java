// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import io.bunkai.base.Deadline;
import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A command as a test runs it: bytes in, bytes out, the two outputs apart, and an end. One object
 * is one run, used by one thread.
 */
public final class CommandRun {
    private final List<String> command;
    private final Map<String, String> environment = new LinkedHashMap<>();
    private byte[] stdin = new byte[0];
    private @Nullable Path directory;

    private CommandRun(List<String> command) {
        this.command = List.copyOf(command);
    }

    /** {@return a run of this program with these arguments; nothing is started yet} */
    public static CommandRun of(String... command) {
        return new CommandRun(List.of(command));
    }

    /** {@return a run of this program with these arguments; nothing is started yet} */
    public static CommandRun of(List<String> command) {
        return new CommandRun(command);
    }

    /** Feeds these bytes, then the end of the file; without it, only the latter. */
    public CommandRun stdin(byte[] bytes) {
        stdin = bytes.clone();
        return this;
    }

    /** Sets a variable in addition to those of this process. */
    public CommandRun environment(String name, String value) {
        environment.put(name, value);
        return this;
    }

    /** Starts it in this folder instead of this process's. */
    public CommandRun directory(Path folder) {
        directory = folder;
        return this;
    }

    /**
     * Runs the command to its end.
     *
     * @throws AssertionError if it does not end in time, or its outputs do not; it is killed with
     *     all its descendants, and the message has the outputs so far
     */
    public CommandResult run(Deadline deadline) {
        try (Running running = start()) {
            running.feed(stdin);
            return running.await(deadline);
        }
    }

    /**
     * Starts the command for a test that acts while it runs. Its standard input stays open and
     * {@link #stdin} is not used.
     *
     * @throws UncheckedIOException if there is no such program
     */
    public Running start() {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(environment);
        if (directory != null) {
            builder.directory(directory.toFile());
        }
        try (TestRoot pipes = TestRoot.create()) {
            Path out = pipes.resolve("out");
            Path err = pipes.resolve("err");
            makePipes(out, err);
            builder.redirectOutput(out.toFile()).redirectError(err.toFile());
            String name = String.join(" ", command);
            Output stdout = new Output("stdout of " + name, out);
            Output stderr = new Output("stderr of " + name, err);
            // Opening a named pipe waits for its other end, so both ends are open after this, and
            // the
            // names can go.
            return new Running(name, builder.start(), stdout, stderr);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * The pipes that {@link Process} itself offers are closed when the command ends, and lose what
     * others write into them after that; named ones belong to nobody.
     */
    private static void makePipes(Path out, Path err) throws IOException {
        Process process = new ProcessBuilder("mkfifo", out.toString(), err.toString()).start();
        try {
            if (process.waitFor() != 0) {
                throw new IOException("mkfifo " + out + " failed");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while pipes were made", e);
        }
    }

    /** A command that runs. Closing it kills it and all its descendants, if they still run. */
    public static final class Running implements AutoCloseable {
        private final String command;
        private final Process process;
        private final Output stdout;
        private final Output stderr;
        private volatile boolean stdinClosedEarly;

        private Running(String command, Process process, Output stdout, Output stderr) {
            this.command = command;
            this.process = process;
            this.stdout = stdout;
            this.stderr = stderr;
        }

        /** {@return its process id} */
        public long pid() {
            return process.pid();
        }

        /** {@return whether it has not ended yet} */
        public boolean isAlive() {
            return process.isAlive();
        }

        /** {@return its standard input; writing blocks while the command does not read} */
        public OutputStream stdin() {
            return process.getOutputStream();
        }

        /** {@return what it has written to its standard output so far} */
        public byte[] stdoutSoFar() {
            return stdout.bytes();
        }

        /** {@return what it has written to its standard error so far} */
        public byte[] stderrSoFar() {
            return stderr.bytes();
        }

        /** {@return whether it closed its standard input before it had read all of it} */
        public boolean closedStdinEarly() {
            return stdinClosedEarly;
        }

        /** Sends SIGKILL to the command itself, not to its descendants. */
        public void kill() {
            process.destroyForcibly();
        }

        /**
         * Waits until standard output, as UTF-8, contains {@code text}.
         *
         * @throws AssertionError with the outputs so far, if it does not in time, or ends before
         */
        public void awaitOutput(String text, Deadline deadline) {
            if (!stdout.awaitText(text, deadline)) {
                throw new AssertionError("'" + text + "' was not written:\n" + describe());
            }
        }

        private void feed(byte[] bytes) {
            Thread.ofVirtual()
                    .name("stdin of " + command)
                    .start(() -> {
                        try (OutputStream out = process.getOutputStream()) {
                            out.write(bytes);
                        } catch (IOException e) {
                            // A command need not read all of its input: `head` does not.
                            stdinClosedEarly = true;
                        }
                    });
        }

        /**
         * Waits until the command and both its outputs have ended.
         *
         * @throws AssertionError with the outputs so far, if that does not happen in time
         */
        public CommandResult await(Deadline deadline) {
            try {
                if (!process.waitFor(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS)) {
                    throw new AssertionError("it did not end in time:\n" + describe());
                }
                if (!stdout.awaitEnd(deadline) || !stderr.awaitEnd(deadline)) {
                    throw new AssertionError(
                            "it ended with exit code "
                                    + process.exitValue()
                                    + ", but something it started keeps its output open:\n"
                                    + describe());
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError("interrupted while waiting for " + command, e);
            }
            return new CommandResult(command, process.exitValue(), stdout.bytes(), stderr.bytes());
        }

        private String describe() {
            int exitCode = process.isAlive() ? -1 : process.exitValue();
            return new CommandResult(command, exitCode, stdout.bytes(), stderr.bytes()).toString();
        }

        @Override
        public void close() {
            try (Stream<ProcessHandle> descendants = process.descendants()) {
                descendants.toList().forEach(ProcessHandle::destroyForcibly);
            }
            process.destroyForcibly();
            boolean interrupted = Thread.interrupted();
            while (process.isAlive()) {
                try {
                    process.waitFor();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** One output, read by a thread of its own until its end. Guarded by itself. */
    private static final class Output {
        private final ByteArrayOutputStream collected = new ByteArrayOutputStream();
        private boolean ended;

        Output(String name, Path pipe) {
            Thread.ofPlatform().daemon().name(name).start(() -> collect(pipe));
        }

        private void collect(Path pipe) {
            byte[] buffer = new byte[1 << 16];
            try (InputStream in = new FileInputStream(pipe.toFile())) {
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    add(buffer, n);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } finally {
                end();
            }
        }

        private synchronized void add(byte[] buffer, int length) {
            collected.write(buffer, 0, length);
            notifyAll();
        }

        private synchronized void end() {
            ended = true;
            notifyAll();
        }

        synchronized byte[] bytes() {
            return collected.toByteArray();
        }

        synchronized boolean awaitEnd(Deadline deadline) throws InterruptedException {
            while (!ended && !deadline.hasPassed()) {
                TimeUnit.NANOSECONDS.timedWait(this, deadline.remaining().toNanos());
            }
            return ended;
        }

        synchronized boolean awaitText(String text, Deadline deadline) {
            try {
                while (!holds(text)) {
                    if (ended || deadline.hasPassed()) {
                        return false;
                    }
                    TimeUnit.NANOSECONDS.timedWait(this, deadline.remaining().toNanos());
                }
                return true;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }

        private boolean holds(String text) {
            return collected.toString(StandardCharsets.UTF_8).contains(text);
        }
    }
}
