// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.api.AgentMethods;
import io.bunkai.api.agent.ExecProcessRequest;
import io.bunkai.api.agent.Process;
import io.bunkai.api.agent.StringUser;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.Signals;
import io.bunkai.oci.RuntimeSpec;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
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

    private final String container;
    private final Plan plan;
    private final Surroundings around;
    private final Optional<Duration> readerPatience;
    private final Runnable changed;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, Exec> known = new LinkedHashMap<>(); // guarded by lock
    private boolean over; // guarded by lock: the container has ended

    private enum Stage {
        PREPARED,
        STARTED,
        ENDED
    }

    /**
     * What a process is to be.
     *
     * @param process as the agent gets it
     * @param user to be looked up by the guest; empty for the one that the process names
     * @param stdin whether standard input stays open for somebody to write to
     */
    private record Wanted(Process process, Optional<StringUser> user, boolean stdin) {}

    /** One process. */
    private static final class Exec {
        private final String id;
        private final Optional<Wanted> wanted; // none of a former daemon's
        private final GuestCalls guest;
        private final AttachedStreams attached;
        private final ContainerProcess process;
        private Stage stage; // guarded by the lock
        private boolean unwanted; // guarded by the lock: to be killed as soon as it exists

        Exec(
                String id,
                Optional<Wanted> wanted,
                GuestCalls guest,
                AttachedStreams attached,
                ContainerProcess process,
                Stage stage) {
            this.id = id;
            this.wanted = wanted;
            this.guest = guest;
            this.attached = attached;
            this.process = process;
            this.stage = stage;
        }

        ProcessStreams streams() {
            return process.streams();
        }
    }

    /**
     * Keeps the processes of one container.
     *
     * @param readerPatience see {@link ProcessStreams}
     * @param changed called when {@link #running} answers differently, with nothing held
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

    /** {@return the ids of those that run, or are about to} */
    List<String> running() {
        lock.lock();
        try {
            return known.values().stream()
                    .filter(exec -> exec.stage == Stage.STARTED)
                    .map(exec -> exec.id)
                    .toList();
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
                        request.stdin()));
        return id;
    }

    /**
     * Prepares a process that its owner has described and named.
     *
     * @throws Fault ALREADY_EXISTS if there is one of that name, else as {@link
     *     #prepare(GuestCalls, ExecRequest)}
     */
    void prepare(GuestCalls guest, String id, RuntimeSpec.ContainerProcess process, boolean stdin) {
        RequestCheck.check(process);
        prepare(guest, id, new Wanted(AgentSpec.process(process), Optional.empty(), stdin));
    }

    private void prepare(GuestCalls guest, String id, Wanted wanted) {
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
            add(made(guest, id, Optional.of(wanted), Stage.PREPARED));
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
            if (exec.stage == Stage.STARTED) {
                throw Fault.failedPrecondition(
                        "process %s of container %s runs", GuestText.printable(id), plan.name());
            }
            exec.stage = Stage.ENDED;
            known.remove(id, exec);
        } finally {
            lock.unlock();
        }
        exec.streams().abandon();
    }

    private void add(Exec exec) {
        if (over) {
            throw Fault.failedPrecondition("container %s does not run", plan.name());
        }
        known.put(exec.id, exec);
    }

    /** Of one that is not known to have no standard error, it is read; its end is told at once. */
    private Exec made(GuestCalls guest, String id, Optional<Wanted> wanted, Stage stage) {
        boolean terminal = wanted.filter(asked -> asked.process().getTerminal()).isPresent();
        AttachedStreams attached = new AttachedStreams();
        ProcessStreams streams =
                new ProcessStreams(
                        guest,
                        container,
                        id,
                        terminal,
                        attached,
                        ProcessStreams.Sink.NOWHERE,
                        readerPatience,
                        around.crashPoints(),
                        around.clock());
        return new Exec(
                id,
                wanted,
                guest,
                attached,
                new ContainerProcess(guest, container, id, streams),
                stage);
    }

    /** Goes on with a process of a former daemon: it must not block on its output. */
    void adopt(GuestCalls guest, String id) {
        Exec exec = made(guest, id, Optional.empty(), Stage.STARTED);
        lock.lock();
        try {
            add(exec);
        } finally {
            lock.unlock();
        }
        exec.streams().start();
        awaitEndOf(exec);
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
            exec.guest.call(AgentMethods.EXEC_PROCESS, message(id, wanted), deadline);
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
        exec.streams().start();
        awaitEndOf(exec);
        if (isUnwanted(exec)) {
            kill(exec);
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
            exec.stage = Stage.STARTED;
            return exec.wanted.get();
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
            exec.stage = Stage.ENDED;
            forgetOld();
        } finally {
            lock.unlock();
        }
        exec.process.exit().complete(how);
        try {
            changed.run();
        } catch (Fault e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "the end of a process was not journaled id={0} reason={1}",
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
            left.forEach(exec -> exec.stage = Stage.ENDED);
        } finally {
            lock.unlock();
        }
        for (Exec exec : left) {
            exec.streams().abandon();
            exec.process.exit().complete(new ProcessExit(CrashPoints.KILLED, false, error));
        }
    }

    /** Ends what is attached: this daemon lets go. */
    void letGo() {
        List<Exec> left;
        lock.lock();
        try {
            left = List.copyOf(known.values());
        } finally {
            lock.unlock();
        }
        left.forEach(exec -> exec.streams().abandon());
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
            case STARTED -> kill(exec); // if it does not exist yet, start() does it again
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
