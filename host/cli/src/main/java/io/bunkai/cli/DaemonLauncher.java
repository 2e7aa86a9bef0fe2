// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.ExitStatus;
import io.bunkai.linux.Fd;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.LockFile;
import io.bunkai.linux.Spawn;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Finds the daemon of a state root, and starts one where there is none.
 *
 * <p>Whether a daemon lives is told by the lock that it holds, never by its socket: a killed daemon
 * leaves the file behind. Who starts one has the start lock until the daemon answers, so that of
 * many commands (and of containerd's launchers, which take the same lock) one does it.
 */
final class DaemonLauncher {
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(10);
    private static final Duration POLL_INTERVAL = Duration.ofMillis(10);
    private static final long ANSWER_NAP_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
    private static final String TAKEOVER = "--takeover";
    private static final int LOG_LINES = 10;
    private static final int LOG_BYTES = 16 * 1024;

    /** What a daemon may take over from whoever happens to start it. */
    private static final List<String> INHERITED =
            List.of(
                    "PATH",
                    "HOME",
                    "LANG",
                    "LC_ALL",
                    "LC_CTYPE",
                    "TMPDIR",
                    "JAVA_HOME",
                    "TZ",
                    "BUNKAI_DEBUG");

    private final StateRoot root;
    private final @Nullable Path programs;
    private final Map<String, String> environment;

    /**
     * Makes a launcher; nothing is started yet.
     *
     * @param programs folder with {@code bunkaid}; null if it is not known
     * @param environment of the caller
     */
    DaemonLauncher(StateRoot root, @Nullable Path programs, Map<String, String> environment) {
        this.root = root;
        this.programs = programs;
        this.environment = environment;
    }

    /** {@return a connection to the daemon that runs; empty if none does} */
    Optional<Daemon> find() {
        root.check();
        Optional<Daemon> running = tryConnect();
        if (running.isPresent() || !Files.exists(root.daemonLock())) {
            return running;
        }
        Deadline deadline = Deadline.after(START_LIMIT);
        try (LockFile _ = takeStartLock(deadline)) {
            running = tryConnect();
            if (running.isPresent() || !daemonLives()) {
                return running;
            }
            return awaitAnswer(deadline);
        }
    }

    /**
     * {@return a connection to the daemon, which is started if none runs}
     *
     * @throws Fault UNAVAILABLE if it cannot be started or ends at once, DEADLINE_EXCEEDED if it
     *     does not answer in time
     */
    Daemon findOrStart() {
        root.check();
        return tryConnect().orElseGet(() -> start(List.of()));
    }

    /**
     * {@return a connection to a daemon that is started with these arguments}
     *
     * @param arguments of {@code bunkaid}, besides the state root
     * @throws Fault FAILED_PRECONDITION if one runs already, else as {@link #findOrStart}
     */
    Daemon startWith(List<String> arguments) {
        root.check();
        if (find().isPresent()) {
            throw Fault.failedPrecondition("a daemon runs already, with a configuration of its own")
                    .withHint("stop it first, its containers go on running: bunkai daemon stop");
        }
        return start(arguments);
    }

    /**
     * {@return a connection to a newer daemon, started with these arguments, which has taken over
     * from the one that runs}
     *
     * @throws Fault UNAVAILABLE if it could not; the one that runs goes on then
     */
    Daemon takeOver(List<String> arguments) {
        root.check();
        root.create();
        List<String> all = new ArrayList<>(arguments);
        all.add(TAKEOVER);
        Deadline deadline = Deadline.after(START_LIMIT);
        try (LockFile _ = takeStartLock(deadline)) {
            return launch(all, deadline);
        }
    }

    private Daemon start(List<String> arguments) {
        root.create();
        Deadline deadline = Deadline.after(START_LIMIT);
        // One starter at a time; whoever waited here finds the daemon that the other has started.
        try (LockFile _ = takeStartLock(deadline)) {
            Optional<Daemon> running = tryConnect();
            if (running.isPresent()) {
                return running.get();
            }
            if (daemonLives()) {
                running = awaitAnswer(deadline);
            }
            return running.orElseGet(() ->
                    Files.exists(root.managed())
                            ? awaitService(deadline)
                            : launch(arguments, deadline));
        }
    }

    private Optional<Daemon> tryConnect() {
        try {
            return Optional.of(Daemon.connect(root, Deadline.after(CONNECT_LIMIT)));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private boolean daemonLives() {
        try {
            return LockFile.isHeld(root.daemonLock());
        } catch (ErrnoException e) {
            throw Fault.unavailable("the daemon's lock %s cannot be looked at", root.daemonLock())
                    .causedBy(e);
        }
    }

    /** The right to start a daemon. The kernel takes it back if this process dies. */
    private LockFile takeStartLock(Deadline deadline) {
        try {
            return LockFile.acquire(root.startLock(), deadline)
                    .orElseThrow(() ->
                            Fault.deadlineExceeded(
                                    "waiting for another command that starts the daemon took too"
                                            + " long"));
        } catch (ErrnoException e) {
            throw Fault.unavailable("the lock %s cannot be taken", root.startLock()).causedBy(e);
        }
    }

    /**
     * Somebody else started it, and it is on its way. Or it is on its way out: a process holds its
     * locks until the last moment. {@return empty if it has ended}
     */
    private Optional<Daemon> awaitAnswer(Deadline deadline) {
        while (!deadline.hasPassed()) {
            Optional<Daemon> answer = tryConnect();
            if (answer.isPresent() || !daemonLives()) {
                return answer;
            }
            LockSupport.parkNanos(ANSWER_NAP_NANOS);
        }
        throw Fault.deadlineExceeded(
                        "the daemon holds %s and did not answer at %s within %d s",
                        root.daemonLock(), root.controlSocket(), START_LIMIT.toSeconds())
                .withHint("look into %s", root.log());
    }

    /** A daemon that nobody else has started would not have what is kept for the service. */
    private Daemon awaitService(Deadline deadline) {
        while (!deadline.hasPassed()) {
            Optional<Daemon> answer = tryConnect();
            if (answer.isPresent()) {
                return answer.get();
            }
            LockSupport.parkNanos(ANSWER_NAP_NANOS);
        }
        throw Fault.unavailable("the service manager has not started the daemon")
                .withHint(
                        "start it: systemctl start bunkaid; or, if it is no service any more,"
                                + " remove %s",
                        root.managed());
    }

    private Daemon launch(List<String> arguments, Deadline deadline) {
        List<String> command =
                new ArrayList<>(
                        List.of(program().toString(), "--state-root", root.path().toString()));
        command.addAll(arguments);
        boolean takeover = arguments.contains(TAKEOVER);
        long logBefore = sizeOfLog();
        try (Fd nothing = Fd.open(Path.of("/dev/null"), Fd.O_RDWR);
                Fd log = Fd.open(root.log(), Fd.O_WRONLY | Fd.O_CREAT | Fd.O_APPEND, 0600);
                LinuxProcess daemon =
                        Spawn.of(command)
                                .environment(daemonEnvironment())
                                .directory(Path.of("/"))
                                .newSession()
                                .stdin(nothing)
                                .stdout(log)
                                .stderr(log)
                                .start()) {
            while (!deadline.hasPassed()) {
                Optional<Daemon> answer = tryConnect();
                if (answer.isPresent() && (!takeover || isOf(daemon, answer.get()))) {
                    return answer.get();
                }
                answer.ifPresent(Daemon::close); // the one that is taken over from
                Optional<ExitStatus> exit = daemon.await(deadline.atMost(POLL_INTERVAL));
                if (exit.isPresent()) {
                    throw died(exit.get(), logBefore);
                }
            }
            throw Fault.deadlineExceeded(
                            "the daemon (process %d) was started and did not answer within %d s",
                            daemon.pid(), START_LIMIT.toSeconds())
                    .withHint("look into %s", root.log());
        } catch (ErrnoException e) {
            throw Fault.unavailable("the daemon could not be started").causedBy(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Fault.of(FaultCode.CANCELLED, "starting the daemon was interrupted");
        }
    }

    /** The former daemon may let go just now, and does not answer then. */
    private static boolean isOf(LinuxProcess process, Daemon answer) {
        try {
            return answer.version().getPid() == process.pid();
        } catch (Fault e) {
            return false;
        }
    }

    private Path program() {
        if (programs == null) {
            throw Fault.failedPrecondition("there is no daemon to start: its folder is not known")
                    .withHint("run bunkai through its launcher, or set BUNKAI_HOME to its folder");
        }
        Path program = programs.resolve("bunkaid").toAbsolutePath();
        if (!Files.isExecutable(program)) {
            throw Fault.failedPrecondition("there is no daemon to start: no program at %s", program)
                    .withHint("run bunkai through its launcher, or set BUNKAI_HOME to its folder");
        }
        return program;
    }

    private Map<String, String> daemonEnvironment() {
        Map<String, String> chosen = new TreeMap<>();
        environment.forEach((name, value) -> {
            if (INHERITED.contains(name) || name.startsWith("BUNKAI_")) {
                chosen.put(name, value);
            }
        });
        return chosen;
    }

    private Fault died(ExitStatus exit, long logBefore) {
        List<String> lines = lastLines(logBefore);
        Fault fault = Fault.unavailable("the daemon ended while it was starting: it %s", exit);
        if (!lines.isEmpty()) {
            fault = fault.causedBy(new IOException(String.join("\n", lines)));
        }
        return fault.withHint("the whole log is in %s", root.log());
    }

    private long sizeOfLog() {
        try {
            return Files.size(root.log());
        } catch (IOException e) {
            return 0; // there is none yet
        }
    }

    /** What the daemon has written since it was started, the end of it. */
    private List<String> lastLines(long from) {
        try (RandomAccessFile log = new RandomAccessFile(root.log().toFile(), "r")) {
            long start = Math.max(Math.min(from, log.length()), log.length() - LOG_BYTES);
            byte[] bytes = new byte[(int) (log.length() - start)];
            log.seek(start);
            log.readFully(bytes);
            List<String> lines = new ArrayList<>();
            new String(bytes, StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank())
                    .forEach(lines::add);
            return lines.subList(Math.max(0, lines.size() - LOG_LINES), lines.size());
        } catch (IOException e) {
            return List.of();
        }
    }
}
