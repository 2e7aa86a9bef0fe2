// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.ExitStatus;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Signals;
import io.bunkai.qmp.Cont;
import io.bunkai.qmp.Migrate;
import io.bunkai.qmp.MigrateIncoming;
import io.bunkai.qmp.MigrateSetCapabilities;
import io.bunkai.qmp.QmpClient;
import io.bunkai.qmp.QmpCommand;
import io.bunkai.qmp.QmpEvent;
import io.bunkai.qmp.QmpException;
import io.bunkai.qmp.QmpListener;
import io.bunkai.qmp.QmpProtocolException;
import io.bunkai.qmp.QmpValue;
import io.bunkai.qmp.QmpVersion;
import io.bunkai.qmp.QomGet;
import io.bunkai.qmp.QomSet;
import io.bunkai.qmp.QueryMigrate;
import io.bunkai.qmp.QueryStatus;
import io.bunkai.qmp.RunState;
import io.bunkai.qmp.Stop;
import io.bunkai.qmp.SystemPowerdown;
import io.bunkai.vmm.DiskLimits;
import io.bunkai.vmm.VirtualMachine;
import io.bunkai.vmm.VirtualMachineSpec;
import io.bunkai.vmm.VmEvent;
import io.bunkai.vmm.VmExit;
import io.bunkai.vmm.VmExit.Reason;
import io.bunkai.vmm.VmListener;
import io.bunkai.vmm.VmStatus;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A hold on a QEMU process.
 *
 * <p>Threads: QMP's reader brings events; the process's watcher brings its end; both hand listeners
 * to one queue that a virtual thread empties while there is something in it. Fields are guarded by
 * {@code this}, and no listener is called with it held.
 */
final class QemuMachine implements VirtualMachine {
    private static final System.Logger LOG = System.getLogger(QemuMachine.class.getName());

    /** The oldest QEMU whose command line and protocol are known to fit: Debian 12's. */
    private static final int OLDEST_MAJOR = 7;

    private static final int OLDEST_MINOR = 2;
    private static final int MOST_EVENTS = 64;
    private static final int MOST_LOGGED = 10;

    /** QEMU closes its socket right before or right after it is seen to have ended. */
    private static final Duration LAST_WORDS = Duration.ofSeconds(1);

    /** How long QEMU may live on without a connection before it is taken for broken. */
    private static final Duration UNREACHABLE = Duration.ofSeconds(2);

    /** It takes some milliseconds, and nothing tells its end to a client that is not asked. */
    private static final Duration MIGRATION_NAP = Duration.ofMillis(2);

    /** Memory that is a file is not sent: the copy maps that file. */
    private static final MigrateSetCapabilities LEAVE_MEMORY =
            new MigrateSetCapabilities(new TreeMap<>(Map.of("x-ignore-shared", true)));

    private static final Duration FAILURE_CHECK = Duration.ofSeconds(5);

    private final VirtualMachineSpec spec;
    private final LinuxProcess process;
    private final Diagnostics diagnostics;
    private final CompletableFuture<VmExit> exit = new CompletableFuture<>();
    private final CompletableFuture<IOException> disconnected = new CompletableFuture<>();

    private @Nullable QmpClient client;
    private String description = "QEMU";
    private boolean detached;
    private @Nullable Reason reason;
    private final List<VmListener> listeners = new ArrayList<>();
    private final Deque<VmEvent> events = new ArrayDeque<>();
    private final Deque<Runnable> calls = new ArrayDeque<>();
    private boolean calling;

    private QemuMachine(VirtualMachineSpec spec, LinuxProcess process, Diagnostics diagnostics) {
        this.spec = spec;
        this.process = process;
        this.diagnostics = diagnostics;
    }

    /**
     * Takes over a QEMU process and connects to it. On failure nothing is taken over.
     *
     * @throws IOException if QEMU does not answer, or has ended
     * @throws Fault FAILED_PRECONDITION if this QEMU is too old
     */
    static QemuMachine connect(
            VirtualMachineSpec spec,
            LinuxProcess process,
            Diagnostics diagnostics,
            Deadline deadline)
            throws IOException {
        var machine = new QemuMachine(spec, process, diagnostics);
        Path socket = QemuCommandLine.qmpSocket(spec);
        QmpClient client = QmpClient.connect(socket, machine.new FromQmp(), deadline);
        try (var undo = new Closer()) {
            undo.own(client);
            requireVersion(spec, client.version());
            // The greeting comes before the devices are made; this answer comes after.
            client.execute(new QueryStatus(), deadline);
            undo.release();
        }
        synchronized (machine) {
            machine.client = client;
            machine.description = QemuHypervisor.describe(client.version());
        }
        machine.log(diagnostics.drain());
        var _ =
                process.onExit()
                        .exceptionally(_ -> ExitStatus.UNKNOWN)
                        .thenAccept(machine::onProcessExit);
        var _ = machine.disconnected.thenAccept(_ -> machine.onDisconnected());
        return machine;
    }

    private static void requireVersion(VirtualMachineSpec spec, QmpVersion version) {
        if (!version.isAtLeast(OLDEST_MAJOR, OLDEST_MINOR)) {
            throw Fault.failedPrecondition(
                            "%s is QEMU %s, and %d.%d is the oldest that is supported",
                            spec.hypervisor(), version, OLDEST_MAJOR, OLDEST_MINOR)
                    .withHint("install a newer QEMU, or name one in the configuration");
        }
    }

    @Override
    public VirtualMachineSpec spec() {
        return spec;
    }

    @Override
    public ProcessIdentity identity() {
        return process.identity();
    }

    @Override
    public synchronized String description() {
        return description;
    }

    @Override
    public void resume(Deadline deadline) {
        execute("resumed", new Cont(), deadline);
    }

    @Override
    public void pause(Deadline deadline) {
        execute("paused", new Stop(), deadline);
    }

    @Override
    public void freeze(Path devices, Deadline deadline) {
        pause(deadline);
        execute("frozen", LEAVE_MEMORY, deadline);
        Path socket = spec.directory().resolve("freeze.sock");
        try (var receiver = FrozenDevices.listen(socket, devices)) {
            execute("frozen", new Migrate("unix:" + socket), deadline);
            awaitMigration("frozen", deadline);
            receiver.await(deadline);
        } catch (IOException e) {
            throw Fault.internal("the devices of machine %s cannot be kept", spec.id()).causedBy(e);
        }
    }

    /** Takes up the devices of a frozen machine. Its memory is this one's already. */
    void thaw(int devices, Deadline deadline) {
        execute("made of its template", LEAVE_MEMORY, deadline);
        execute("made of its template", new MigrateIncoming("fd:" + devices), deadline);
        awaitMigration("made of its template", deadline);
        spec.fileSystem()
                .map(QemuCommandLine::pluggedFileSystem)
                .ifPresent(plug -> execute("given its file system", plug, deadline));
    }

    @Override
    public DiskLimits diskLimits(Deadline deadline) {
        requireLimitedDisk();
        String what = "asked for the limits of its disks";
        QmpValue values =
                execute(what, new QomGet(DiskThrottle.PATH, DiskThrottle.PROPERTY), deadline);
        try {
            return DiskThrottle.limits(values);
        } catch (QmpProtocolException e) {
            throw Fault.unavailable("machine %s cannot be %s", spec.id(), what).causedBy(e);
        }
    }

    @Override
    public void limitDisks(DiskLimits limits, Deadline deadline) {
        requireLimitedDisk();
        execute(
                "given limits of its disks",
                new QomSet(DiskThrottle.PATH, DiskThrottle.PROPERTY, DiskThrottle.values(limits)),
                deadline);
    }

    private void requireLimitedDisk() {
        if (!spec.hasLimitedDisk()) {
            throw Fault.failedPrecondition("machine %s has no disk to limit", spec.id());
        }
    }

    private void awaitMigration(String what, Deadline deadline) {
        while (true) {
            QueryMigrate.Answer answer = execute(what, new QueryMigrate(), deadline);
            if (answer.isCompleted()) {
                return;
            }
            if (answer.isFailed()) {
                throw Fault.failedPrecondition("machine %s cannot be %s", spec.id(), what)
                        .causedBy(new IOException(answer.error()));
            }
            try {
                Thread.sleep(MIGRATION_NAP);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw Fault.of(FaultCode.CANCELLED, "interrupted").causedBy(e);
            }
        }
    }

    @Override
    public VmStatus status(Deadline deadline) {
        if (exit.isDone()) {
            return VmStatus.ENDED;
        }
        return switch (execute("asked for its state", new QueryStatus(), deadline)) {
            case PRELAUNCH, INMIGRATE -> VmStatus.PREPARED;
            case RUNNING -> VmStatus.RUNNING;
            case PAUSED,
                    SUSPENDED,
                    POSTMIGRATE,
                    FINISH_MIGRATE,
                    SAVE_VM,
                    RESTORE_VM,
                    IO_ERROR,
                    DEBUG,
                    COLO,
                    UNKNOWN ->
                    VmStatus.PAUSED;
            case INTERNAL_ERROR, GUEST_PANICKED, SHUTDOWN, WATCHDOG -> VmStatus.FAILED;
        };
    }

    @Override
    public void powerOff(Deadline deadline) {
        execute("powered off", new SystemPowerdown(), deadline);
    }

    @Override
    public void kill(Deadline deadline) {
        kill(Reason.KILLED);
        if (awaitExit(deadline).isEmpty()) {
            throw Fault.deadlineExceeded(
                    "machine %s, process %d, did not end when it was killed",
                    spec.id(), process.pid());
        }
    }

    private void kill(Reason why) {
        synchronized (this) {
            if (exit.isDone() || detached) {
                return;
            }
            because(why);
            try {
                process.signal(
                        Signals.SIGKILL); // with the lock held, so that finish() cannot close it
            } catch (ErrnoException e) {
                throw Fault.internal("machine %s could not be killed", spec.id()).causedBy(e);
            }
        }
    }

    @Override
    public Optional<VmExit> exit() {
        return exit.isDone() ? Optional.of(exit.join()) : Optional.empty();
    }

    @Override
    public Optional<VmExit> awaitExit(Deadline deadline) {
        if (!exit.isDone()) {
            qmp(); // nobody would ever tell a closed hold
        }
        try {
            return Optional.of(exit.get(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS));
        } catch (TimeoutException e) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Fault.of(FaultCode.CANCELLED, "interrupted while machine %s ended", spec.id())
                    .causedBy(e);
        } catch (ExecutionException e) {
            throw new IllegalStateException("the exit is only ever completed with a value", e);
        }
    }

    @Override
    public void listen(VmListener listener) {
        synchronized (this) {
            if (!exit.isDone()) {
                listeners.add(listener);
                return;
            }
        }
        call(() -> listener.onExit(exit.join()));
    }

    @Override
    public synchronized List<VmEvent> events() {
        return List.copyOf(events);
    }

    @Override
    public void close() {
        QmpClient open;
        synchronized (this) {
            if (detached) {
                return;
            }
            detached = true;
            listeners.clear();
            open = client;
        }
        if (open != null) {
            open.close();
        }
        process.close();
        diagnostics.close();
    }

    private synchronized QmpClient qmp() {
        if (detached || client == null) {
            throw Fault.failedPrecondition("the hold on machine %s is closed", spec.id());
        }
        return client;
    }

    private <R> R execute(String what, QmpCommand<R> command, Deadline deadline) {
        if (exit.isDone()) {
            throw Fault.unavailable(
                    "machine %s cannot be %s: %s", spec.id(), what, exit.join().describe());
        }
        try {
            return qmp().execute(command, deadline);
        } catch (QmpException e) {
            throw Fault.failedPrecondition("machine %s cannot be %s", spec.id(), what).causedBy(e);
        } catch (InterruptedIOException e) {
            throw Fault.deadlineExceeded("machine %s was not %s in time", spec.id(), what)
                    .causedBy(e);
        } catch (IOException e) {
            throw Fault.unavailable("machine %s cannot be %s", spec.id(), what).causedBy(e);
        }
    }

    /** What QMP brings, on its reader's thread. */
    private final class FromQmp implements QmpListener {
        @Override
        public void onEvent(QmpEvent event) {
            switch (event) {
                case QmpEvent.Resumed resumed -> publish(new VmEvent.Resumed(resumed.at()));
                case QmpEvent.Stopped stopped -> {
                    publish(new VmEvent.Paused(stopped.at()));
                    // Nobody may have asked for it: then the accelerator has given up.
                    Thread.ofVirtual()
                            .name("why stopped " + spec.id())
                            .start(QemuMachine.this::checkForFailure);
                }
                case QmpEvent.GuestPanicked panicked -> {
                    because(Reason.GUEST_PANICKED);
                    publish(new VmEvent.GuestPanicked(panicked.at()));
                }
                case QmpEvent.Shutdown shutdown ->
                        reasonOf(shutdown.reason()).ifPresent(QemuMachine.this::because);
                case QmpEvent.VserportChange port -> {
                    if (port.port().equals(QemuCommandLine.AGENT)) {
                        publish(new VmEvent.AgentPortChanged(port.at(), port.open()));
                    }
                }
                case QmpEvent.Reset reset ->
                        publish(new VmEvent.Notice(reset.at(), "reset: " + reset.reason()));
                case QmpEvent.DeviceDeleted deleted ->
                        publish(
                                new VmEvent.Notice(
                                        deleted.at(), "device deleted: " + deleted.path()));
                case QmpEvent.Other other -> publish(new VmEvent.Notice(other.at(), other.name()));
            }
            log(diagnostics.drain());
        }

        @Override
        public void onClosed(IOException cause) {
            disconnected.complete(cause);
        }
    }

    private static Optional<Reason> reasonOf(String shutdown) {
        return switch (shutdown) {
            case "guest-shutdown" -> Optional.of(Reason.GUEST_POWERED_OFF);
            case "guest-reset" -> Optional.of(Reason.GUEST_REBOOTED);
            case "guest-panic" -> Optional.of(Reason.GUEST_PANICKED);
            default -> Optional.empty(); // the host ended it: that is for kill() to say, or nobody
        };
    }

    /** The first reason is the cause; a panic is told before the shutdown that follows it. */
    private synchronized void because(Reason why) {
        if (reason == null) {
            reason = why;
        }
    }

    private void checkForFailure() {
        try {
            RunState state = qmp().execute(new QueryStatus(), Deadline.after(FAILURE_CHECK));
            if (state == RunState.INTERNAL_ERROR) {
                log(diagnostics.drain());
                String why = "the accelerator cannot carry out the guest's instructions";
                publish(new VmEvent.Failed(Instant.now(), why));
                LOG.log(
                        System.Logger.Level.ERROR,
                        "A machine failed and is ended. machine=" + spec.id());
                kill(Reason.ACCELERATOR_FAILED);
            }
        } catch (IOException | Fault e) {
            // It has ended, or the hold is closed: both are told elsewhere.
            LOG.log(System.Logger.Level.DEBUG, "A stop was not explained. machine=" + spec.id(), e);
        }
    }

    /** A QEMU that lives and cannot be reached is of no use to anybody, and may be hostile. */
    private void onDisconnected() {
        Thread.ofVirtual()
                .name("disconnected " + spec.id())
                .start(() -> {
                    try {
                        boolean ended = process.await(Deadline.after(UNREACHABLE)).isPresent();
                        synchronized (this) {
                            if (ended || detached) {
                                return;
                            }
                        }
                        LOG.log(
                                System.Logger.Level.ERROR,
                                "A machine cannot be reached any more and is ended."
                                        + " machine="
                                        + spec.id(),
                                disconnected.join());
                        kill(Reason.LOST);
                    } catch (InterruptedException | RuntimeException e) {
                        LOG.log(
                                System.Logger.Level.DEBUG,
                                "A lost connection was not followed up. machine=" + spec.id(),
                                e);
                    }
                });
    }

    /** Called on the process's watcher, which is to get back to the kernel at once. */
    private void onProcessExit(ExitStatus status) {
        Thread.ofVirtual().name("exit " + spec.id()).start(() -> finish(status));
    }

    private void finish(ExitStatus status) {
        try {
            disconnected.get(LAST_WORDS.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            // Something inherited the socket; what QEMU said last may be missing.
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException("nobody interrupts, and there is only a value", e);
        }
        log(diagnostics.drain());
        List<VmListener> all;
        VmExit how;
        QmpClient open;
        synchronized (this) {
            if (detached) {
                return;
            }
            how =
                    new VmExit(
                            reason == null ? Reason.LOST : reason,
                            status,
                            Instant.now(),
                            diagnostics.lastLines());
            all = List.copyOf(listeners);
            listeners.clear();
            open = client;
            removeSockets(spec);
            exit.complete(how);
            process.close();
            diagnostics.close();
        }
        all.forEach(listener -> call(() -> listener.onExit(how)));
        if (open != null) {
            open.close();
        }
    }

    static void removeSockets(VirtualMachineSpec spec) {
        for (Path socket :
                List.of(
                        QemuCommandLine.qmpSocket(spec),
                        spec.consoleSocket(),
                        spec.agentSocket())) {
            try {
                Files.deleteIfExists(socket);
            } catch (IOException e) {
                LOG.log(System.Logger.Level.WARNING, "A socket stays behind. path=" + socket, e);
            }
        }
    }

    private void publish(VmEvent event) {
        List<VmListener> all;
        synchronized (this) {
            if (detached) {
                return;
            }
            events.add(event);
            if (events.size() > MOST_EVENTS) {
                events.remove();
            }
            all = List.copyOf(listeners);
        }
        all.forEach(listener -> call(() -> listener.onEvent(event)));
    }

    /** Queues a listener's call; a thread exists only while there are any. */
    private void call(Runnable work) {
        synchronized (this) {
            calls.add(work);
            if (calling) {
                return;
            }
            calling = true;
        }
        Thread.ofVirtual().name("listeners " + spec.id()).start(this::callAll);
    }

    private void callAll() {
        while (true) {
            Runnable next;
            synchronized (this) {
                next = calls.poll();
                if (next == null) {
                    calling = false;
                    return;
                }
            }
            try {
                next.run();
            } catch (RuntimeException e) {
                LOG.log(
                        System.Logger.Level.ERROR,
                        "A listener of a machine failed. machine=" + spec.id(),
                        e);
            }
        }
    }

    /**
     * A guest can provoke lines, so only some of them are logged; the last ones are kept anyway.
     */
    private void log(List<String> lines) {
        lines.stream()
                .limit(MOST_LOGGED)
                .forEach(line ->
                        LOG.log(
                                System.Logger.Level.WARNING,
                                "QEMU says: " + line + " machine=" + spec.id()));
    }
}
