// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.api.AgentMethods;
import io.bunkai.api.agent.CreateContainerRequest;
import io.bunkai.api.agent.ExecProcessRequest;
import io.bunkai.api.agent.StartContainerRequest;
import io.bunkai.api.agent.StatsContainerRequest;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Signals;
import io.bunkai.linux.Terminal;
import io.bunkai.vmm.VmExit;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A container and the machine it has to itself: created, started once, ended, removed.
 *
 * <p>The lock guards the state and is never held while something slow happens; a start is a state
 * of its own. The end of the process is handled by the thread that waits for it, exactly once,
 * whether it came from the guest, from the loss of the machine or from a failed start.
 */
public final class Container {
    private static final System.Logger LOG = System.getLogger(Container.class.getName());
    private static final Duration MACHINE_LOSS_PATIENCE = Duration.ofSeconds(1);
    private static final Duration QUESTION_PATIENCE = Duration.ofSeconds(10);
    private static final int CANNOT_RUN = 125;
    private static final int REMEMBERED_EXECS = 64;

    private final Surroundings around;
    private final ContainerRequest request;
    private final Plan plan;
    private final OutputLog output;
    private final Timeline timeline;
    private final CompletableFuture<ProcessExit> exit = new CompletableFuture<>();
    private final CompletableFuture<Void> tornDown = new CompletableFuture<>();
    private final AtomicBoolean endHandled = new AtomicBoolean();
    private final AtomicBoolean outOfMemory = new AtomicBoolean();
    private final ReentrantLock lock = new ReentrantLock(); // guards the fields below
    private final Map<String, ExecProcess> execs = new LinkedHashMap<>();
    private ContainerRecord record;
    private State state;
    private int nextExec = 1;
    private @Nullable InputStream pendingInput;
    private @Nullable OutputStream pendingStdout;
    private @Nullable OutputStream pendingStderr;

    private sealed interface State {
        record Created() implements State {}

        record Starting(Thread starter) implements State {}

        record Running(Sandbox sandbox, ContainerProcess process) implements State {}

        record Ended() implements State {}
    }

    /** A further process: asked for, then running until its exit is known. */
    private static final class ExecProcess {
        private final String id;
        private final ExecRequest request;
        private final ContainerProcess process;
        private boolean started; // guarded by the container's lock
        private boolean ended; // guarded by the container's lock

        ExecProcess(String id, ExecRequest request, ContainerProcess process) {
            this.id = id;
            this.request = request;
            this.process = process;
        }
    }

    Container(Surroundings around, ContainerRecord record, OutputLog output) {
        this.around = around;
        this.request = record.request();
        this.plan = record.plan();
        this.record = record;
        this.output = output;
        this.timeline = new Timeline(around.clock());
        this.state = new State.Created();
    }

    /** {@return the id} */
    public String id() {
        return plan.id();
    }

    /** {@return the name} */
    public String name() {
        return plan.name();
    }

    /** {@return what was asked for} */
    ContainerRequest request() {
        return request;
    }

    /** {@return what its start makes, or has made} */
    public Plan plan() {
        return plan;
    }

    /** {@return what its process wrote} */
    public OutputLog output() {
        return output;
    }

    /** {@return what its start did when} */
    public Timeline timeline() {
        return timeline;
    }

    /** {@return what the journal holds} */
    ContainerRecord record() {
        return locked(() -> record);
    }

    /** {@return whether its process runs or is about to} */
    public boolean isActive() {
        return locked(() -> state instanceof State.Starting || state instanceof State.Running);
    }

    // ---- start ----

    /**
     * Boots the machine and starts the container's process.
     *
     * @throws Fault FAILED_PRECONDITION if it was started before; NOT_FOUND or PERMISSION_DENIED if
     *     the program cannot be run; otherwise with the step that failed. The container has then
     *     ended, and nothing of its machine is left
     */
    public void start(Deadline deadline) {
        lock.lock();
        try {
            if (!(state instanceof State.Created)) {
                throw Fault.failedPrecondition("container %s was already started", name());
            }
            state = new State.Starting(Thread.currentThread());
        } finally {
            lock.unlock();
        }
        long begin = timeline.micros();
        try {
            boot(deadline);
            timeline.hostStep("start", begin, timeline.micros());
        } catch (InterruptedException e) {
            throw failed(
                    Fault.of(FaultCode.CANCELLED, "the start of %s was cancelled", name())
                            .causedBy(e));
        } catch (Fault e) {
            throw failed(e);
        } catch (Exception e) {
            throw failed(Fault.internal("container %s did not start", name()).causedBy(e));
        }
    }

    private void boot(Deadline deadline) throws Exception {
        advance(record().inPhase(ContainerRecord.Phase.STARTING));
        around.crashPoints().reach(CrashPoint.START_JOURNALED);
        timeline.step("cgroups", this::makeCgroups);
        around.crashPoints().reach(CrashPoint.START_CGROUPS_MADE);
        Sandbox sandbox =
                Sandbox.start(
                        plan, around.hypervisor(), timeline, around.clock(), deadline, progress());
        ContainerProcess process;
        try {
            sandbox.watchMemory(_ -> outOfMemory.set(true));
            timeline.step("container.create", () -> createContainer(sandbox.agent(), deadline));
            around.crashPoints().reach(CrashPoint.START_CONTAINER_CREATED);
            process = processOf(sandbox.agent());
            attachPending(process.streams());
            timeline.step(
                    "container.start", () -> startContainer(sandbox.agent(), process, deadline));
            around.crashPoints().reach(CrashPoint.START_PROCESS_STARTED);
            advance(record().running(around.nowMillis()));
            around.crashPoints().reach(CrashPoint.START_FINISHED);
        } catch (Exception e) {
            sandbox.close();
            throw e;
        }
        run(sandbox, process);
    }

    private Object makeCgroups() {
        HostCgroups.create(plan.cgroups());
        return plan;
    }

    private Sandbox.Progress progress() {
        return new Sandbox.Progress() {
            @Override
            public void launched(ProcessIdentity vmm) {
                around.crashPoints().reach(CrashPoint.START_MACHINE_LAUNCHED);
                advance(record().withVmm(vmm));
                around.crashPoints().reach(CrashPoint.START_MACHINE_JOURNALED);
            }

            @Override
            public void agentReady() {
                around.crashPoints().reach(CrashPoint.START_AGENT_READY);
            }
        };
    }

    private Object createContainer(GuestCalls agent, Deadline deadline) throws IOException {
        CreateContainerRequest.Builder create =
                CreateContainerRequest.newBuilder()
                        .setContainerId(id())
                        .setExecId(id())
                        .setOCI(AgentSpec.of(plan.process()));
        AgentSpec.user(plan.user()).ifPresent(create::setStringUser);
        plan.storages().forEach(storage -> create.addStorages(AgentSpec.storage(storage)));
        agent.call(AgentMethods.CREATE_CONTAINER, create.build(), deadline);
        return plan;
    }

    private Object startContainer(GuestCalls agent, ContainerProcess process, Deadline deadline)
            throws IOException {
        if (!request.stdin()) {
            process.streams().closeInput();
        }
        agent.call(
                AgentMethods.START_CONTAINER,
                StartContainerRequest.newBuilder().setContainerId(id()).build(),
                deadline);
        process.streams().start();
        return plan;
    }

    /** In the agent's protocol the container's own process bears the container's id. */
    private ContainerProcess processOf(GuestCalls agent) {
        ProcessStreams streams =
                new ProcessStreams(agent, id(), id(), request.terminal().isPresent(), this::keep);
        return new ContainerProcess(agent, id(), id(), streams);
    }

    private void keep(OutputLog.Stream stream, byte[] data) {
        try {
            output.append(stream, around.nowMillis(), data, 0, data.length);
        } catch (Fault e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "output was not kept container={0} reason={1}",
                    id(),
                    e.getMessage());
        }
    }

    private void attachPending(ProcessStreams streams) {
        locked(() -> {
            if (pendingInput != null) {
                streams.attachInput(pendingInput);
            }
            if (pendingStdout != null) {
                streams.attachOutput(OutputLog.Stream.STDOUT, pendingStdout);
            }
            if (pendingStderr != null) {
                streams.attachOutput(OutputLog.Stream.STDERR, pendingStderr);
            }
            pendingInput = null;
            pendingStdout = null;
            pendingStderr = null;
            return null;
        });
    }

    /** The process runs: from now on its end, and the machine's, are waited for. */
    private void run(Sandbox sandbox, ContainerProcess process) {
        locked(() -> state = new State.Running(sandbox, process));
        Thread.ofVirtual().name("wait " + id()).start(() -> awaitEnd(sandbox, process));
        sandbox.onExit(how ->
                Thread.ofVirtual()
                        .name("lost " + id())
                        .start(() -> machineEnded(sandbox, process, how)));
    }

    private Fault failed(Fault why) {
        int code =
                switch (why.code()) {
                    case NOT_FOUND -> CANNOT_RUN + 2;
                    case PERMISSION_DENIED -> CANNOT_RUN + 1;
                    default -> CANNOT_RUN;
                };
        boolean cancelled = Thread.interrupted(); // the clean-up must not be
        closePending();
        finish(new ProcessExit(code, false, String.valueOf(why.getMessage())), null, null);
        if (cancelled) {
            Thread.currentThread().interrupt();
        }
        return why;
    }

    private void closePending() {
        ProcessStreams nowhere = new ProcessStreams(NOBODY, id(), id(), true, (_, _) -> {});
        attachPending(nowhere);
        nowhere.abandon();
    }

    private static final GuestCalls NOBODY =
            new GuestCalls() {
                @Override
                public <
                                Q extends com.google.protobuf.MessageLite,
                                R extends com.google.protobuf.MessageLite>
                        R call(io.bunkai.ttrpc.Method<Q, R> method, Q question, Deadline deadline)
                                throws IOException {
                    throw new IOException("there is no guest");
                }
            };

    // ---- the end ----

    private void awaitEnd(Sandbox sandbox, ContainerProcess process) {
        try {
            int code = process.awaitEnd();
            process.streams().awaitDelivery();
            finish(ProcessExit.ended(code, wasOutOfMemory(sandbox, code)), sandbox, process);
        } catch (IOException | Fault e) {
            if (!around.isClosing()) {
                // The machine's own end is reported with its reason; wait for that a moment.
                Thread.ofVirtual().name("lost " + id()).start(() -> agentLost(sandbox, process, e));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void agentLost(Sandbox sandbox, ContainerProcess process, Exception why) {
        try {
            exit.get(MACHINE_LOSS_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            finish(ProcessExit.lost("the agent was lost: " + why.getMessage()), sandbox, process);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void machineEnded(Sandbox sandbox, ContainerProcess process, VmExit how) {
        if (!around.isClosing()) {
            finish(ProcessExit.lost("the machine was lost: " + how.describe()), sandbox, process);
        }
    }

    /** The event may come later than the exit, so a killed process is asked after. */
    private boolean wasOutOfMemory(Sandbox sandbox, int code) {
        if (outOfMemory.get() || code != CrashPoints.KILLED) {
            return outOfMemory.get();
        }
        try {
            Map<String, Long> stats =
                    sandbox.agent()
                            .call(
                                    AgentMethods.STATS_CONTAINER,
                                    StatsContainerRequest.newBuilder().setContainerId(id()).build(),
                                    Deadline.after(QUESTION_PATIENCE))
                            .getCgroupStats()
                            .getMemoryStats()
                            .getStatsMap();
            return stats.getOrDefault("oom_kill", 0L) > 0;
        } catch (IOException | Fault e) {
            return outOfMemory.get();
        }
    }

    /**
     * Journals the end, tells it, then tears the machine down. Only the first caller does anything.
     */
    private void finish(
            ProcessExit how, @Nullable Sandbox sandbox, @Nullable ContainerProcess process) {
        if (endHandled.getAndSet(true)) {
            return;
        }
        around.crashPoints().reach(CrashPoint.STOP_PROCESS_ENDED);
        advanceIfPossible(record().ending(how, around.nowMillis()));
        around.crashPoints().reach(CrashPoint.STOP_JOURNALED);
        LOG.log(
                System.Logger.Level.INFO,
                "container ended id={0} code={1} oom={2} error={3}",
                id(),
                how.code(),
                how.oomKilled(),
                how.error());
        locked(() -> state = new State.Ended());
        if (request.remove()) {
            around.released(this); // the name is free as soon as the end is known
        }
        if (process != null) {
            process.streams().abandon();
        }
        output.end();
        exit.complete(how);
        endExecs(how);
        if (sandbox != null) {
            sandbox.close();
        }
        cleanUp();
    }

    private void endExecs(ProcessExit how) {
        List<ExecProcess> left = locked(() -> List.copyOf(execs.values()));
        for (ExecProcess exec : left) {
            exec.process.streams().abandon();
            exec.process.exit().complete(new ProcessExit(CrashPoints.KILLED, false, how.error()));
        }
    }

    /**
     * What is left of the container after its end. Called again by a later daemon if this one dies
     * in it.
     */
    private void cleanUp() {
        try {
            Sandbox.tearDown(
                    plan,
                    record().vmm(),
                    around.hypervisor(),
                    around.journal(),
                    () -> around.crashPoints().reach(CrashPoint.STOP_MACHINE_GONE));
            advanceIfPossible(record().inPhase(ContainerRecord.Phase.ENDED));
            around.crashPoints().reach(CrashPoint.STOP_FINISHED);
            tornDown.complete(null);
            if (request.remove()) {
                forget();
            }
        } catch (Fault e) {
            tornDown.completeExceptionally(e);
            LOG.log(System.Logger.Level.ERROR, "clean-up failed container=" + id(), e);
        }
    }

    private void forget() {
        advanceIfPossible(record().inPhase(ContainerRecord.Phase.REMOVING));
        around.crashPoints().reach(CrashPoint.REMOVE_JOURNALED);
        output.close();
        around.deleteOutput(id());
        around.crashPoints().reach(CrashPoint.REMOVE_OUTPUT_GONE);
        around.journal().forget(id());
        around.released(this);
    }

    // ---- what a later daemon does with a record ----

    /** Goes on from the record where the daemon that wrote it died. */
    void recover() {
        ContainerRecord found = record();
        switch (found.phase()) {
            case CREATED -> {
                // nothing but the record exists, and it can still be started
            }
            case STARTING ->
                    finish(
                            new ProcessExit(CANNOT_RUN, false, "the daemon ended during the start"),
                            null,
                            null);
            case RUNNING -> findAgain(found);
            case ENDING -> {
                ended(found);
                cleanUp();
            }
            case ENDED -> {
                ended(found);
                tornDown.complete(null);
                if (request.remove()) {
                    forget();
                }
            }
            case REMOVING -> {
                ended(found);
                forget();
            }
        }
    }

    private void ended(ContainerRecord found) {
        endHandled.set(true);
        locked(() -> state = new State.Ended());
        output.end();
        exit.complete(found.exit().orElse(ProcessExit.lost("unknown")));
    }

    private void findAgain(ContainerRecord found) {
        try {
            ProcessIdentity vmm =
                    found.vmm().orElseThrow(() -> Fault.internal("the journal names no machine"));
            Sandbox sandbox =
                    Sandbox.adopt(
                            plan,
                            vmm,
                            around.hypervisor(),
                            around.clock(),
                            Deadline.after(QUESTION_PATIENCE));
            sandbox.watchMemory(_ -> outOfMemory.set(true));
            ContainerProcess process = processOf(sandbox.agent());
            process.streams().start();
            for (String execId : found.execs()) {
                drain(sandbox.agent(), execId);
            }
            run(sandbox, process);
            LOG.log(System.Logger.Level.INFO, "container found again id={0}", id());
        } catch (Exception e) {
            finish(
                    ProcessExit.lost("the machine did not outlive the daemon: " + e.getMessage()),
                    null,
                    null);
        }
    }

    /**
     * A process of a former daemon's client: nobody waits for it, but it must not block on its
     * output.
     */
    private void drain(GuestCalls agent, String execId) {
        ProcessStreams streams = new ProcessStreams(agent, id(), execId, false, (_, _) -> {});
        ContainerProcess process = new ContainerProcess(agent, id(), execId, streams);
        streams.start();
        Thread.ofVirtual()
                .name("wait " + id() + "/" + execId)
                .start(() -> {
                    try {
                        process.awaitEnd();
                        execEnded(execId);
                    } catch (IOException | Fault e) {
                        LOG.log(System.Logger.Level.DEBUG, "exec is gone id={0}", execId);
                    }
                });
    }

    // ---- further processes ----

    /**
     * Prepares a further process.
     *
     * @return its id, for {@link #startExec}
     * @throws Fault FAILED_PRECONDITION if the container does not run
     */
    public String exec(ExecRequest asked) {
        return locked(() -> {
            State.Running running = running();
            String execId = "exec-" + nextExec++;
            GuestCalls agent = running.sandbox().agent();
            ProcessStreams streams =
                    new ProcessStreams(
                            agent, id(), execId, asked.terminal().isPresent(), (_, _) -> {});
            execs.put(
                    execId,
                    new ExecProcess(
                            execId, asked, new ContainerProcess(agent, id(), execId, streams)));
            return execId;
        });
    }

    /**
     * Starts a further process.
     *
     * @throws Fault NOT_FOUND if there is no such process, or its program does not exist;
     *     PERMISSION_DENIED if the program cannot be run; FAILED_PRECONDITION if it was started
     *     before
     */
    public void startExec(String execId, Deadline deadline) {
        ExecProcess exec = execOf(execId);
        locked(() -> {
            if (exec.started) {
                throw Fault.failedPrecondition("process %s was already started", execId);
            }
            exec.started = true;
            return null;
        });
        GuestCalls agent = locked(() -> running().sandbox().agent());
        try {
            journalExecs();
            ExecProcessRequest.Builder run =
                    ExecProcessRequest.newBuilder()
                            .setContainerId(id())
                            .setExecId(execId)
                            .setProcess(AgentSpec.exec(exec.request, plan.process()));
            String user = exec.request.user().isEmpty() ? plan.user() : exec.request.user();
            AgentSpec.user(user).ifPresent(run::setStringUser);
            agent.call(AgentMethods.EXEC_PROCESS, run.build(), deadline);
            if (!exec.request.stdin()) {
                exec.process.streams().closeInput();
            }
            exec.process.streams().start();
        } catch (IOException e) {
            throw execFailed(
                    exec, Fault.unavailable("the guest of %s was lost", name()).causedBy(e));
        } catch (Fault e) {
            throw execFailed(exec, e);
        }
        Thread.ofVirtual().name("wait " + id() + "/" + execId).start(() -> awaitExec(exec));
    }

    private Fault execFailed(ExecProcess exec, Fault why) {
        exec.process.streams().abandon();
        execEnded(exec.id);
        return why;
    }

    private void awaitExec(ExecProcess exec) {
        try {
            int code = exec.process.awaitEnd();
            exec.process.streams().awaitDelivery();
            exec.process.streams().abandon();
            exec.process.exit().complete(ProcessExit.ended(code, false));
            execEnded(exec.id);
        } catch (IOException | Fault e) {
            exec.process.streams().abandon();
            exec.process.exit().complete(ProcessExit.lost(String.valueOf(e.getMessage())));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void execEnded(String execId) {
        locked(() -> forgetOldExecs(execId));
        journalExecs();
    }

    /** The last few are kept for clients that ask for an exit when it is past. */
    private boolean forgetOldExecs(String endedNow) {
        ExecProcess exec = execs.get(endedNow);
        if (exec != null) {
            exec.ended = true;
        }
        List<String> ended =
                execs.values().stream()
                        .filter(known -> known.ended)
                        .map(known -> known.id)
                        .toList();
        return ended.size() > REMEMBERED_EXECS && execs.keySet().remove(ended.getFirst());
    }

    private void journalExecs() {
        locked(() -> {
            List<String> running =
                    execs.values().stream()
                            .filter(exec -> exec.started && !exec.ended)
                            .map(exec -> exec.id)
                            .toList();
            if (record.phase() == ContainerRecord.Phase.RUNNING) {
                record = record.withExecs(running);
                around.journal().write(record);
            }
            return null;
        });
    }

    private ExecProcess execOf(String execId) {
        ExecProcess exec = locked(() -> execs.get(execId));
        if (exec == null) {
            throw Fault.notFound("container %s has no process %s", name(), execId);
        }
        return exec;
    }

    // ---- what can be done to a process; an empty exec id means the container's own ----

    /**
     * Connects streams to a process that has not been started yet. They are closed at their end.
     *
     * @throws Fault FAILED_PRECONDITION if the process was started before
     */
    public void attach(
            String execId,
            @Nullable InputStream stdin,
            @Nullable OutputStream stdout,
            @Nullable OutputStream stderr) {
        if (!execId.isEmpty()) {
            ProcessStreams streams = execOf(execId).process.streams();
            attachTo(streams, stdin, stdout, stderr);
            return;
        }
        locked(() -> {
            if (!(state instanceof State.Created)) {
                throw Fault.failedPrecondition("container %s was already started", name())
                        .withHint("use: bunkai logs -f %s", name());
            }
            pendingInput = stdin;
            pendingStdout = stdout;
            pendingStderr = stderr;
            return null;
        });
    }

    private static void attachTo(
            ProcessStreams streams,
            @Nullable InputStream stdin,
            @Nullable OutputStream stdout,
            @Nullable OutputStream stderr) {
        if (stdin != null) {
            streams.attachInput(stdin);
        }
        if (stdout != null) {
            streams.attachOutput(OutputLog.Stream.STDOUT, stdout);
        }
        if (stderr != null) {
            streams.attachOutput(OutputLog.Stream.STDERR, stderr);
        }
    }

    /** {@return completed once the process has ended and its output has been delivered} */
    public CompletableFuture<ProcessExit> exit(String execId) {
        return execId.isEmpty() ? exit.copy() : execOf(execId).process.exit().copy();
    }

    /**
     * Sends a signal.
     *
     * @throws Fault FAILED_PRECONDITION if the container does not run
     */
    public void signal(String execId, int signal) {
        target(execId).signal(signal);
    }

    /**
     * Changes the size of a process's terminal.
     *
     * @throws Fault FAILED_PRECONDITION if the container does not run or the process has no
     *     terminal
     */
    public void resize(String execId, Terminal.Size size) {
        target(execId).resize(size);
    }

    private ContainerProcess target(String execId) {
        return execId.isEmpty() ? locked(() -> running().process()) : execOf(execId).process;
    }

    /**
     * Asks the container's process to end, and kills it after a time. Returns once it has ended;
     * does nothing if it has already.
     *
     * @param signal 0 for the image's
     */
    public void stop(int signal, Duration patience) throws InterruptedException {
        if (!isActive()) {
            return;
        }
        trySignal(signal == 0 ? plan.stopSignal() : signal);
        if (endsWithin(patience)) {
            return;
        }
        trySignal(Signals.SIGKILL);
        if (!endsWithin(QUESTION_PATIENCE)) {
            kill();
        }
    }

    private void trySignal(int signal) {
        try {
            signal("", signal);
        } catch (Fault e) {
            LOG.log(
                    System.Logger.Level.DEBUG,
                    "signal was not taken container={0} reason={1}",
                    id(),
                    e.getMessage());
        }
    }

    private boolean endsWithin(Duration patience) throws InterruptedException {
        try {
            exit.get(patience.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Ends the container with its machine, at once, in whatever state it is; waits until nothing of
     * it runs.
     */
    public void kill() throws InterruptedException {
        State now = locked(() -> state);
        switch (now) {
            case State.Starting(Thread starter) -> starter.interrupt();
            case State.Running(Sandbox sandbox, ContainerProcess process) ->
                    finish(new ProcessExit(CrashPoints.KILLED, false, ""), sandbox, process);
            case State.Created _, State.Ended _ -> {}
        }
        if (!(now instanceof State.Created)) {
            awaitTornDown();
        }
    }

    private void awaitTornDown() throws InterruptedException {
        try {
            tornDown.get();
        } catch (ExecutionException e) {
            throw Fault.internal("what %s left could not be cleaned up", name())
                    .causedBy(e.getCause() == null ? e : e.getCause());
        }
    }

    /**
     * Removes everything about the container.
     *
     * @throws Fault FAILED_PRECONDITION if it runs and {@code force} is not set
     */
    public void remove(boolean force) throws InterruptedException {
        if (isActive()) {
            if (!force) {
                throw Fault.failedPrecondition("container %s runs", name())
                        .withHint("stop it first, or use: bunkai rm -f %s", name());
            }
            kill();
        } else if (locked(() -> state instanceof State.Ended)) {
            awaitTornDown();
        }
        if (!request.remove() || locked(() -> state instanceof State.Created)) {
            forget();
        }
    }

    /** Lets go of the container, which runs on: this daemon ends. */
    void letGo() {
        if (locked(() -> state) instanceof State.Running(Sandbox sandbox, _)) {
            sandbox.close();
        }
        output.close();
    }

    // ---- state ----

    private State.Running running() {
        if (state instanceof State.Running running) {
            return running;
        }
        throw Fault.failedPrecondition("container %s does not run", name());
    }

    /** Writes the journal first: what is believed here is never ahead of it. */
    private void advance(ContainerRecord next) {
        locked(() -> {
            around.journal().write(next);
            record = next;
            return null;
        });
    }

    /** At the end there is no way back: what cannot be journaled is cleaned up all the same. */
    private void advanceIfPossible(ContainerRecord next) {
        try {
            advance(next);
        } catch (Fault e) {
            LOG.log(
                    System.Logger.Level.ERROR,
                    "the journal could not be written container=" + id(),
                    e);
            locked(() -> record = next);
        }
    }

    private <T extends @Nullable Object> T locked(java.util.function.Supplier<T> work) {
        lock.lock();
        try {
            return work.get();
        } finally {
            lock.unlock();
        }
    }

    /** {@return how it ended; empty as long as it has not} */
    public Optional<ProcessExit> ended() {
        return Optional.ofNullable(exit.getNow(null));
    }
}
