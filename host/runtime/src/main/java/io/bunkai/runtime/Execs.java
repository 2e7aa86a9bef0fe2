// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import com.google.protobuf.MessageLite;
import io.bunkai.api.AgentMethods;
import io.bunkai.api.agent.ExecProcessRequest;
import io.bunkai.api.agent.Process;
import io.bunkai.api.agent.StringUser;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Signals;
import io.bunkai.oci.RuntimeSpec;
import io.bunkai.runtime.ExecRecord.Stage;
import io.bunkai.ttrpc.Method;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The further processes of a container: prepared, started once, ended. The last few that have ended
 * are kept for those who ask for their exit when it is past.
 *
 * <p>Each has a virtual thread that waits for its end. The lock guards who is there and how far
 * each has come; nothing slow happens under it.
 */
final class Execs {
    private static final System.Logger LOG = System.getLogger(Execs.class.getName());
    private static final int REMEMBERED = 64;

    /** Each has three calls waiting at the agent, which takes a thousand. */
    private static final int MOST_LIVING = 256;

    private static final int CANNOT_RUN = 126;
    private static final int NOT_THERE = 127;
    private static final int FAILED = 125;

    /** Of a machine that is no more. */
    private static final GuestCalls GONE =
            new GuestCalls() {
                @Override
                public <Q extends MessageLite, R extends MessageLite> R call(
                        Method<Q, R> method, Q request, Deadline deadline) throws IOException {
                    throw new IOException("the machine is gone");
                }

                @Override
                public boolean offers(String feature) throws IOException {
                    throw new IOException("the machine is gone");
                }

                @Override
                public void giveUp(String violation) {}
            };

    private final String container;
    private final Plan plan;
    private final Surroundings around;
    private final Optional<Duration> readerPatience;
    private final Runnable changed;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, Exec> known = new LinkedHashMap<>(); // guarded by lock
    private boolean over; // guarded by lock: the container has ended

    /**
     * What a process is to be.
     *
     * @param process as the agent gets it
     * @param user to be looked up by the guest; empty for the one that the process names
     * @param stdin whether standard input stays open for somebody to write to
     * @param described by its owner; empty for one of this daemon's own users
     * @param notes of its owner
     */
    private record Wanted(
            Process process,
            Optional<StringUser> user,
            boolean stdin,
            Optional<RuntimeSpec.ContainerProcess> described,
            Map<String, String> notes) {}

    /** One process. */
    private static final class Exec {
        private final String id;
        private final Optional<Wanted> wanted; // none of a former daemon's that runs
        private final ExecRecord described; // what does not change of its record
        private final GuestCalls guest;
        private final AttachedStreams attached;
        private final ContainerProcess process;
        private Stage stage; // guarded by the lock
        private boolean uncertain; // guarded by the lock: a former daemon may have started it
        private boolean unwanted; // guarded by the lock: to be killed as soon as it exists
        private long finishedAtMillis; // guarded by the lock

        Exec(
                ExecRecord described,
                Optional<Wanted> wanted,
                GuestCalls guest,
                AttachedStreams attached,
                ContainerProcess process) {
            this.id = described.id();
            this.wanted = wanted;
            this.described = described;
            this.guest = guest;
            this.attached = attached;
            this.process = process;
            this.stage = described.stage();
            this.finishedAtMillis = described.finishedAtMillis();
        }

        boolean isOwned() {
            return !described.notes().isEmpty();
        }

        /** An owner asks for its processes whatever has become of them; a user has to be there. */
        boolean isJournaled() {
            return isOwned() || stage == Stage.STARTING || stage == Stage.STARTED;
        }

        ExecRecord record() {
            boolean startable = stage == Stage.PREPARED || stage == Stage.STARTING;
            return new ExecRecord(
                    id,
                    stage,
                    startable ? described.process() : Optional.empty(),
                    described.stdin(),
                    described.terminal(),
                    described.notes(),
                    attached.delivered(),
                    Optional.ofNullable(process.exit().getNow(null)),
                    finishedAtMillis);
        }

        ProcessStreams streams() {
            return process.streams();
        }
    }

    /**
     * Keeps the processes of one container.
     *
     * @param readerPatience see {@link ProcessStreams}
     * @param changed called when {@link #records} answers differently, with nothing held
     */
    Execs(
            String container,
            Plan plan,
            Surroundings around,
            Optional<Duration> readerPatience,
            Runnable changed) {
        this.container = container;
        this.plan = plan;
        this.around = around;
        this.readerPatience = readerPatience;
        this.changed = changed;
    }

    /** {@return what the journal is to hold of them} */
    List<ExecRecord> records() {
        lock.lock();
        try {
            return known.values().stream().filter(Exec::isJournaled).map(Exec::record).toList();
        } finally {
            lock.unlock();
        }
    }

    /**
     * {@return the id of a new process that can be started}
     *
     * @throws Fault INVALID_ARGUMENT if the request makes no sense, RESOURCE_EXHAUSTED if there are
     *     too many, FAILED_PRECONDITION if the container has ended
     */
    String prepare(GuestCalls guest, ExecRequest request) {
        RequestCheck.check(request);
        // Never an id that this container has had before, also under a former daemon.
        String id = "exec-" + ContainerNames.newId();
        prepare(
                guest,
                id,
                new Wanted(
                        AgentSpec.exec(request, plan.process()),
                        AgentSpec.user(request.user().isEmpty() ? plan.user() : request.user()),
                        request.stdin(),
                        Optional.empty(),
                        Map.of()));
        return id;
    }

    /**
     * Prepares a process that its owner has described and named.
     *
     * @param notes what the owner wants to find again; not empty
     * @throws Fault ALREADY_EXISTS if there is one of that name, RESOURCE_EXHAUSTED also if the
     *     journal cannot be written, else as {@link #prepare(GuestCalls, ExecRequest)}
     */
    void prepare(
            GuestCalls guest,
            String id,
            RuntimeSpec.ContainerProcess process,
            boolean stdin,
            Map<String, String> notes) {
        RequestCheck.check(process);
        Exec exec = prepare(guest, id, described(process, stdin, notes));
        try {
            changed.run();
        } catch (Fault e) {
            lock.lock();
            try {
                known.remove(id, exec);
            } finally {
                lock.unlock();
            }
            throw e;
        }
    }

    private static Wanted described(
            RuntimeSpec.ContainerProcess process, boolean stdin, Map<String, String> notes) {
        return new Wanted(
                AgentSpec.process(process), Optional.empty(), stdin, Optional.of(process), notes);
    }

    private Exec prepare(GuestCalls guest, String id, Wanted wanted) {
        lock.lock();
        try {
            if (known.containsKey(id)) {
                throw Fault.alreadyExists(
                        "container %s has a process %s", plan.name(), GuestText.printable(id));
            }
            long living = known.values().stream().filter(exec -> exec.stage != Stage.ENDED).count();
            if (living >= MOST_LIVING) {
                throw Fault.resourceExhausted(
                        "container %s has %d further processes, and no more are allowed",
                        plan.name(), living);
            }
            ExecRecord record =
                    new ExecRecord(
                            id,
                            Stage.PREPARED,
                            wanted.described(),
                            wanted.stdin(),
                            wanted.process().getTerminal(),
                            wanted.notes(),
                            Map.of(),
                            Optional.empty(),
                            0);
            Exec exec = made(guest, record, Optional.of(wanted));
            add(exec);
            return exec;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Forgets a process that does not run.
     *
     * @throws Fault NOT_FOUND if there is none, FAILED_PRECONDITION if it runs
     */
    void forget(String id) {
        Exec exec = get(id);
        lock.lock();
        try {
            if (exec.stage == Stage.STARTING || exec.stage == Stage.STARTED) {
                throw Fault.failedPrecondition(
                        "process %s of container %s runs", GuestText.printable(id), plan.name());
            }
            exec.stage = Stage.ENDED;
            known.remove(id, exec);
        } finally {
            lock.unlock();
        }
        exec.streams().abandon();
        journalIfPossible(exec);
    }

    private void add(Exec exec) {
        if (over) {
            throw Fault.failedPrecondition("container %s does not run", plan.name());
        }
        known.put(exec.id, exec);
    }

    /** Of one that is not known to have no standard error, it is read; its end is told at once. */
    private Exec made(GuestCalls guest, ExecRecord record, Optional<Wanted> wanted) {
        AttachedStreams attached = new AttachedStreams();
        attached.noteDelivered(record.delivered());
        ProcessStreams streams =
                new ProcessStreams(
                        guest,
                        container,
                        record.id(),
                        record.terminal(),
                        attached,
                        ProcessStreams.Sink.NOWHERE,
                        readerPatience,
                        around.crashPoints(),
                        around.clock());
        ContainerProcess process = new ContainerProcess(guest, container, record.id(), streams);
        record.exit().ifPresent(process.exit()::complete);
        return new Exec(record, wanted, guest, attached, process);
    }

    /**
     * Goes on with a process of a former daemon. One that runs is read from at once, since it must
     * not block on its output.
     *
     * @param streams finds what was attached to it
     */
    void adopt(
            GuestCalls guest,
            ExecRecord record,
            Function<ExecRecord, Reattachment.Streams> streams) {
        Optional<Wanted> wanted =
                record.process().map(process -> described(process, record.stdin(), record.notes()));
        Exec exec = made(guest, record, wanted);
        boolean starting = record.stage() == Stage.STARTING;
        if (starting && wanted.isPresent()) {
            exec.uncertain = true;
            exec.stage = Stage.PREPARED; // its owner asks again, or gives it up
        }
        lock.lock();
        try {
            add(exec);
        } finally {
            lock.unlock();
        }
        if (record.stage() == Stage.STARTED || (starting && wanted.isEmpty())) {
            Reattachment.Streams found = streams.apply(record);
            exec.attached.attach(
                    found.stdin().orElse(null),
                    found.stdout().orElse(null),
                    found.stderr().orElse(null));
            exec.streams().start();
            awaitEndOf(exec);
        }
    }

    /** Remembers a process of a former daemon that went down with its container, or before. */
    void adoptEnded(ExecRecord record, Optional<ProcessExit> container) {
        ProcessExit exit =
                record.exit()
                        .orElse(
                                new ProcessExit(
                                        CrashPoints.KILLED,
                                        false,
                                        container.map(ProcessExit::error).orElse("")));
        ExecRecord ended =
                new ExecRecord(
                        record.id(),
                        Stage.ENDED,
                        Optional.empty(),
                        record.stdin(),
                        record.terminal(),
                        record.notes(),
                        record.delivered(),
                        Optional.of(exit),
                        record.finishedAtMillis());
        lock.lock();
        try {
            add(made(GONE, ended, Optional.empty()));
        } finally {
            lock.unlock();
        }
    }

    /**
     * Starts a process.
     *
     * @throws Fault NOT_FOUND if there is none, or its program does not exist; PERMISSION_DENIED if
     *     the program cannot be run; FAILED_PRECONDITION if it was started before
     */
    void start(String id, Deadline deadline) {
        Exec exec = get(id);
        Wanted wanted = begin(exec);
        try {
            changed.run();
            around.crashPoints().reach(CrashPoint.EXEC_JOURNALED);
            if (!isThere(exec)) {
                make(exec, wanted, deadline);
            }
            around.crashPoints().reach(CrashPoint.EXEC_STARTED);
        } catch (IOException e) {
            throw failed(
                    exec, Fault.unavailable("the guest of %s was lost", plan.name()).causedBy(e));
        } catch (Fault e) {
            throw failed(exec, e);
        }
        if (!wanted.stdin()) {
            closeInput(exec, deadline);
        }
        started(exec);
        journalIfPossible(exec);
        exec.streams().start();
        awaitEndOf(exec);
        if (isUnwanted(exec)) {
            kill(exec);
        }
    }

    private void make(Exec exec, Wanted wanted, Deadline deadline) throws IOException {
        try {
            exec.guest.call(AgentMethods.EXEC_PROCESS, message(exec.id, wanted), deadline);
        } catch (Fault e) {
            if (e.code() != FaultCode.ALREADY_EXISTS || !isUncertain(exec)) {
                throw e;
            }
        }
    }

    private Wanted begin(Exec exec) {
        lock.lock();
        try {
            if (over) {
                throw Fault.failedPrecondition("container %s does not run", plan.name());
            }
            if (exec.stage != Stage.PREPARED || exec.wanted.isEmpty()) {
                throw Fault.failedPrecondition("process %s was already started", exec.id);
            }
            exec.stage = Stage.STARTING;
            return exec.wanted.get();
        } finally {
            lock.unlock();
        }
    }

    private void started(Exec exec) {
        lock.lock();
        try {
            if (exec.stage == Stage.STARTING) {
                exec.stage = Stage.STARTED;
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * {@return whether a former daemon has started it already} An agent that cannot be asked
     * without a deed refuses a second process of the same name.
     */
    private boolean isThere(Exec exec) throws IOException {
        return isUncertain(exec) && exec.streams().isKnownToTheGuest();
    }

    private boolean isUncertain(Exec exec) {
        lock.lock();
        try {
            return exec.uncertain;
        } finally {
            lock.unlock();
        }
    }

    private ExecProcessRequest message(String id, Wanted wanted) {
        ExecProcessRequest.Builder message =
                ExecProcessRequest.newBuilder()
                        .setContainerId(container)
                        .setExecId(id)
                        .setProcess(wanted.process());
        wanted.user().ifPresent(message::setStringUser);
        return message.build();
    }

    /** A process that is quick has ended by now, and then nobody minds. */
    private static void closeInput(Exec exec, Deadline deadline) {
        try {
            exec.streams().closeInput(deadline);
        } catch (IOException | Fault e) {
            LOG.log(
                    System.Logger.Level.DEBUG,
                    "input was not closed id={0} reason={1}",
                    exec.id,
                    e.getMessage());
        }
    }

    private Fault failed(Exec exec, Fault why) {
        int code =
                switch (why.code()) {
                    case NOT_FOUND -> NOT_THERE;
                    case PERMISSION_DENIED -> CANNOT_RUN;
                    default -> FAILED;
                };
        end(exec, new ProcessExit(code, false, GuestText.reason(why)));
        switch (why.code()) {
            // Nobody knows whether it runs; nobody would know of it if it did.
            case DEADLINE_EXCEEDED, CANCELLED ->
                    Thread.ofVirtual()
                            .name("kill " + container + "/" + exec.id)
                            .start(() -> kill(exec));
            default -> {}
        }
        return why;
    }

    private void awaitEndOf(Exec exec) {
        Thread.ofVirtual().name("wait " + container + "/" + exec.id).start(() -> awaitEnd(exec));
    }

    private void awaitEnd(Exec exec) {
        try {
            int code = exec.process.awaitEnd();
            exec.streams().awaitDelivery();
            around.crashPoints().reach(CrashPoint.EXEC_ENDED);
            end(exec, ProcessExit.ended(code, false));
        } catch (IOException | Fault e) {
            if (!around.isClosing()) {
                end(exec, ProcessExit.lost("the process was lost: " + GuestText.reason(e)));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Only the first end of a process counts. */
    private void end(Exec exec, ProcessExit how) {
        exec.streams().abandon();
        lock.lock();
        try {
            exec.finishedAtMillis =
                    exec.finishedAtMillis == 0 ? around.nowMillis() : exec.finishedAtMillis;
            exec.stage = Stage.ENDED;
            forgetOld();
        } finally {
            lock.unlock();
        }
        exec.process.exit().complete(how);
        journalIfPossible(exec);
    }

    /** The deed is done: a journal that is full keeps it from a later daemon alone. */
    private void journalIfPossible(Exec exec) {
        try {
            changed.run();
        } catch (Fault e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "what became of a process was not journaled id={0} reason={1}",
                    exec.id,
                    e.getMessage());
        }
    }

    private void forgetOld() {
        List<String> ended =
                known.values().stream()
                        .filter(exec -> exec.stage == Stage.ENDED)
                        .map(exec -> exec.id)
                        .toList();
        for (int i = 0; i < ended.size() - REMEMBERED; i++) {
            known.remove(ended.get(i));
        }
    }

    /** {@return how each of them ended that has and is remembered, by id} */
    Map<String, ProcessExit> exits() {
        Map<String, ProcessExit> exits = new LinkedHashMap<>();
        lock.lock();
        try {
            for (Exec exec : known.values()) {
                ProcessExit exit = exec.process.exit().getNow(null);
                if (exit != null) {
                    exits.put(exec.id, exit);
                }
            }
        } finally {
            lock.unlock();
        }
        return exits;
    }

    /** The container has ended, and with it all of them. */
    void endAll(String error) {
        List<Exec> left;
        lock.lock();
        try {
            over = true;
            left = List.copyOf(known.values());
            long now = around.nowMillis();
            for (Exec exec : left) {
                exec.finishedAtMillis = exec.finishedAtMillis == 0 ? now : exec.finishedAtMillis;
                exec.stage = Stage.ENDED;
            }
        } finally {
            lock.unlock();
        }
        for (Exec exec : left) {
            exec.streams().abandon();
            exec.process.exit().complete(new ProcessExit(CrashPoints.KILLED, false, error));
        }
    }

    /** Ends what is attached: this daemon lets go. What is being delivered has a moment. */
    void letGo(Deadline deadline) throws InterruptedException {
        List<Exec> left;
        lock.lock();
        try {
            left = List.copyOf(known.values());
        } finally {
            lock.unlock();
        }
        for (Exec exec : left) {
            exec.streams().letGo(deadline);
        }
    }

    /** {@return when a process ended, since the epoch; 0 if it has not, or is not known} */
    long finishedAtMillis(String id) {
        lock.lock();
        try {
            Exec exec = known.get(id);
            return exec == null ? 0 : exec.finishedAtMillis;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Ends a process in whatever stage it is: nobody wants it any more.
     *
     * @throws Fault NOT_FOUND if there is none
     */
    void giveUp(String id) {
        Exec exec = get(id);
        Stage found;
        lock.lock();
        try {
            found = exec.stage;
            exec.unwanted = true;
            if (found == Stage.PREPARED) {
                exec.stage = Stage.ENDED; // from here on it cannot be started
            }
        } finally {
            lock.unlock();
        }
        switch (found) {
            case PREPARED -> end(exec, new ProcessExit(CrashPoints.KILLED, false, ""));
            case STARTING, STARTED -> kill(exec); // if it does not exist yet, start() does it again
            case ENDED -> {}
        }
    }

    private boolean isUnwanted(Exec exec) {
        lock.lock();
        try {
            return exec.unwanted;
        } finally {
            lock.unlock();
        }
    }

    private static void kill(Exec exec) {
        try {
            exec.process.signal(Signals.SIGKILL);
        } catch (Fault e) {
            LOG.log(
                    System.Logger.Level.DEBUG,
                    "process was not killed id={0} reason={1}",
                    exec.id,
                    e.getMessage());
        }
    }

    /**
     * Connects streams to a process that has not been started yet.
     *
     * @throws Fault NOT_FOUND if there is none; FAILED_PRECONDITION if it was started before, or
     *     somebody is connected already
     */
    void attach(
            String id,
            @Nullable InputStream stdin,
            @Nullable OutputStream stdout,
            @Nullable OutputStream stderr) {
        Exec exec = get(id);
        lock.lock();
        try {
            if (exec.stage != Stage.PREPARED) {
                throw Fault.failedPrecondition("process %s was already started", id);
            }
            exec.attached.attach(stdin, stdout, stderr);
        } finally {
            lock.unlock();
        }
    }

    /**
     * {@return a process}
     *
     * @throws Fault NOT_FOUND if there is none
     */
    ContainerProcess process(String id) {
        return get(id).process;
    }

    private Exec get(String id) {
        lock.lock();
        try {
            Exec exec = known.get(id);
            if (exec == null) {
                throw Fault.notFound(
                        "container %s has no process %s", plan.name(), GuestText.printable(id));
            }
            return exec;
        } finally {
            lock.unlock();
        }
    }
}
