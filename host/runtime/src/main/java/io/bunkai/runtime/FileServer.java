// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.config.LimitsConfiguration;
import io.bunkai.config.SharingConfiguration;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.ExitStatus;
import io.bunkai.linux.Fd;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.MountNamespace;
import io.bunkai.linux.Mounts;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Processes;
import io.bunkai.linux.Signals;
import io.bunkai.linux.Spawn;
import io.bunkai.linux.UnixSockets;
import io.bunkai.vmm.VirtualMachineSpec;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * The process that serves what a guest shares with the host: started, watched, found again by a
 * later daemon.
 *
 * <p>What is shared is gathered in one folder that exists in the mount namespace of that process
 * and nowhere else: whatever becomes of daemon and machine, no folder of a user's is ever found
 * beneath the state root, and nothing has to be unmounted. The folder itself is a small file system
 * in memory that nobody can write to.
 *
 * <p>The daemon listens on the server's socket before the server exists, so that QEMU can connect
 * at once.
 */
final class FileServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(FileServer.class.getName());

    /** What the guest mounts it by, as in Kata. */
    static final String TAG = "kataShared";

    /** How the agent is asked to mount it. */
    static final Plan.Storage STORAGE =
            new Plan.Storage("virtio-fs", TAG, "virtiofs", List.of(), HostMounts.SHARED + "/");

    static final List<String> ENVIRONMENT = List.of("PATH=/usr/sbin:/usr/bin:/sbin:/bin");

    private static final String FOLDER = "shared";
    private static final String COMPLAINTS = "fs.log";
    private static final String CONTROL_SOCKET = "fs-control.sock";
    private static final int SOCKET = 3;
    private static final String SOCKET_ARGUMENT = "--fd=" + SOCKET;
    private static final int CONTROL = 4;
    private static final String CONTROL_ARGUMENT = "--control-fd=" + CONTROL;
    private static final int OWNER_ONLY = 0600;
    private static final String FOLDER_OPTIONS = "mode=0755,size=1m";

    /** No more than a line for people holds. */
    private static final int LONGEST_WORDS = 400;

    private static final Duration KILL_PATIENCE = Duration.ofSeconds(10);

    private final LinuxProcess process;
    private final Path log;
    private volatile boolean closed;

    private FileServer(LinuxProcess process, Path log) {
        this.process = process;
        this.log = log;
    }

    /**
     * {@return what is shared, and what will be executed for that}
     *
     * @param directory of the machine
     * @throws Fault FAILED_PRECONDITION if the file server's program cannot be run
     */
    static Plan.Sharing plan(
            List<Plan.Share> shares, SharingConfiguration configuration, Path directory) {
        Path program = configuration.server();
        if (!Files.isExecutable(program)) {
            throw Fault.failedPrecondition(
                            "folders cannot be shared with a guest: there is no program %s",
                            program)
                    .withHint("correct virtio_fs_daemon in configuration.toml");
        }
        List<String> command = new ArrayList<>();
        command.add(program.toString());
        command.add(SOCKET_ARGUMENT);
        if (SpareServers.isOwn(program)) {
            command.add(CONTROL_ARGUMENT);
        }
        command.add("--shared-dir=" + directory.resolve(FOLDER));
        command.add("--cache=" + configuration.cache());
        command.addAll(limits(configuration));
        command.addAll(configuration.arguments());
        return new Plan.Sharing(shares, command, Optional.empty());
    }

    private static List<String> limits(SharingConfiguration configuration) {
        LimitsConfiguration limits = configuration.limits();
        if (limits.isUnlimited()) {
            return List.of();
        }
        if (!SpareServers.isOwn(configuration.server())) {
            throw Fault.failedPrecondition(
                            "the limits in [bunkai.limits] cannot be kept: %s knows none",
                            configuration.server())
                    .withHint("remove virtio_fs_daemon from configuration.toml, or the limits");
        }
        List<String> arguments = new ArrayList<>();
        addLimit(arguments, "--fs-bw-size=", limits.bandwidth());
        addLimit(arguments, "--fs-bw-burst=", limits.burst());
        addLimit(arguments, "--fs-ops-size=", limits.operations());
        addLimit(arguments, "--fs-ops-burst=", limits.operationsBurst());
        for (String argument : arguments) {
            String name = argument.substring(0, argument.indexOf('=') + 1);
            if (configuration.arguments().stream().anyMatch(other -> other.startsWith(name))) {
                throw Fault.invalidArgument(
                                "%s is set by virtio_fs_extra_args and by [bunkai.limits]", name)
                        .withHint("leave one of them out");
            }
        }
        return arguments;
    }

    private static void addLimit(List<String> arguments, String option, long value) {
        if (value > 0) {
            arguments.add(option + value);
        }
    }

    /**
     * Starts the server of a machine, or gives a spare one orders; QEMU can connect when this
     * returns.
     *
     * @param known told as soon as there is a process that has to be found again
     * @throws Fault FAILED_PRECONDITION if something cannot be shared, UNAVAILABLE if no process
     *     can be started
     */
    static FileServer start(
            VirtualMachineSpec machine,
            Plan.Sharing sharing,
            SpareServers spares,
            Consumer<ProcessIdentity> known) {
        Path folder = machine.directory().resolve(FOLDER);
        Path log = machine.directory().resolve(COMPLAINTS);
        try (Closer open = new Closer()) {
            Files.createDirectories(folder);
            Fd socket = open.own(UnixSockets.listenForOwner(machine.fileServerSocket()));
            Optional<Fd> control = listenForControl(machine, sharing);
            control.ifPresent(open::own);
            Fd words =
                    open.own(
                            Fd.open(
                                    log,
                                    Fd.O_WRONLY | Fd.O_CREAT | Fd.O_TRUNC | Fd.O_APPEND,
                                    OWNER_ONLY));
            Sockets sockets = new Sockets(socket, control);
            Optional<LinuxProcess> spare = spare(machine, sharing, spares, known, sockets, words);
            if (spare.isPresent()) {
                return new FileServer(spare.get(), log);
            }
            LinuxProcess process = spawn(machine, sharing, sockets, words);
            CompletableFuture<ExitStatus> _ = process.onExit(); // reaps it, whenever it ends
            known.accept(process.identity());
            return new FileServer(process, log);
        } catch (IOException e) {
            throw Fault.unavailable("the file server of %s did not start", machine.id())
                    .causedBy(e);
        }
    }

    /** What a server is given to listen on. */
    private record Sockets(Fd requests, Optional<Fd> control) {}

    private static Optional<Fd> listenForControl(VirtualMachineSpec machine, Plan.Sharing sharing)
            throws ErrnoException {
        return sharing.server().contains(CONTROL_ARGUMENT)
                ? Optional.of(UnixSockets.listenForOwner(controlSocket(machine)))
                : Optional.empty();
    }

    private static Path controlSocket(VirtualMachineSpec machine) {
        return machine.directory().resolve(CONTROL_SOCKET);
    }

    /** {@return what limits are asked of; empty if there is no server that knows any} */
    static Optional<ServerControl> control(Plan plan) {
        return plan.host()
                .sharing()
                .filter(sharing -> sharing.server().contains(CONTROL_ARGUMENT))
                .map(_ -> new ServerControl(controlSocket(plan.machine())));
    }

    /** {@return a spare server with its orders; empty if there is none, or it is of no use} */
    private static Optional<LinuxProcess> spare(
            VirtualMachineSpec machine,
            Plan.Sharing sharing,
            SpareServers spares,
            Consumer<ProcessIdentity> known,
            Sockets sockets,
            Fd log) {
        Optional<SpareServers.Spare> taken = spares.take(Path.of(sharing.server().getFirst()));
        if (taken.isEmpty()) {
            return Optional.empty();
        }
        try (SpareServers.Spare spare = taken.get()) {
            known.accept(spare.process().identity());
            order(spare, machine, sharing, sockets, log);
            return Optional.of(spare.process());
        } catch (IOException e) {
            taken.get().process().close();
            LOG.log(
                    System.Logger.Level.WARNING,
                    "a spare file server took no orders machine={0} reason={1}",
                    machine.id(),
                    e.getMessage());
            return Optional.empty();
        }
    }

    private static LinuxProcess spawn(
            VirtualMachineSpec machine, Plan.Sharing sharing, Sockets sockets, Fd log)
            throws ErrnoException {
        Path folder = machine.directory().resolve(FOLDER);
        Spawn before =
                Spawn.of(sharing.server())
                        .environment(ENVIRONMENT)
                        .directory(Path.of("/"))
                        .newSession()
                        .cgroups(machine.cgroupProcsFiles())
                        .descriptor(SOCKET, sockets.requests())
                        .stdout(log)
                        .stderr(log);
        Spawn spawn = sockets.control().map(fd -> before.descriptor(CONTROL, fd)).orElse(before);
        return MountNamespace.call(() -> {
            gather(sharing.shares(), folder);
            return spawn.start();
        });
    }

    private static void order(
            SpareServers.Spare spare,
            VirtualMachineSpec machine,
            Plan.Sharing sharing,
            Sockets sockets,
            Fd log)
            throws IOException {
        for (Path procs : machine.cgroupProcsFiles()) {
            Files.writeString(procs, Integer.toString(spare.process().pid()));
        }
        Path folder = machine.directory().resolve(FOLDER);
        MountNamespace.callIn(
                spare.process(),
                () -> {
                    gather(sharing.shares(), folder);
                    return folder;
                });
        List<String> arguments =
                new ArrayList<>(sharing.server().subList(1, sharing.server().size()));
        arguments.removeAll(List.of(SOCKET_ARGUMENT, CONTROL_ARGUMENT)); // other numbers there
        spare.order(arguments, sockets.requests(), log, sockets.control().orElseThrow());
    }

    private static void gather(List<Plan.Share> shares, Path folder) throws ErrnoException {
        Mounts.mount("bunkai", folder, "tmpfs", 0, FOLDER_OPTIONS);
        for (Plan.Share share : shares) {
            try {
                gather(share, folder.resolve(share.name()));
            } catch (IOException e) {
                throw Fault.failedPrecondition("%s cannot be shared with the guest", share.source())
                        .causedBy(e);
            }
        }
        long unchangeable = Mounts.MS_REMOUNT | Mounts.MS_BIND | Mounts.MS_RDONLY;
        Mounts.mount("bunkai", folder, "tmpfs", unchangeable, "");
    }

    private static void gather(Plan.Share share, Path entry) throws IOException {
        if (Files.isDirectory(share.source())) {
            Files.createDirectory(entry);
        } else {
            Files.createFile(entry);
        }
        Mounts.mount(share.source().toString(), entry, "bind", Mounts.MS_BIND | Mounts.MS_REC, "");
        if (share.readOnly()) {
            Mounts.makeReadOnly(entry, share.follows() ? 0 : Mounts.MS_PRIVATE);
        }
    }

    /**
     * {@return the server of a machine, which an earlier daemon started}
     *
     * @throws Fault UNAVAILABLE if it has ended
     */
    static FileServer adopt(VirtualMachineSpec machine, ProcessIdentity identity) {
        try {
            return new FileServer(
                    LinuxProcess.adopt(identity), machine.directory().resolve(COMPLAINTS));
        } catch (ErrnoException e) {
            throw Fault.unavailable("the file server of %s has ended", machine.id()).causedBy(e);
        }
    }

    /**
     * {@return processes that serve this or are about to, whether or not the journal knows them}
     */
    static List<ProcessIdentity> find(Plan.Sharing sharing) {
        try {
            return Processes.withArguments(sharing.server().subList(1, sharing.server().size()));
        } catch (ErrnoException e) {
            throw Fault.internal("the host's processes cannot be listed").causedBy(e);
        }
    }

    ProcessIdentity identity() {
        return process.identity();
    }

    /** Tells once how it ended, in a thread of its own; not if this is closed before. */
    void onEnd(Consumer<String> listener) {
        CompletableFuture<Void> _ =
                process.onExit()
                        .thenAccept(status ->
                                Thread.ofVirtual()
                                        .name("file server " + process.pid())
                                        .start(() -> tell(listener, status)));
    }

    private void tell(Consumer<String> listener, ExitStatus status) {
        if (!closed) {
            listener.accept(describe(status));
        }
    }

    /** {@return how it ended; empty if it runs} */
    Optional<String> end() {
        CompletableFuture<ExitStatus> ended = process.onExit();
        return ended.isDone() ? Optional.of(describe(ended.join())) : Optional.empty();
    }

    private String describe(ExitStatus status) {
        String said = lastWords();
        return "its file server ended (" + status + ")" + (said.isEmpty() ? "" : ": " + said);
    }

    /** A guest can make a server say things, and as many as it likes. */
    private String lastWords() {
        try (RandomAccessFile said = new RandomAccessFile(log.toFile(), "r")) {
            said.seek(Math.max(0, said.length() - LONGEST_WORDS));
            byte[] last = new byte[(int) Math.min(said.length(), LONGEST_WORDS)];
            said.readFully(last);
            String words = new String(last, StandardCharsets.ISO_8859_1).strip();
            return GuestText.printable(words.replace('\n', ' '));
        } catch (IOException e) {
            return "";
        }
    }

    /** Ends it, and lets go of it. */
    void kill() {
        try {
            process.signal(Signals.SIGKILL);
            process.await(Deadline.after(KILL_PATIENCE));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // whoever tears down waits for it
        } catch (ErrnoException e) {
            throw new IllegalStateException("a child can be killed", e);
        } finally {
            close();
        }
    }

    /** Lets go of the process, which runs on. */
    @Override
    public void close() {
        closed = true;
        process.close();
    }
}
