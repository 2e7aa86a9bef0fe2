// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import com.google.protobuf.ByteString;
import io.bunkai.api.AgentMethods;
import io.bunkai.api.HostChannel;
import io.bunkai.api.agent.CreateSandboxRequest;
import io.bunkai.api.agent.GetOOMEventRequest;
import io.bunkai.api.agent.ReseedRandomDevRequest;
import io.bunkai.api.agent.SetGuestDateTimeRequest;
import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.base.NanoClock;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.ProcessTime;
import io.bunkai.linux.Signals;
import io.bunkai.vmm.Hypervisor;
import io.bunkai.vmm.VirtualMachine;
import io.bunkai.vmm.VmEvent;
import io.bunkai.vmm.VmExit;
import io.bunkai.vmm.VmListener;
import java.io.IOException;
import java.nio.file.Files;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One running machine with its agent: brought up, found again, torn down.
 *
 * <p>Closing lets go of the machine, which runs on; {@link #tearDown} ends it. What a machine
 * leaves on the host is all named in its {@link Plan}, so the teardown works without a sandbox,
 * too.
 */
final class Sandbox implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Sandbox.class.getName());
    private static final Duration KILL_PATIENCE = Duration.ofSeconds(10);

    /** A connection breaks a moment before the end of the process behind it is known. */
    private static final Duration EXIT_PATIENCE = Duration.ofSeconds(1);

    private static final int LONGEST_HINT = 2000;

    /** As much as the kernel's generator takes in. */
    private static final int SEED_BYTES = 64;

    private static final SecureRandom RANDOM = new SecureRandom();

    private final Plan plan;
    private final VirtualMachine machine;
    private final AgentConnection agent;
    private final GuestConsole console;
    private final Optional<FileServer> server;
    private final NanoClock clock;
    private final AtomicReference<@Nullable String> serverEnd = new AtomicReference<>();

    private Sandbox(
            Plan plan,
            VirtualMachine machine,
            AgentConnection agent,
            GuestConsole console,
            Optional<FileServer> server,
            NanoClock clock) {
        this.plan = plan;
        this.machine = machine;
        this.agent = agent;
        this.console = console;
        this.server = server;
        this.clock = clock;
        server.ifPresent(files -> files.onEnd(this::serverEnded));
    }

    /** What happens while a machine is brought up that others must know of at once. */
    interface Progress {
        /** The file server runs: from now on it must be found again. */
        void serverStarted(ProcessIdentity server);

        /** QEMU runs: from now on it must be found again. */
        void launched(ProcessIdentity vmm);

        /** The guest's agent answers. */
        void agentReady();
    }

    /**
     * Boots or clones the machine, up to an agent that has answered.
     *
     * @param spares where a file server is taken from, if one is needed
     * @throws Fault with what failed; nothing is left but what {@link #tearDown} removes. Never
     *     NOT_FOUND or PERMISSION_DENIED: those speak of the container's program, which nobody has
     *     looked at yet
     */
    static Sandbox start(
            Plan plan,
            MachineStart beginning,
            SpareServers spares,
            Timeline timeline,
            NanoClock clock,
            Deadline deadline,
            Progress progress)
            throws Exception {
        try {
            return bringUp(plan, beginning, spares, timeline, clock, deadline, progress);
        } catch (Fault e) {
            throw switch (e.code()) {
                case NOT_FOUND, PERMISSION_DENIED -> withCode(FaultCode.FAILED_PRECONDITION, e);
                default -> e;
            };
        }
    }

    private static Fault withCode(FaultCode code, Fault fault) {
        Fault other = Fault.of(code, "%s", String.valueOf(fault.getMessage()));
        Throwable cause = fault.getCause();
        if (cause != null) {
            other = other.causedBy(cause);
        }
        return fault.hint().isEmpty() ? other : other.withHint("%s", fault.hint().get());
    }

    private static Sandbox bringUp(
            Plan plan,
            MachineStart beginning,
            SpareServers spares,
            Timeline timeline,
            NanoClock clock,
            Deadline deadline,
            Progress progress)
            throws Exception {
        try (Closer undo = new Closer()) {
            Launched launched = launch(plan, beginning, spares, timeline, deadline, progress);
            Optional<FileServer> server = launched.server();
            server.ifPresent(undo::own);
            VirtualMachine machine = launched.machine();
            undo.own(machine);
            progress.launched(machine.identity());
            GuestConsole console =
                    undo.own(
                            GuestConsole.connect(
                                    plan.id(), machine.consoleSocket(), timeline, clock));
            AgentConnection agent =
                    undo.own(
                            new AgentConnection(
                                    plan.id(),
                                    machine.agentSocket(),
                                    HostChannel.Wire.FRESH,
                                    clock));
            onExit(machine, _ -> agent.close()); // one that ends while it boots is not waited for
            timeline.guestStarts();
            machine.resume(deadline);
            try {
                timeline.step(
                        "agent.ready",
                        () -> awaitAgent(plan, machine, agent, console, deadline),
                        () -> ProcessTime.ofThreads(machine.identity().pid()).toNanos() / 1000);
            } catch (Fault e) {
                beginning.failed();
                throw e;
            }
            beginning.succeeded();
            progress.agentReady();
            Sandbox sandbox = new Sandbox(plan, machine, agent, console, server, clock);
            try {
                timeline.step("sandbox.create", () -> sandbox.prepareGuest(deadline));
            } catch (IOException e) {
                throw sandbox.lost(e);
            }
            undo.release();
            return sandbox;
        }
    }

    private record Launched(VirtualMachine machine, Optional<FileServer> server) {}

    private static Launched launch(
            Plan plan,
            MachineStart beginning,
            SpareServers spares,
            Timeline timeline,
            Deadline deadline,
            Progress progress)
            throws Exception {
        while (true) {
            Optional<FileServer> server = startServer(plan, spares, timeline, progress);
            try {
                VirtualMachine machine =
                        timeline.step(
                                "machine.launch", () -> beginning.launch(plan.machine(), deadline));
                return new Launched(machine, server);
            } catch (Exception e) {
                Optional<String> end = server.flatMap(FileServer::end);
                if (server.isPresent()) {
                    server.get().kill();
                }
                if (!beginning.hasAnotherWay()) {
                    throw end.isEmpty() ? e : whyTheServerEnded(plan, end.get(), e);
                }
            }
        }
    }

    private static Optional<FileServer> startServer(
            Plan plan, SpareServers spares, Timeline timeline, Progress progress) throws Exception {
        Optional<Plan.Sharing> sharing = plan.host().sharing();
        if (sharing.isEmpty()) {
            return Optional.empty();
        }
        FileServer server =
                timeline.step(
                        "server.start",
                        () ->
                                FileServer.start(
                                        plan.machine(),
                                        sharing.get(),
                                        spares,
                                        progress::serverStarted));
        return Optional.of(server);
    }

    /** QEMU ends if the server that it is to speak with does. */
    private static Fault whyTheServerEnded(Plan plan, String how, Exception failure) {
        return Fault.failedPrecondition("the machine of %s was not started: %s", plan.id(), how)
                .causedBy(failure)
                .withHint("see virtio_fs_daemon and virtio_fs_extra_args in configuration.toml");
    }

    /** A guest that waits for its files would wait without end. */
    private void serverEnded(String how) {
        if (machineExit().isPresent()) {
            return; // the server went with its machine
        }
        serverEnd.set(how);
        try {
            machine.kill(Deadline.after(KILL_PATIENCE));
        } catch (Fault e) {
            LOG.log(
                    System.Logger.Level.DEBUG,
                    "machine has been let go machine={0} reason={1}",
                    plan.id(),
                    e.getMessage());
        }
    }

    /** {@return how the machine ended, in one clause} */
    String describe(VmExit how) {
        String end = serverEnd.get();
        return end == null ? how.describe() : end;
    }

    /** {@return how the machine ended; empty if it has not, and does not at any moment} */
    Optional<VmExit> machineExit() {
        try {
            return machine.awaitExit(Deadline.after(EXIT_PATIENCE));
        } catch (Fault e) {
            return Optional.empty(); // it has been let go, and is none of ours
        }
    }

    /** {@return why the guest cannot be reached any more} */
    Fault lost(IOException failure) {
        return machineExit()
                .map(ended ->
                        Fault.unavailable(
                                "the machine of %s ended: %s", plan.id(), describe(ended)))
                .orElseGet(() -> Fault.unavailable("the agent of %s was lost", plan.id()))
                .causedBy(failure);
    }

    private static Object awaitAgent(
            Plan plan,
            VirtualMachine machine,
            AgentConnection agent,
            GuestConsole console,
            Deadline deadline) {
        try {
            agent.awaitReady(deadline);
            return plan;
        } catch (Fault e) {
            throw whyItDidNotBoot(plan, machine, console, e);
        }
    }

    private static Fault whyItDidNotBoot(
            Plan plan, VirtualMachine machine, GuestConsole console, Fault failure) {
        Optional<VmExit> exit =
                failure.code() == FaultCode.UNAVAILABLE
                        ? machine.awaitExit(Deadline.after(EXIT_PATIENCE))
                        : machine.exit();
        List<String> lines = console.lastLines();
        String all = String.join(" | ", lines);
        String said = all.substring(Math.max(0, all.length() - LONGEST_HINT));
        Fault why =
                exit.map(ended ->
                                Fault.unavailable(
                                        "the machine of %s ended while it booted: %s",
                                        plan.id(), ended.describe()))
                        .orElseGet(() ->
                                Fault.of(
                                        failure.code(),
                                        "the agent of %s did not answer",
                                        plan.id()));
        return why.causedBy(failure)
                .withHint("the guest's console said last: %s", said.isEmpty() ? "nothing" : said);
    }

    /** {@return a sandbox that an earlier daemon brought up} */
    static Sandbox adopt(
            Plan plan,
            ProcessIdentity vmm,
            Optional<ProcessIdentity> server,
            Hypervisor hypervisor,
            NanoClock clock,
            Deadline deadline)
            throws Exception {
        try (Closer undo = new Closer()) {
            Optional<FileServer> files =
                    server.map(process -> FileServer.adopt(plan.machine(), process));
            files.ifPresent(undo::own);
            VirtualMachine machine = undo.own(hypervisor.adopt(plan.machine(), vmm, deadline));
            GuestConsole console =
                    undo.own(
                            GuestConsole.connect(
                                    plan.id(),
                                    machine.consoleSocket(),
                                    new Timeline(clock),
                                    clock));
            AgentConnection agent =
                    undo.own(
                            new AgentConnection(
                                    plan.id(),
                                    machine.agentSocket(),
                                    HostChannel.Wire.USED,
                                    clock));
            onExit(machine, _ -> agent.close());
            undo.release();
            return new Sandbox(plan, machine, agent, console, files, clock);
        }
    }

    /**
     * The guest gets the time, entropy of its own, and its name, before any process of a user's
     * runs.
     */
    private Object prepareGuest(Deadline deadline) throws IOException {
        Instant now = Instant.now();
        agent.call(
                AgentMethods.SET_GUEST_DATE_TIME,
                SetGuestDateTimeRequest.newBuilder()
                        .setSec(now.getEpochSecond())
                        .setUsec(now.getNano() / 1000)
                        .build(),
                deadline);
        byte[] seed = new byte[SEED_BYTES];
        RANDOM.nextBytes(seed);
        agent.call(
                AgentMethods.RESEED_RANDOM_DEV,
                ReseedRandomDevRequest.newBuilder().setData(ByteString.copyFrom(seed)).build(),
                deadline);
        agent.call(
                AgentMethods.CREATE_SANDBOX,
                CreateSandboxRequest.newBuilder()
                        .setSandboxId(plan.id())
                        .setHostname(plan.guest().hostname())
                        .addAllDns(plan.guest().dns())
                        .addAllStorages(
                                plan.guest().storages().stream().map(AgentSpec::storage).toList())
                        .build(),
                deadline);
        return plan;
    }

    /** {@return the agent} */
    GuestCalls agent() {
        return agent;
    }

    /** Tells when the machine has ended, at once if it has already. */
    void onExit(Consumer<VmExit> listener) {
        onExit(machine, listener);
    }

    private static void onExit(VirtualMachine machine, Consumer<VmExit> listener) {
        machine.listen(
                new VmListener() {
                    @Override
                    public void onEvent(VmEvent event) {
                        LOG.log(
                                System.Logger.Level.DEBUG,
                                "event machine={0} {1}",
                                machine.spec().id(),
                                event);
                    }

                    @Override
                    public void onExit(VmExit exit) {
                        listener.accept(exit);
                    }
                });
    }

    /**
     * Calls {@code listener} whenever a process ran out of memory. A guest that says so without end
     * is listened to ever more slowly.
     */
    void watchMemory(Runnable listener) {
        Thread.ofVirtual().name("oom " + plan.id()).start(() -> followMemory(listener));
    }

    private void followMemory(Runnable listener) {
        Pace pace = new Pace(clock);
        try {
            while (true) {
                agent.call(
                        AgentMethods.GET_OOM_EVENT,
                        GetOOMEventRequest.getDefaultInstance(),
                        Deadline.never());
                listener.run();
                Thread.sleep(pace.next());
            }
        } catch (IOException | Fault e) {
            LOG.log(
                    System.Logger.Level.DEBUG,
                    "memory is not watched any more machine={0} reason={1}",
                    plan.id(),
                    e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** {@return what the limits of its disks are asked of; empty if none of them has any} */
    Optional<DiskControl> diskControl() {
        return plan.machine().hasLimitedDisk()
                ? Optional.of(new DiskControl(machine))
                : Optional.empty();
    }

    /** Lets go of the machine, which runs on. */
    @Override
    public void close() {
        agent.close();
        console.close();
        server.ifPresent(FileServer::close);
        machine.close();
    }

    /**
     * Ends a machine and removes what it left on the host. Idempotent; needs nothing but what the
     * journal holds.
     *
     * @param gone called once no process is left
     * @throws Fault INTERNAL if something cannot be removed; it can be tried again
     */
    static void tearDown(
            ContainerRecord record, Hypervisor hypervisor, Journal journal, Runnable gone) {
        Plan plan = record.plan();
        Deadline deadline = Deadline.after(KILL_PATIENCE);
        try {
            for (ProcessIdentity process : processesOf(record, hypervisor)) {
                kill(process, deadline);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Fault.of(FaultCode.CANCELLED, "interrupted").causedBy(e);
        }
        gone.run();
        HostCgroups.remove(plan.cgroups(), deadline);
        deleteOwnDisks(plan);
        journal.deleteMachineFiles(plan.id());
    }

    private static void deleteOwnDisks(Plan plan) {
        for (Plan.OwnDisk disk : plan.host().ownDisks()) {
            try {
                Files.deleteIfExists(disk.file());
            } catch (IOException e) {
                throw Fault.internal("the disk %s cannot be removed", disk.file()).causedBy(e);
            }
        }
    }

    /**
     * What the journal knows, QEMU and the file server even if it does not, and whoever else is in
     * the machine's control groups.
     */
    private static Set<ProcessIdentity> processesOf(ContainerRecord record, Hypervisor hypervisor) {
        Plan plan = record.plan();
        Set<ProcessIdentity> found = new LinkedHashSet<>();
        record.processes().stream().filter(ProcessIdentity::isAlive).forEach(found::add);
        for (int pid : HostCgroups.processes(plan.cgroups())) {
            ProcessIdentity.of(pid).ifPresent(found::add);
        }
        if (record.vmm().isEmpty()) {
            hypervisor.find(plan.machine()).ifPresent(found::add);
        }
        if (record.server().isEmpty()) {
            plan.host().sharing().map(FileServer::find).ifPresent(found::addAll);
        }
        return found;
    }

    private static void kill(ProcessIdentity process, Deadline deadline)
            throws InterruptedException {
        try (LinuxProcess handle = LinuxProcess.adopt(process)) {
            handle.signal(Signals.SIGKILL);
            if (handle.await(deadline).isEmpty()) {
                throw Fault.internal(
                        "process %d does not end although it was killed", process.pid());
            }
        } catch (ErrnoException e) {
            LOG.log(System.Logger.Level.DEBUG, "process has gone pid={0}", process.pid());
        }
    }
}
