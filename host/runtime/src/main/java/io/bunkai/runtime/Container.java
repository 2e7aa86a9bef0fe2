// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.api.agent.StatsContainerResponse;
import io.bunkai.base.ByteSize;
import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.config.BudgetConfiguration;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Signals;
import io.bunkai.linux.Terminal;
import io.bunkai.oci.RuntimeSpec;
import io.bunkai.vmm.Disk;
import io.bunkai.vmm.DiskLimits;
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
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A container and the machine it has to itself: created, prepared, started once, ended, removed.
 *
 * <p>The lock guards the state; under it the journal is written and nothing slower happens.
 * Preparing is a state of its own, carried out by the thread that asked for it; whoever calls it
 * off interrupts that thread, under the lock, so that no interrupt comes after it is over. The end
 * is handled exactly once, whether it comes from the guest, from the loss of the machine, from a
 * failed start or from {@link #kill}.
 */
public final class Container {
    private static final System.Logger LOG = System.getLogger(Container.class.getName());
    private static final Duration REST_PATIENCE = Duration.ofSeconds(2);
    private static final Duration WRITE_BACK_PATIENCE = Duration.ofSeconds(10);
    private static final Duration QUESTION_PATIENCE = Duration.ofSeconds(10);
    private static final Duration LET_GO_PATIENCE = Duration.ofSeconds(20);
    private static final int CANNOT_RUN = 125;
    private static final int LARGEST_SIGNAL = 64;
    private static final ProcessExit NEVER_STARTED =
            new ProcessExit(CANNOT_RUN, false, "it was removed before it was started");

    private final Surroundings around;
    private final Terms terms;
    private final Plan plan;
    private final OutputLog output;
    private final Timeline timeline;
    private final Execs execs;
    private final AttachedStreams attached = new AttachedStreams();
    private final CompletableFuture<ProcessExit> exit = new CompletableFuture<>();
    private final CompletableFuture<Void> tornDown = new CompletableFuture<>();
    private final CompletableFuture<Void> startIsOver = new CompletableFuture<>();
    private final AtomicBoolean endHandled = new AtomicBoolean();
    private final AtomicBoolean outOfMemory = new AtomicBoolean();
    private final AtomicBoolean outputLost = new AtomicBoolean();
    private final AtomicBoolean endedInGuest = new AtomicBoolean();
    private final AtomicBoolean killed = new AtomicBoolean();
    private final AtomicBoolean startMayBeRepeated = new AtomicBoolean();
    private final Remains remains;
    private final Records records =
            new Records() {
                @Override
                public ContainerRecord now() {
                    return record();
                }

                @Override
                public void write(ContainerRecord next) {
                    advance(next);
                }

                @Override
                public void writeIfPossible(ContainerRecord next) {
                    advanceIfPossible(next);
                }
            };
    private volatile Runnable memoryListener = () -> {};

    private final ReentrantLock lock = new ReentrantLock(); // guards the fields below
    private ContainerRecord record;
    private State state = new State.Created();
    private boolean calledOff; // a start whose thread has been interrupted

    private sealed interface State {
        record Created() implements State {}

        record Preparing(Thread preparer) implements State {}

        /** A preparation that is over or called off: nobody interrupts its thread any more. */
        record Failing() implements State {}

        /** The process exists and waits to be started; {@code begun} if somebody is about to. */
        record Prepared(Sandbox sandbox, ContainerProcess process, boolean begun)
                implements State {}

        record Running(Sandbox sandbox, ContainerProcess process) implements State {}

        record Ended() implements State {}
    }

    Container(Surroundings around, ContainerRecord record, OutputLog output) {
        this.around = around;
        this.terms = record.terms();
        this.plan = record.plan();
        this.record = record;
        this.output = output;
        this.timeline = new Timeline(around.clock());
        this.execs =
                new Execs(
                        record.id(),
                        record.plan(),
                        around,
                        readerPatience(record.terms()),
                        this::journalExecs);
        this.remains = new Remains(record.plan(), output, around, records);
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

    /** {@return what holds for it beside the plan} */
    public Terms terms() {
        return terms;
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
                    case State.Preparing _, State.Failing _, State.Prepared _, State.Running _ ->
                            true;
                    case State.Created _, State.Ended _ -> false;
                });
    }

    // ---- start ----

    /**
     * Boots the machine and starts the container's process, when it is its turn to.
     *
     * @param deadline counts from its turn on
     * @throws Fault as {@link #prepare}, if that has not been done; FAILED_PRECONDITION if it was
     *     started before, or has ended; NOT_FOUND or PERMISSION_DENIED if the program cannot be run
     */
    public void start(Deadline deadline) {
        long begin = timeline.micros();
        if (locked(() -> state instanceof State.Created)) {
            try (Closer undo = new Closer()) {
                InTurn turn = undo.own(prepareInTurn(deadline));
                startPrepared(begin, turn.deadline());
                undo.release();
                endTurnWhenProcessIsUnderWay(turn);
            }
        } else {
            startPrepared(begin, deadline);
        }
    }

    /**
     * What a process does first, and the end of one that does little, take as much of a processor
     * as the start does.
     */
    private void endTurnWhenProcessIsUnderWay(InTurn turn) {
        Duration patience = plan.machine().accelerator().patience(StartGate.FIRST_MOMENTS);
        CompletableFuture<?> _ =
                exit.copy()
                        .orTimeout(patience.toMillis(), TimeUnit.MILLISECONDS)
                        .whenComplete((_, _) -> turn.close());
    }

    private void startPrepared(long begin, Deadline deadline) {
        State.Prepared prepared = begin();
        try {
            timeline.step("container.start", () -> startProcess(prepared, deadline));
            around.crashPoints().reach(CrashPoint.START_PROCESS_STARTED);
            run(prepared);
            around.crashPoints().reach(CrashPoint.START_FINISHED);
            HookRunner.of(around, record()).afterStart(plan.host().hooks().afterStart());
        } catch (Exception e) {
            throw notStarted(prepared.sandbox(), e);
        } finally {
            startIsOver.complete(null);
        }
        timeline.hostStep("start", begin, timeline.micros());
        timeline.finished();
    }

    private State.Prepared begin() {
        return locked(() -> {
            if (state instanceof State.Prepared prepared && !prepared.begun()) {
                state = new State.Prepared(prepared.sandbox(), prepared.process(), true);
                return prepared;
            }
            if (state instanceof State.Ended) {
                throw Fault.failedPrecondition("container %s has ended", name());
            }
            throw alreadyStarted();
        });
    }

    private Fault alreadyStarted() {
        return Fault.failedPrecondition("container %s was already started", name());
    }

    private Object startProcess(State.Prepared prepared, Deadline deadline) throws IOException {
        if (!terms.stdin()) {
            prepared.process().streams().closeInput(deadline);
        }
        try {
            guest(prepared.sandbox()).start(deadline);
        } catch (Fault e) {
            // A former daemon has started it, and died before it could note that.
            if (e.code() != FaultCode.FAILED_PRECONDITION || !startMayBeRepeated.get()) {
                throw e;
            }
        }
        return plan;
    }

    /** The process runs. It may have ended by now, and then that has been handled. */
    private void run(State.Prepared prepared) {
        locked(() -> {
            if (state instanceof State.Prepared) {
                ContainerRecord next = record.running(around.nowMillis());
                around.journal().write(next);
                record = next;
                state = new State.Running(prepared.sandbox(), prepared.process());
            }
            return state;
        });
    }

    /** Ends a container whose process did not start. {@return what to tell about it} */
    private Fault notStarted(Sandbox sandbox, Exception failure) {
        Fault why =
                endHandled.get()
                        ? reasonOf(failure, true)
                        : reasonOf(
                                failure instanceof IOException e ? sandbox.lost(e) : failure,
                                failure instanceof InterruptedException);
        finish(new ProcessExit(codeOf(why), false, GuestText.reason(why)), sandbox);
        return why;
    }

    /**
     * Boots the machine, when it is its turn to, and makes the container in it, up to the point
     * where its process waits to be started.
     *
     * @param deadline counts from its turn on
     * @throws Fault FAILED_PRECONDITION if it was prepared before; NOT_FOUND or PERMISSION_DENIED
     *     if the program cannot be run; CANCELLED if it was killed meanwhile; UNAVAILABLE if this
     *     daemon ends; otherwise with the step that failed. Unless it was prepared before, the
     *     container has then ended, and nothing of its machine is left
     */
    public void prepare(Deadline deadline) {
        prepareInTurn(deadline).close();
    }

    /** A turn at the gate of starts, and the deadline of what is done in it. */
    private record InTurn(StartGate.Turn turn, Deadline deadline) implements AutoCloseable {
        @Override
        public void close() {
            turn.close();
        }
    }

    /** {@return the turn in which it was prepared, which the caller closes} */
    private InTurn prepareInTurn(Deadline deadline) {
        beginToPrepare();
        Booted booted = null;
        try (Closer undo = new Closer()) {
            InTurn turn = undo.own(awaitTurn(deadline));
            long begin = timeline.micros();
            booted = boot(turn.deadline());
            timeline.hostStep("prepare", begin, timeline.micros());
            if (!isWanted(booted)) {
                booted.sandbox().close();
                throw new InterruptedException();
            }
            watch(booted.sandbox(), booted.process());
            undo.release();
            return turn;
        } catch (Exception e) {
            throw failed(e);
        } finally {
            if (booted == null && !endHandled.get()) { // an Error is on its way
                failed(new IllegalStateException("the start broke off"));
            }
        }
    }

    private InTurn awaitTurn(Deadline deadline) throws InterruptedException {
        long came = timeline.micros();
        StartGate.Turn turn =
                around.starts()
                        .enter(plan.machine().accelerator().patience(StartGate.LONGEST_TURN));
        if (!turn.waited().isZero()) {
            timeline.hostStep("turn", came, timeline.micros());
        }
        return new InTurn(turn, deadline.later(turn.waited()));
    }

    /** What a preparation has made. */
    private record Booted(Sandbox sandbox, ContainerProcess process) {}

    private void beginToPrepare() {
        locked(() -> {
            if (!(state instanceof State.Created)) {
                throw alreadyStarted();
            }
            if (around.isClosing()) {
                throw Fault.unavailable("the daemon is about to end");
            }
            state = new State.Preparing(Thread.currentThread());
            return state;
        });
    }

    private Booted boot(Deadline deadline) throws Exception {
        Preparation preparation = new Preparation(plan, terms, around, timeline, records);
        try (Closer undo = new Closer()) {
            Sandbox sandbox = undo.own(preparation.carryOut(deadline, this::ranOutOfMemory));
            ContainerProcess process = processOf(sandbox.agent());
            process.streams().start(); // its end may follow its start at once, and waits for them
            advance(record().inPhase(ContainerRecord.Phase.PREPARED));
            around.crashPoints().reach(CrashPoint.START_PREPARED);
            undo.release();
            return new Booted(sandbox, process);
        }
    }

    private GuestContainer guest(Sandbox sandbox) {
        return new GuestContainer(sandbox.agent(), id());
    }

    /** In the agent's protocol the container's own process bears the container's id. */
    private ContainerProcess processOf(GuestCalls agent) {
        RuntimeSpec.ContainerProcess own = plan.process().process();
        ProcessStreams streams =
                new ProcessStreams(
                        agent,
                        id(),
                        id(),
                        own != null && own.terminal(),
                        attached,
                        new KeptOutput(),
                        readerPatience(terms),
                        around.crashPoints(),
                        around.clock());
        return new ContainerProcess(agent, id(), id(), streams);
    }

    /** A user who reads slowly is waited for; an owner's client may have died without a word. */
    private static Optional<Duration> readerPatience(Terms terms) {
        return terms.owner().map(_ -> ProcessStreams.READER_PATIENCE);
    }

    /** Where the output of the container's own process goes, whoever is attached. */
    private final class KeptOutput implements ProcessStreams.Sink {
        @Override
        public long offset(OutputLog.Stream stream) {
            return output.offset(stream);
        }

        @Override
        public void accept(OutputLog.Stream stream, long offset, byte[] data) {
            try {
                output.append(stream, around.nowMillis(), offset, data);
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
    }

    /**
     * The process exists: from now on its end, and the machine's, are waited for.
     *
     * @return whether it may; not if the preparation was called off in its last moment
     */
    private boolean isWanted(Booted booted) {
        return locked(() -> {
            if (calledOff || Thread.interrupted()) {
                return false;
            }
            state = new State.Prepared(booted.sandbox(), booted.process(), false);
            return true;
        });
    }

    private void watch(Sandbox sandbox, ContainerProcess process) {
        Thread.ofVirtual().name("wait " + id()).start(() -> awaitEnd(sandbox, process));
        sandbox.onExit(how ->
                Thread.ofVirtual()
                        .name("lost " + id())
                        .start(() -> machineEnded(sandbox, process, how)));
    }

    /** Ends a container whose preparation failed. {@return what to tell about it} */
    private Fault failed(Exception failure) {
        boolean cancelled =
                locked(() -> {
                    state = new State.Failing();
                    return Thread.interrupted() || calledOff; // the clean-up goes on
                });
        Fault why = reasonOf(failure, cancelled);
        finish(new ProcessExit(codeOf(why), false, GuestText.reason(why)), null);
        return why;
    }

    private static int codeOf(Fault why) {
        return switch (why.code()) {
            case NOT_FOUND -> CANNOT_RUN + 2;
            case PERMISSION_DENIED -> CANNOT_RUN + 1;
            default -> CANNOT_RUN;
        };
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
            endedInGuest.set(true);
            awaitStart();
            process.streams().awaitDelivery();
            finish(ProcessExit.ended(code, wasOutOfMemory(sandbox, code)), sandbox);
        } catch (IOException | RuntimeException e) {
            agentLost(sandbox, process, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** A process may end before its start is over, but never before it is in the journal. */
    private void awaitStart() throws InterruptedException {
        boolean notBegun =
                locked(() -> state instanceof State.Prepared prepared && !prepared.begun());
        if (!notBegun) {
            try {
                startIsOver.get();
            } catch (ExecutionException e) {
                throw new IllegalStateException(e);
            }
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
        finish(ProcessExit.lost("the machine was lost: " + sandbox.describe(how)), sandbox);
    }

    private void ranOutOfMemory() {
        outOfMemory.set(true);
        memoryListener.run();
    }

    /** The event may come later than the exit, so a killed process is asked after. */
    private boolean wasOutOfMemory(Sandbox sandbox, int code) {
        if (outOfMemory.get() || code != CrashPoints.KILLED) {
            return outOfMemory.get();
        }
        try {
            Map<String, Long> stats =
                    guest(sandbox)
                            .stats(Deadline.after(QUESTION_PATIENCE))
                            .getCgroupStats()
                            .getMemoryStats()
                            .getStatsMap();
            if (stats.getOrDefault("oom_kill", 0L) > 0 && !outOfMemory.get()) {
                ranOutOfMemory();
            }
        } catch (Fault e) {
            LOG.log(
                    System.Logger.Level.DEBUG,
                    "nobody tells whether memory ran out container={0} reason={1}",
                    id(),
                    e.getMessage());
        }
        return outOfMemory.get();
    }

    /**
     * Calls {@code listener} whenever a process of the container ran out of memory; not for what
     * happened before.
     */
    public void onOutOfMemory(Runnable listener) {
        memoryListener = listener;
    }

    /**
     * Journals the end, tells it, then tears the machine down. Who hears of the end of a container
     * that could write to a disk finds everything written, and the disk free: there the machine
     * goes first. Only the first caller does anything.
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
        boolean writes = !plan.machine().disks().stream().allMatch(Disk::readOnly);
        if (!writes) {
            tell(how);
        } else if (sandbox != null) {
            writeBack(sandbox);
        }
        if (sandbox != null) {
            sandbox.close();
        }
        try {
            try {
                remains.removeMachine();
            } finally {
                if (writes) {
                    tell(how);
                }
            }
            if (terms.remove()) {
                forget();
            }
            tornDown.complete(null);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "clean-up failed container=" + id(), e);
            tornDown.completeExceptionally(e);
        }
    }

    /**
     * A disk outlives the machine, and the guest may still have in memory what belongs on it. It is
     * asked to let go of everything; one that does not answer is not waited for long.
     */
    private void writeBack(Sandbox sandbox) {
        try {
            guest(sandbox).remove(WRITE_BACK_PATIENCE);
        } catch (Fault e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "the guest did not write its disks back container={0} reason={1}",
                    id(),
                    e.getMessage());
        }
    }

    /** From here on everybody knows that it has ended. */
    private void tell(ProcessExit how) {
        endHandled.set(true);
        locked(() -> state = new State.Ended());
        if (terms.remove()) {
            around.released(this); // the name is free as soon as the end is known
        }
        attached.closeAll();
        output.end();
        execs.endAll(how.error());
        exit.complete(how);
    }

    /** Removes the last traces. Done once; can be called again if it did not come to its end. */
    private void forget() {
        remains.removeRecord();
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
            case STARTING -> finishUnstarted();
            case PREPARED -> {
                if (terms.owner().isPresent()) {
                    findAgain(found);
                } else {
                    finishUnstarted(); // who was about to start it has gone
                }
            }
            case RUNNING -> findAgain(found);
            case ENDING -> goOn(found, terms.remove());
            case ENDED -> {
                remains.nothingOfTheMachine();
                goOn(found, terms.remove());
            }
            case REMOVING -> {
                remains.nothingOfTheMachine();
                goOn(found, true);
            }
        }
    }

    private void finishUnstarted() {
        finish(new ProcessExit(CANNOT_RUN, false, "the daemon ended during the start"), null);
    }

    private void goOn(ContainerRecord found, boolean remove) {
        found.execs().forEach(exec -> execs.adoptEnded(exec, found.exit()));
        tell(found.exit().orElse(NEVER_STARTED));
        try {
            remains.removeMachine();
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
                                    found.server(),
                                    around.hypervisor(),
                                    around.clock(),
                                    Deadline.after(QUESTION_PATIENCE)));
            sandbox.watchMemory(this::ranOutOfMemory);
            ContainerProcess process = processOf(sandbox.agent());
            attachAgain(found);
            process.streams().start();
            if (found.phase() == ContainerRecord.Phase.RUNNING) {
                found.execs().forEach(exec -> execs.adopt(sandbox.agent(), exec, this::streamsOf));
                locked(() -> state = new State.Running(sandbox, process));
                startIsOver.complete(null);
            } else {
                startMayBeRepeated.set(true);
                locked(() -> state = new State.Prepared(sandbox, process, false));
            }
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

    private void attachAgain(ContainerRecord found) {
        attached.noteDelivered(found.delivered());
        Reattachment.Streams streams =
                terms.owner()
                        .map(owner -> around.reattachment().streamsOf(owner, "", terms.notes()))
                        .orElse(Reattachment.Streams.NONE);
        attached.attach(
                streams.stdin().orElse(null),
                streams.stdout().orElse(null),
                streams.stderr().orElse(null));
    }

    private Reattachment.Streams streamsOf(ExecRecord exec) {
        return terms.owner()
                .map(owner -> around.reattachment().streamsOf(owner, exec.id(), exec.notes()))
                .orElse(Reattachment.Streams.NONE);
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
        return execs.prepare(unpaused().sandbox().agent(), asked);
    }

    /**
     * Prepares a further process that its owner has named.
     *
     * @param process the process, complete: nothing of the container's is added
     * @param stdin whether standard input stays open for somebody to write to
     * @param notes what the owner wants to find again, see {@link #execs}; not empty
     * @throws Fault ALREADY_EXISTS if there is a process of that name, else as {@link
     *     #exec(ExecRequest)}
     */
    public void exec(
            String execId,
            RuntimeSpec.ContainerProcess process,
            boolean stdin,
            Map<String, String> notes) {
        execs.prepare(unpaused().sandbox().agent(), execId, process, stdin, notes);
    }

    /** {@return the further processes that its owner may still ask for} */
    public List<ExecRecord> execs() {
        return execs.records();
    }

    /**
     * Forgets a further process that has ended, or was never started.
     *
     * @throws Fault NOT_FOUND if there is none, FAILED_PRECONDITION if it runs
     */
    public void forgetExec(String execId) {
        execs.forget(execId);
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
                ContainerRecord next = record.withExecs(execs.records());
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

    /** {@return when its process was started, in milliseconds since the epoch; 0 if never} */
    public long startedAtMillis() {
        return record().startedAtMillis();
    }

    /** {@return when its process ended, in milliseconds since the epoch; 0 if it has not} */
    public long finishedAtMillis() {
        return record().finishedAtMillis();
    }

    /** {@return the same of a further process} */
    public long finishedAtMillis(String execId) {
        return execs.finishedAtMillis(execId);
    }

    /**
     * {@return the process that stands for it on the host: the holder of its network namespace,
     * else its machine; 0 if it has none}
     */
    public int hostPid() {
        return record().hostPid();
    }

    /** How far it has come. */
    public enum Stage {
        /** Nothing of it exists but its description, or it is on its way. */
        DESCRIBED,
        /** Its process exists and waits to be started. */
        PREPARED,
        RUNNING,
        PAUSED,
        ENDED
    }

    /** {@return how far it has come} */
    public Stage stage() {
        return locked(() ->
                switch (state) {
                    case State.Created _, State.Preparing _, State.Failing _ -> Stage.DESCRIBED;
                    case State.Prepared _ -> Stage.PREPARED;
                    case State.Running _ -> record.paused() ? Stage.PAUSED : Stage.RUNNING;
                    case State.Ended _ -> Stage.ENDED;
                });
    }

    // ---- what can be done to all its processes ----

    /**
     * Stops all processes for a while.
     *
     * @throws Fault FAILED_PRECONDITION if the container does not run, or is paused;
     *     RESOURCE_EXHAUSTED if the journal's file system is full, and then the processes go on
     */
    public void pause(Deadline deadline) {
        GuestContainer guest = guest(unpaused().sandbox());
        guest.pause(deadline);
        advanceOr(() -> guest.resume(deadline), record().withPaused(true));
    }

    /**
     * Lets all processes go on.
     *
     * @throws Fault FAILED_PRECONDITION if the container is not paused; RESOURCE_EXHAUSTED if the
     *     journal's file system is full, and then it stays paused
     */
    public void resume(Deadline deadline) {
        GuestContainer guest = guest(running().sandbox());
        if (!record().paused()) {
            throw Fault.failedPrecondition("container %s is not paused", name());
        }
        guest.resume(deadline);
        advanceOr(() -> guest.pause(deadline), record().withPaused(false));
    }

    /** What has been done in the guest and cannot be journaled is undone there. */
    private void advanceOr(Runnable undo, ContainerRecord next) {
        try {
            advance(next);
        } catch (Fault e) {
            try {
                undo.run();
            } catch (Fault second) {
                e.addSuppressed(second);
            }
            throw e;
        }
    }

    private State.Running unpaused() {
        State.Running running = running();
        if (record().paused()) {
            throw Fault.failedPrecondition("container %s is paused", name())
                    .withHint("resume it first");
        }
        return running;
    }

    /**
     * Changes the container's limits, as far as its machine is large enough. Rules about devices
     * stay as they are: what is asked for has the host's numbers.
     *
     * @throws Fault FAILED_PRECONDITION if it does not run; OUT_OF_RANGE if a limit is beyond what
     *     the machine has
     */
    public void update(RuntimeSpec.Resources resources, Deadline deadline) {
        refuseMoreThanTheMachineHas(resources);
        guest(sandbox()).update(resources.withDevices(List.of()), deadline);
    }

    private void refuseMoreThanTheMachineHas(RuntimeSpec.Resources resources) {
        RuntimeSpec.Memory memory = resources.memory();
        long machineBytes = plan.machine().memory().size().bytes();
        if (memory != null && memory.limit() != null && memory.limit() > machineBytes) {
            throw beyond("%s of memory".formatted(ByteSize.ofBytes(memory.limit())));
        }
        RuntimeSpec.Cpu cpu = resources.cpu();
        if (cpu != null && cpu.quota() != null && cpu.period() != null && cpu.period() > 0) {
            double processors = (double) cpu.quota() / cpu.period();
            if (processors > plan.sizing().vcpus()) {
                throw beyond("%.2f processors".formatted(processors));
            }
        }
    }

    private Fault beyond(String what) {
        return Fault.of(
                        FaultCode.OUT_OF_RANGE,
                        "container %s cannot have %s: its machine has %d processors and %d MiB",
                        name(),
                        what,
                        plan.sizing().vcpus(),
                        plan.sizing().memoryMib())
                .withHint("make the container anew with the larger limit");
    }

    /**
     * {@return what it uses, as the guest counts it}
     *
     * @throws Fault FAILED_PRECONDITION if it has no machine
     */
    public StatsContainerResponse stats(Deadline deadline) {
        return guest(sandbox()).stats(deadline);
    }

    /**
     * Changes what it may read and write of the host's files and of its disks, and tells what that
     * is.
     *
     * @param changes values by the names of limits; none: it is only told
     * @return limits and counters, by name
     * @throws Fault FAILED_PRECONDITION if it does not run or has neither a file server that knows
     *     limits nor a disk that has some, INVALID_ARGUMENT if a change makes no sense; nothing is
     *     changed then
     */
    public Map<String, String> limits(Map<String, String> changes, Deadline deadline) {
        Optional<DiskControl> disks = sandbox().diskControl();
        Optional<ServerControl> files = FileServer.control(plan);
        if (files.isEmpty() && disks.isEmpty()) {
            throw Fault.failedPrecondition(
                            "container %s has nothing to limit: it shares no folder or file of the"
                                    + " host through bunkai-virtiofsd, and has no disk to write to",
                            name())
                    .withHint("share one: bunkai run -v HOST:GUEST");
        }
        if (!changes.isEmpty()) {
            refuseWhatNobodyKnows(changes, files.isPresent());
            Optional<DiskLimits> ofDisks = disks.map(control -> control.with(changes, deadline));
            files.ifPresent(control -> control.set(changes, deadline));
            disks.ifPresent(control -> control.set(ofDisks.orElseThrow(), deadline));
        }
        Map<String, String> figures = new LinkedHashMap<>();
        files.ifPresent(control -> figures.putAll(control.figures(deadline)));
        disks.ifPresent(control -> figures.putAll(control.figures(deadline)));
        return figures;
    }

    private static void refuseWhatNobodyKnows(Map<String, String> changes, boolean hasServer) {
        for (String name : changes.keySet()) {
            if (!hasServer && !DiskControl.NAMES.contains(name)) {
                throw Fault.invalidArgument("disks have no limit '%s'", GuestText.printable(name));
            }
        }
    }

    /** {@return its file server, as one that has a part of what several have; empty without one} */
    Optional<Budgets.Member> budgetMember() {
        ContainerRecord now = record();
        boolean serves =
                now.server().isPresent()
                        && switch (now.phase()) {
                            case STARTING, PREPARED, RUNNING -> true;
                            case CREATED, ENDING, ENDED, REMOVING -> false;
                        };
        return (serves ? FileServer.control(plan) : Optional.<ServerControl>empty())
                .map(control ->
                        new Budgets.Member(
                                plan.id(),
                                terms.namespace(),
                                plan.host()
                                        .sharing()
                                        .flatMap(Plan.Sharing::weight)
                                        .orElse(BudgetConfiguration.USUAL_WEIGHT),
                                control));
    }

    /**
     * Signals all processes. SIGKILL ends the container in any case, as with {@link #signal}.
     *
     * @throws Fault FAILED_PRECONDITION if it has no machine, NOT_FOUND if nothing of it runs
     */
    public void signalAll(int signal) {
        refuseNoSignal(signal);
        Sandbox sandbox = sandbox();
        if (signal == Signals.SIGKILL) {
            endEvenIfTheGuestDoesNot(sandbox);
        }
        guest(sandbox).signalAll(signal, Deadline.after(QUESTION_PATIENCE));
    }

    private Sandbox sandbox() {
        return locked(() ->
                switch (state) {
                    case State.Prepared prepared -> prepared.sandbox();
                    case State.Running running -> running.sandbox();
                    case State.Created _, State.Preparing _, State.Failing _, State.Ended _ ->
                            throw doesNotRun();
                });
    }

    // ---- what can be done to one process ----

    /**
     * Sends a signal. SIGKILL ends the container's own process in any case: a guest that does not
     * end it within ten seconds ends with it.
     *
     * @throws Fault FAILED_PRECONDITION if the container does not run, NOT_FOUND if there is no
     *     such process or it has ended, INVALID_ARGUMENT if there is no such signal
     */
    public void signal(String execId, int signal) {
        refuseNoSignal(signal);
        ContainerProcess process = target(execId);
        if (signal == Signals.SIGKILL && execId.isEmpty()) {
            endEvenIfTheGuestDoesNot(sandbox());
        }
        around.crashPoints().reach(CrashPoint.KILL_REQUESTED);
        process.signal(signal);
        around.crashPoints().reach(CrashPoint.KILL_DELIVERED);
    }

    private void endEvenIfTheGuestDoesNot(Sandbox sandbox) {
        if (!killed.getAndSet(true)) {
            Thread.ofVirtual().name("killed " + id()).start(() -> awaitKilled(sandbox));
        }
    }

    private void awaitKilled(Sandbox sandbox) {
        try {
            // Once the guest has ended it, only its output is awaited, and by whoever reads that.
            if (!endsWithin(QUESTION_PATIENCE) && !endedInGuest.get() && !around.isClosing()) {
                String why = "the guest did not end a process that was killed";
                finish(new ProcessExit(CrashPoints.KILLED, false, why), sandbox);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void refuseNoSignal(int signal) {
        if (signal < 1 || signal > LARGEST_SIGNAL) {
            throw Fault.invalidArgument("there is no signal %s", Integer.toUnsignedString(signal));
        }
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
        if (!execId.isEmpty()) {
            running();
            return execs.process(execId);
        }
        return locked(() -> {
            if (state instanceof State.Prepared prepared) {
                return prepared.process();
            }
            return running().process();
        });
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
        switch (now) {
            case State.Created _ -> {
                return;
            }
            case State.Prepared prepared -> killMachine(prepared.sandbox());
            case State.Running running -> killMachine(running.sandbox());
            case State.Preparing _, State.Failing _, State.Ended _ -> {}
        }
        awaitTornDown();
    }

    /** On a thread of its own: what has begun goes on if this one is interrupted. */
    private void killMachine(Sandbox sandbox) {
        Thread.ofVirtual()
                .name("kill " + id())
                .start(() -> finish(new ProcessExit(CrashPoints.KILLED, false, ""), sandbox));
    }

    private State callOff() {
        return locked(() -> {
            if (state instanceof State.Preparing(Thread preparer)) {
                calledOff = true;
                preparer.interrupt();
            }
            return state;
        });
    }

    /** What could not be cleaned up before is tried again by whoever needs it. */
    private void awaitTornDown() throws InterruptedException {
        try {
            tornDown.get();
        } catch (ExecutionException e) {
            remains.removeMachine();
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
            remains.nothingOfTheMachine();
            tornDown.complete(null);
        } else {
            kill();
        }
        forget();
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
                case State.Preparing _, State.Failing _, State.Ended _ ->
                        tornDown.get(LET_GO_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
                case State.Prepared prepared -> letGo(prepared.sandbox(), prepared.process());
                case State.Running(Sandbox sandbox, ContainerProcess process) ->
                        letGo(sandbox, process);
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

    private void letGo(Sandbox sandbox, ContainerProcess process) throws InterruptedException {
        sandbox.close();
        process.streams().letGo(Deadline.after(REST_PATIENCE));
        execs.letGo(Deadline.after(REST_PATIENCE));
        ContainerRecord last = record();
        switch (last.phase()) {
            case PREPARED, RUNNING ->
                    advanceIfPossible(
                            last.withDelivered(attached.delivered()).withExecs(execs.records()));
            case CREATED, STARTING, ENDING, ENDED, REMOVING -> {}
        }
    }

    // ---- state ----

    private State.Running running() {
        return locked(() -> {
            if (state instanceof State.Running running) {
                return running;
            }
            throw doesNotRun();
        });
    }

    private Fault doesNotRun() {
        return Fault.failedPrecondition("container %s does not run", name());
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
