// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.ExitStatus;
import io.bunkai.linux.Fd;
import io.bunkai.linux.Machine;
import io.bunkai.linux.Poll;
import io.bunkai.linux.Processes;
import io.bunkai.linux.Signals;
import io.bunkai.linux.Spawn;
import io.bunkai.linux.UnixSockets;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Makes containers by running crun, and turns what it says into faults.
 *
 * <p>A program that the container does not have is NOT_FOUND, one that may not be run
 * PERMISSION_DENIED; both carry crun's words, so that a runtime can exit with 127 or 126.
 *
 * <p>Thread-safe: every run has files of its own.
 *
 * @spec https://github.com/containers/crun/blob/1.8.1/crun.1.md crun(1)
 */
final class Crun {
    /** Far beyond what a start takes in an emulated machine, short of what a host waits for. */
    private static final Duration PATIENCE = Duration.ofSeconds(55);

    private static final int MOST_LOG_BYTES = 4096;
    private static final int MOST_MESSAGE_BYTES = 1024;

    private final Reaper reaper;
    private final Path program;
    private final Path state;
    private final Path work;
    private final AtomicLong runs = new AtomicLong();

    /**
     * Names the places; nothing is touched yet.
     *
     * @param program crun itself
     * @param state where crun keeps what it knows about containers
     * @param work an existing directory for files that live as long as one run; its path is short,
     *     since sockets are made in it
     */
    Crun(Reaper reaper, Path program, Path state, Path work) {
        this.reaper = reaper;
        this.program = program;
        this.state = state;
        this.work = work;
    }

    /** {@return the first process of a new container, which waits to be started} */
    GuestProcess create(String container, String execId, Path bundle, boolean terminal)
            throws IOException, InterruptedException {
        return launch(
                container,
                execId,
                terminal,
                List.of("create", "--bundle", bundle.toString()),
                List.of(container));
    }

    /** {@return another process in a container, running} */
    GuestProcess exec(String container, String execId, Path process, boolean terminal)
            throws IOException, InterruptedException {
        return launch(
                container,
                execId,
                terminal,
                List.of("exec", "--detach", "--process", process.toString()),
                List.of(container));
    }

    /**
     * Lets the first process of a container begin.
     *
     * <p>What {@code crun start} does is to write a byte to a pipe on which that process waits;
     * doing it here saves a process, a third of a start in an emulated machine. Without such a pipe
     * crun is asked.
     */
    void start(String container) throws IOException, InterruptedException {
        Path fifo = state.resolve(container).resolve("exec.fifo");
        try (Fd fd = Fd.open(fifo, Fd.O_WRONLY | Fd.O_NONBLOCK)) {
            Files.delete(fifo);
            fd.writeFully(new byte[1]);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.ENOENT && e.errno() != Errno.ENXIO) {
                throw e;
            }
            run("start", container, List.of("start", container));
        }
    }

    /** Removes a container, killing what runs in it; one that crun does not know is removed. */
    void delete(String container) throws IOException, InterruptedException {
        run("delete", container, List.of("delete", "--force", container));
    }

    /** Changes a container's limits. */
    void update(String container, Path resources) throws IOException, InterruptedException {
        run("update", container, List.of("update", "--resources", resources.toString(), container));
    }

    private GuestProcess launch(
            String container,
            String execId,
            boolean terminal,
            List<String> command,
            List<String> operands)
            throws IOException, InterruptedException {
        try (RunFiles files = new RunFiles();
                Reaper.Orphans orphans = reaper.expectOrphans();
                Closer undo = new Closer()) {
            Signal ended = new Signal();
            undo.onClose(ended::raise);
            List<String> arguments = new ArrayList<>(command);
            arguments.add("--pid-file");
            arguments.add(files.pid.toString());
            ProcessIo io;
            if (terminal) {
                Fd listener = UnixSockets.listen(files.socket);
                undo.onClose(listener);
                arguments.add("--console-socket");
                arguments.add(files.socket.toString());
                arguments.addAll(operands);
                check(command.getFirst(), run(spawn(files.log, arguments)), files.log);
                io = ProcessIo.terminal(undo.own(receiveTerminal(listener)), ended);
                listener.close();
            } else {
                ProcessIo.Pipes pipes = ProcessIo.pipes(ended);
                io = undo.own(pipes.agentSide());
                arguments.addAll(operands);
                ExitStatus status;
                try {
                    status =
                            run(
                                    spawn(files.log, arguments)
                                            .stdin(pipes.stdin())
                                            .stdout(pipes.stdout())
                                            .stderr(pipes.stderr()));
                } finally {
                    pipes.stdin().close();
                    pipes.stdout().close();
                    pipes.stderr().close();
                }
                check(command.getFirst(), status, files.log);
            }
            int pid = pid(files.pid);
            GuestProcess process = new GuestProcess(execId, pid, orphans.claim(pid), io, ended);
            Log.debug("process container=" + container + " exec=" + execId + " pid=" + pid);
            undo.release();
            return process;
        }
    }

    /** crun has ended well, so it has connected and sent; nothing here waits. */
    private static Fd receiveTerminal(Fd listener) throws ErrnoException {
        if (!Poll.readable(listener, 0)) {
            throw Fault.internal("crun made no terminal");
        }
        try (Fd connection = UnixSockets.accept(listener)) {
            UnixSockets.Message message = UnixSockets.receive(connection, MOST_MESSAGE_BYTES);
            if (message.descriptors().size() != 1) {
                message.close();
                throw Fault.internal("crun sent %d terminals", message.descriptors().size());
            }
            return message.descriptors().getFirst();
        }
    }

    private static int pid(Path file) throws IOException {
        String text = Files.readString(file, StandardCharsets.UTF_8).strip();
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw Fault.internal("crun wrote '%s' for a process id", Log.printable(text))
                    .causedBy(e);
        }
    }

    private void run(String verb, String container, List<String> arguments)
            throws IOException, InterruptedException {
        try (RunFiles files = new RunFiles()) {
            long begin = Machine.bootMicros();
            check(verb, run(spawn(files.log, arguments)), files.log);
            Log.step("crun." + verb, container, begin);
        }
    }

    private Spawn spawn(Path log, List<String> arguments) {
        List<String> command = new ArrayList<>();
        command.add(program.toString());
        command.add("--root=" + state);
        command.add("--log=" + log);
        command.addAll(arguments);
        return Spawn.of(command);
    }

    private ExitStatus run(Spawn description) throws ErrnoException, InterruptedException {
        Reaper.Child child = reaper.spawn(description);
        Optional<ExitStatus> status = child.exit().await(Deadline.after(PATIENCE));
        if (status.isEmpty()) {
            Processes.signal(child.pid(), Signals.SIGKILL);
            throw Fault.deadlineExceeded("crun did not end within %d s", PATIENCE.toSeconds());
        }
        return status.get();
    }

    private static void check(String verb, ExitStatus status, Path log) throws IOException {
        if (status.shellCode() == 0) {
            return;
        }
        String words = wordsIn(log);
        throw Fault.of(
                codeOf(words),
                "crun %s: %s",
                verb,
                words.isEmpty() ? "it " + status + " without a word" : words);
    }

    private static String wordsIn(Path log) throws IOException {
        if (!Files.exists(log)) {
            return "";
        }
        try (Fd fd = Fd.open(log, Fd.O_RDONLY)) {
            byte[] bytes = new byte[MOST_LOG_BYTES];
            int n = fd.read(bytes, 0, bytes.length);
            return Log.printable(new String(bytes, 0, n, StandardCharsets.UTF_8)).strip();
        }
    }

    /** crun tells its errors in words only; these are the ones of 1.8.1 that a caller acts on. */
    static FaultCode codeOf(String words) {
        if (words.contains("executable file") && words.contains("not found")) {
            return FaultCode.NOT_FOUND;
        }
        if (words.contains("open executable:")) {
            return words.contains("No such file")
                    ? FaultCode.NOT_FOUND
                    : FaultCode.PERMISSION_DENIED;
        }
        if (words.contains("already exists")) {
            return FaultCode.ALREADY_EXISTS;
        }
        if (words.contains("is not running")) {
            return FaultCode.FAILED_PRECONDITION;
        }
        return FaultCode.UNKNOWN;
    }

    /** The files of one run, removed after it. */
    private final class RunFiles implements AutoCloseable {
        private final Path pid;
        private final Path log;
        private final Path socket;

        RunFiles() {
            long run = runs.incrementAndGet();
            pid = work.resolve(run + ".pid");
            log = work.resolve(run + ".log");
            socket = work.resolve(run + ".sock");
        }

        @Override
        public void close() throws IOException {
            Files.deleteIfExists(pid);
            Files.deleteIfExists(log);
            Files.deleteIfExists(socket);
        }
    }
}
