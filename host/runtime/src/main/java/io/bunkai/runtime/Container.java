// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.api.AgentMethods;
import io.bunkai.api.agent.CreateContainerRequest;
import io.bunkai.api.agent.StartContainerRequest;
import io.bunkai.api.agent.StatsContainerRequest;
import io.bunkai.base.Closer;
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
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A container and the machine it has to itself: created, started once, ended, removed.
 *
 * <p>The lock guards the state; under it the journal is written and nothing slower happens. A start
 * is a state of its own, carried out by the thread that asked for it; whoever calls it off
 * interrupts that thread, under the lock, so that no interrupt comes after the start is over. The
 * end is handled exactly once, whether it comes from the guest, from the loss of the machine, from
 * a failed start or from {@link #kill}.
 */
public final class Container {
    private static final System.Logger LOG = System.getLogger(Container.class.getName());
    private static final Duration REST_PATIENCE = Duration.ofSeconds(2);
    private static final Duration QUESTION_PATIENCE = Duration.ofSeconds(10);
    private static final Duration LET_GO_PATIENCE = Duration.ofSeconds(20);
    private static final int CANNOT_RUN = 125;
    private static final int LARGEST_SIGNAL = 64;
    private static final ProcessExit NEVER_STARTED =
            new ProcessExit(CANNOT_RUN, false, "it was removed before it was started");

    private final Surroundings around;
    private final ContainerRequest request;
    private final Plan plan;
    private final OutputLog output;
    private final Timeline timeline;
    private final Execs execs;
    private final AttachedStreams attached = new AttachedStreams();
    private final CompletableFuture<ProcessExit> exit = new CompletableFuture<>();
    private final CompletableFuture<Void> tornDown = new CompletableFuture<>();
    private final AtomicBoolean endHandled = new AtomicBoolean();
    private final AtomicBoolean outOfMemory = new AtomicBoolean();
    private final AtomicBoolean outputLost = new AtomicBoolean();

    private final ReentrantLock cleaning = new ReentrantLock(); // one clean-up at a time
    private boolean clean; // guarded by cleaning
    private boolean forgotten; // guarded by cleaning

    private final ReentrantLock lock = new ReentrantLock(); // guards the fields below
    private ContainerRecord record;
    private State state = new State.Created();
    private boolean calledOff; // a start whose thread has been interrupted

    private sealed interface State {
        record Created() implements State {}

        record Starting(Thread starter) implements State {}

        /** A start that is over or called off: nobody interrupts its thread any more. */
        record Failing() implements State {}

        record Running(Sandbox sandbox, ContainerProcess process) implements State {}

        record Ended() implements State {}
    }

    Container(Surroundings around, ContainerRecord record, OutputLog output) {
        this.around = around;
        this.request = record.request();
        this.plan = record.plan();
        this.record = record;
        this.output = output;
        this.timeline = new Timeline(around.clock());
        this.execs = new Execs(record.id(), record.plan(), around, this::journalExecs);
    }

    /** {@return the id} */
    public String id() {
        return plan.id();
    }

    /** {@return the name} */
    public String name() {
        return plan.name();
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
        return locked(() ->
                switch (state) {
                    case State.Starting _, State.Failing _, State.Running _ -> true;
                    case State.Created _, State.Ended _ -> false;
                });
    }

    // ---- start ----

    /**
     * Boots the machine and starts the container's process.
     *
     * @throws Fault FAILED_PRECONDITION if it was started before; NOT_FOUND or PERMISSION_DENIED if
     *     the program cannot be run; CANCELLED if it was killed meanwhile; UNAVAILABLE if this
     *     daemon ends; otherwise with the step that failed. Unless it was started before, the
     *     container has then ended, and nothing of its machine is left
     */
    public void start(Deadline deadline) {
        begin();
        long begin = timeline.micros();
        Booted booted = null;
        try {
            booted = boot(deadline);
            timeline.hostStep("start", begin, timeline.micros());
            timeline.finished();
        } catch (Exception e) {
            throw failed(e);
        } finally {
            if (booted == null && !endHandled.get()) { // an Error is on its way
                failed(new IllegalStateException("the start broke off"));
            }
        }
        if (!run(booted)) {
            booted.sandbox().close();
            throw failed(new InterruptedException());
        }
    }

    /** What a start has made. */
    private record Booted(Sandbox sandbox, ContainerProcess process) {}

    private void begin() {
        locked(() -> {
            if (!(state instanceof State.Created)) {
                throw Fault.failedPrecondition("container %s was already started", name());
            }
            if (around.isClosing()) {
                throw Fault.unavailable("the daemon is about to end");
            }
            state = new State.Starting(Thread.currentThread());
            return state;
        });
    }

    private Booted boot(Deadline deadline) throws Exception {
        advance(record().inPhase(ContainerRecord.Phase.STARTING));
        around.crashPoints().reach(CrashPoint.START_JOURNALED);
        timeline.step("cgroups", this::makeCgroups);
        around.crashPoints().reach(CrashPoint.START_CGROUPS_MADE);
        try (Closer undo = new Closer()) {
            Sandbox sandbox =
                    undo.own(
                            Sandbox.start(
                                    plan,
                                    around.hypervisor(),
                                    timeline,
                                    around.clock(),
                                    deadline,
                                    progress()));
            ContainerProcess process = startProcess(sandbox, deadline);
            advance(record().running(around.nowMillis()));
            around.crashPoints().reach(CrashPoint.START_FINISHED);
            undo.release();
            return new Booted(sandbox, process);
        }
    }

    private ContainerProcess startProcess(Sandbox sandbox, Deadline deadline) throws Exception {
        try {
            sandbox.watchMemory(() -> outOfMemory.set(true));
            timeline.step("container.create", () -> createContainer(sandbox.agent(), deadline));
            around.crashPoints().reach(CrashPoint.START_CONTAINER_CREATED);
            ContainerProcess process = processOf(sandbox.agent());
            timeline.step(
                    "container.start", () -> startContainer(sandbox.agent(), process, deadline));
            around.crashPoints().reach(CrashPoint.START_PROCESS_STARTED);
            return process;
        } catch (IOException e) {
            throw sandbox.lost(e);
        }
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
            process.streams().closeInput(deadline);
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
                new ProcessStreams(
                        agent,
                        id(),
                        id(),
                        request.terminal().isPresent(),
                        attached,
                        this::keep,
                        around.clock());
        return new ContainerProcess(agent, id(), id(), streams);
    }

    private void keep(OutputLog.Stream stream, byte[] data) {
        try {
            output.append(stream, around.nowMillis(), data, 0, data.length);
            outputLost.set(false);
        } catch (Fault e) {
            if (!outputLost.getAndSet(true)) { // one line, however much is lost
                LOG.log(
                        System.Logger.Level.WARNING,
                        "output was not kept container={0} reason={1}",
                        id(),
                        GuestText.reason(e));
            }
        }
    }

    /**
     * The process runs: from now on its end, and the machine's, are waited for.
     *
     * @return whether it may; not if the start was called off in its last moment
     */
    private boolean run(Booted booted) {
        boolean wanted =
                locked(() -> {
                    if (calledOff || Thread.interrupted()) {
                        return false;
                    }
                    state = new State.Running(booted.sandbox(), booted.process());
                    return true;
                });
        if (wanted) {
            watch(booted.sandbox(), booted.process());
        }
        return wanted;
    }

    private void watch(Sandbox sandbox, ContainerProcess process) {
        Thread.ofVirtual().name("wait " + id()).start(() -> awaitEnd(sandbox, process));
        sandbox.onExit(how ->
                Thread.ofVirtual()
                        .name("lost " + id())
                        .start(() -> machineEnded(sandbox, process, how)));
    }

    /** Ends a container whose start failed. {@return what to tell about it} */
    private Fault failed(Exception failure) {
        boolean cancelled =
                locked(() -> {
                    state = new State.Failing();
                    return Thread.interrupted() || calledOff; // the clean-up goes on
                });
        Fault why = reasonOf(failure, cancelled);
        int code =
                switch (why.code()) {
                    case NOT_FOUND -> CANNOT_RUN + 2;
                    case PERMISSION_DENIED -> CANNOT_RUN + 1;
                    default -> CANNOT_RUN;
                };
        finish(new ProcessExit(code, false, GuestText.reason(why)), null);
        return why;
    }

    private Fault reasonOf(Exception failure, boolean cancelled) {
        if (cancelled || failure instanceof InterruptedException) {
            return Fault.of(FaultCode.CANCELLED, "the start of %s was cancelled", name());
        }
        return failure instanceof Fault fault
                ? fault
                : Fault.internal("container %s did not start", name()).causedBy(failure);
    }

    // ---- the end ----

    private void awaitEnd(Sandbox sandbox, ContainerProcess process) {
        try {
            int code = process.awaitEnd();
            process.streams().awaitDelivery();
            finish(ProcessExit.ended(code, wasOutOfMemory(sandbox, code)), sandbox);
        } catch (IOException | RuntimeException e) {
            agentLost(sandbox, process, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void agentLost(Sandbox sandbox, ContainerProcess process, Exception why) {
        if (around.isClosing()) {
            return;
        }
        Optional<VmExit> machine = sandbox.machineExit();
        if (machine.isPresent()) {
            machineEnded(sandbox, process, machine.get());
        } else {
            finish(ProcessExit.lost("the agent was lost: " + GuestText.reason(why)), sandbox);
        }
    }

    private void machineEnded(Sandbox sandbox, ContainerProcess process, VmExit how) {
        if (around.isClosing()) {
            return;
        }
        try {
            process.streams().awaitRest(Deadline.after(REST_PATIENCE));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        finish(ProcessExit.lost("the machine was lost: " + how.describe()), sandbox);
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
    private void finish(ProcessExit how, @Nullable Sandbox sandbox) {
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
        tell(how);
        if (sandbox != null) {
            sandbox.close();
        }
        try {
            cleanUp();
            if (request.remove()) {
                forget();
            }
            tornDown.complete(null);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "clean-up failed container=" + id(), e);
            tornDown.completeExceptionally(e);
        }
    }

    /** From here on everybody knows that it has ended. */
    private void tell(ProcessExit how) {
        endHandled.set(true);
        locked(() -> state = new State.Ended());
        if (request.remove()) {
            around.released(this); // the name is free as soon as the end is known
        }
        attached.closeAll();
        output.end();
        execs.endAll(how.error());
        exit.complete(how);
    }

    /**
     * What is left of the container after its end. Done once; called again, also by a later daemon,
     * if it did not come to its end.
     */
    private void cleanUp() {
        cleaning.lock();
        try {
            if (clean) {
                return;
            }
            Sandbox.tearDown(
                    plan,
                    record().vmm(),
                    around.hypervisor(),
                    around.journal(),
                    () -> around.crashPoints().reach(CrashPoint.STOP_MACHINE_GONE));
            advanceIfPossible(record().inPhase(ContainerRecord.Phase.ENDED));
            clean = true;
            around.crashPoints().reach(CrashPoint.STOP_FINISHED);
        } finally {
            cleaning.unlock();
        }
    }

    /** Removes the last traces. Done once; can be called again if it did not come to its end. */
    private void forget() {
        cleaning.lock();
        try {
            if (forgotten) {
                return;
            }
            advanceIfPossible(record().inPhase(ContainerRecord.Phase.REMOVING));
            around.crashPoints().reach(CrashPoint.REMOVE_JOURNALED);
            output.close();
            around.deleteOutput(id());
            around.crashPoints().reach(CrashPoint.REMOVE_OUTPUT_GONE);
            around.journal().forget(id());
            forgotten = true;
        } finally {
            cleaning.unlock();
        }
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
                            null);
            case RUNNING -> findAgain(found);
            case ENDING -> goOn(found, request.remove());
            case ENDED -> {
                clean = true;
                goOn(found, request.remove());
            }
            case REMOVING -> {
                clean = true;
                goOn(found, true);
            }
        }
    }

    private void goOn(ContainerRecord found, boolean remove) {
        tell(found.exit().orElse(NEVER_STARTED));
        try {
            cleanUp();
            if (remove) {
                forget();
            }
            tornDown.complete(null);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "clean-up failed container=" + id(), e);
            tornDown.completeExceptionally(e);
        }
    }

    private void findAgain(ContainerRecord found) {
        try (Closer undo = new Closer()) {
            ProcessIdentity vmm =
                    found.vmm().orElseThrow(() -> Fault.internal("the journal names no machine"));
            Sandbox sandbox =
                    undo.own(
                            Sandbox.adopt(
                                    plan,
                                    vmm,
                                    around.hypervisor(),
                                    around.clock(),
                                    Deadline.after(QUESTION_PATIENCE)));
            sandbox.watchMemory(() -> outOfMemory.set(true));
            ContainerProcess process = processOf(sandbox.agent());
            process.streams().start();
            found.execs().forEach(execId -> execs.adopt(sandbox.agent(), execId));
            locked(() -> state = new State.Running(sandbox, process));
            watch(sandbox, process);
            undo.release();
            LOG.log(System.Logger.Level.INFO, "container found again id={0}", id());
        } catch (Exception e) {
            finish(
                    ProcessExit.lost(
                            "the machine did not outlive the daemon: " + GuestText.reason(e)),
                    null);
        }
    }

    // ---- further processes ----

    /**
     * Prepares a further process.
     *
     * @return its id, for {@link #startExec}
     * @throws Fault FAILED_PRECONDITION if the container does not run, INVALID_ARGUMENT if the
     *     request makes no sense, RESOURCE_EXHAUSTED if there are too many
     */
    public String exec(ExecRequest asked) {
        return execs.prepare(running().sandbox().agent(), asked);
    }

    /**
     * Starts a further process.
     *
     * @throws Fault NOT_FOUND if there is no such process, or its program does not exist;
     *     PERMISSION_DENIED if the program cannot be run; FAILED_PRECONDITION if it was started
     *     before, or has ended with its container
     */
    public void startExec(String execId, Deadline deadline) {
        execs.start(execId, deadline);
    }

    private void journalExecs() {
        locked(() -> {
            if (record.phase() == ContainerRecord.Phase.RUNNING) {
                ContainerRecord next = record.withExecs(execs.running());
                around.journal().write(next);
                record = next;
            }
            return null;
        });
    }

    // ---- what can be done to a process; an empty exec id means the container's own ----

    /**
     * Connects streams to a process that has not been started yet. They are closed at their end.
     *
     * @throws Fault NOT_FOUND if there is no such process; FAILED_PRECONDITION if it was started
     *     before, or somebody is connected already. The streams are then left alone
     */
    public void attach(
            String execId,
            @Nullable InputStream stdin,
            @Nullable OutputStream stdout,
            @Nullable OutputStream stderr) {
        if (!execId.isEmpty()) {
            execs.attach(execId, stdin, stdout, stderr);
            return;
        }
        locked(() -> {
            if (!(state instanceof State.Created)) {
                throw Fault.failedPrecondition("container %s was already started", name())
                        .withHint("use: bunkai logs -f %s", name());
            }
            attached.attach(stdin, stdout, stderr);
            return null;
        });
    }

    /**
     * {@return completed once the process has ended and its output has been delivered}
     *
     * @throws Fault NOT_FOUND if there is no such process
     */
    public CompletableFuture<ProcessExit> exit(String execId) {
        return execId.isEmpty() ? exit.copy() : execs.process(execId).exit().copy();
    }

    /** {@return how each process ended that has, by its id; its own under the empty one} */
    Map<String, ProcessExit> exits() {
        Map<String, ProcessExit> exits = execs.exits();
        ended().ifPresent(own -> exits.put("", own));
        return exits;
    }

    /**
     * Sends a signal.
     *
     * @throws Fault FAILED_PRECONDITION if the container does not run, NOT_FOUND if there is no
     *     such process or it has ended, INVALID_ARGUMENT if there is no such signal
     */
    public void signal(String execId, int signal) {
        if (signal < 1 || signal > LARGEST_SIGNAL) {
            throw Fault.invalidArgument("there is no signal %s", Integer.toUnsignedString(signal));
        }
        target(execId).signal(signal);
    }

    /**
     * Changes the size of a process's terminal.
     *
     * @throws Fault FAILED_PRECONDITION if the container does not run or the process has no
     *     terminal, INVALID_ARGUMENT if no terminal has that size
     */
    public void resize(String execId, Terminal.Size size) {
        RequestCheck.check(size);
        target(execId).resize(size);
    }

    private ContainerProcess target(String execId) {
        ContainerProcess own = running().process();
        return execId.isEmpty() ? own : execs.process(execId);
    }

    /**
     * Asks the container's process to end, and kills it after a time. Returns once it has ended;
     * does nothing if it has already, and calls a start off.
     *
     * @param signal 0 for the image's
     * @throws Fault INVALID_ARGUMENT if there is no such signal
     */
    public void stop(int signal, Duration patience) throws InterruptedException {
        if (signal < 0 || signal > LARGEST_SIGNAL) {
            throw Fault.invalidArgument("there is no signal %s", Integer.toUnsignedString(signal));
        }
        if (!isActive()) {
            return;
        }
        if (locked(() -> state instanceof State.Running)) {
            trySignal(signal == 0 ? plan.stopSignal() : signal);
            if (endsWithin(patience)) {
                return;
            }
            trySignal(Signals.SIGKILL);
            if (endsWithin(QUESTION_PATIENCE)) {
                return;
            }
        }
        kill();
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
     * it runs. One that was never started stays as it is.
     *
     * @throws Fault INTERNAL if something of it could not be cleaned up
     */
    public void kill() throws InterruptedException {
        State now = callOff();
        if (now instanceof State.Running(Sandbox sandbox, _)) {
            // On a thread of its own: what has begun goes on if this one is interrupted.
            Thread.ofVirtual()
                    .name("kill " + id())
                    .start(() -> finish(new ProcessExit(CrashPoints.KILLED, false, ""), sandbox));
        }
        if (!(now instanceof State.Created)) {
            awaitTornDown();
        }
    }

    private State callOff() {
        return locked(() -> {
            if (state instanceof State.Starting(Thread starter)) {
                calledOff = true;
                starter.interrupt();
            }
            return state;
        });
    }

    /** What could not be cleaned up before is tried again by whoever needs it. */
    private void awaitTornDown() throws InterruptedException {
        try {
            tornDown.get();
        } catch (ExecutionException e) {
            cleanUp();
        }
    }

    /**
     * Removes everything about the container.
     *
     * @throws Fault FAILED_PRECONDITION if it runs and {@code force} is not set; INTERNAL if
     *     something could not be removed, which can be tried again
     */
    public void remove(boolean force) throws InterruptedException {
        boolean unused =
                locked(() -> {
                    if (isActive() && !force) {
                        throw Fault.failedPrecondition("container %s runs", name())
                                .withHint("stop it first, or use: bunkai rm -f %s", name());
                    }
                    if (!(state instanceof State.Created)) {
                        return false;
                    }
                    state = new State.Ended(); // from here on it cannot be started
                    return true;
                });
        if (unused) {
            tell(NEVER_STARTED);
            clean();
            tornDown.complete(null);
        } else {
            kill();
        }
        forget();
    }

    private void clean() {
        cleaning.lock();
        try {
            clean = true; // nothing was made
        } finally {
            cleaning.unlock();
        }
    }

    /**
     * Ends a container whose client has gone: it is killed if it runs, and removed if it was never
     * started or is not to be kept.
     */
    public void giveUp() throws InterruptedException {
        if (around.isClosing()) {
            return; // it is the daemon that goes, and the container stays
        }
        if (locked(() -> state instanceof State.Created)) {
            remove(true);
        } else {
            kill();
        }
    }

    /**
     * Ends a further process whose client has gone, started or not.
     *
     * @throws Fault NOT_FOUND if there is none
     */
    public void giveUp(String execId) {
        if (!around.isClosing()) {
            execs.giveUp(execId);
        }
    }

    /**
     * Lets go of the container, which runs on: this daemon ends. A start is called off, since no
     * later daemon could finish it; a clean-up under way has a moment to come to its end.
     */
    void letGo() {
        State now = callOff();
        try {
            switch (now) {
                case State.Starting _, State.Failing _, State.Ended _ ->
                        tornDown.get(LET_GO_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
                case State.Running(Sandbox sandbox, ContainerProcess process) -> {
                    sandbox.close();
                    process.streams().awaitRest(Deadline.after(REST_PATIENCE));
                    attached.closeAll();
                    execs.letGo();
                }
                case State.Created _ -> {}
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (TimeoutException | ExecutionException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "the clean-up is left to the next daemon container={0}",
                    id());
        }
        output.close();
    }

    // ---- state ----

    private State.Running running() {
        return locked(() -> {
            if (state instanceof State.Running running) {
                return running;
            }
            throw Fault.failedPrecondition("container %s does not run", name());
        });
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
        } catch (RuntimeException e) {
            LOG.log(
                    System.Logger.Level.ERROR,
                    "the journal could not be written container=" + id(),
                    e);
            locked(() -> record = next);
        }
    }

    private <T extends @Nullable Object> T locked(Supplier<T> work) {
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
