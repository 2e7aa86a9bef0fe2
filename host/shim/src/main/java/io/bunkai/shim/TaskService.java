// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import com.google.protobuf.Empty;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Timestamp;
import io.bunkai.api.TaskMethods;
import io.bunkai.api.TypeUrls;
import io.bunkai.api.containerd.CheckpointTaskRequest;
import io.bunkai.api.containerd.CloseIORequest;
import io.bunkai.api.containerd.ConnectRequest;
import io.bunkai.api.containerd.ConnectResponse;
import io.bunkai.api.containerd.CreateTaskRequest;
import io.bunkai.api.containerd.CreateTaskResponse;
import io.bunkai.api.containerd.DeleteRequest;
import io.bunkai.api.containerd.DeleteResponse;
import io.bunkai.api.containerd.ExecProcessRequest;
import io.bunkai.api.containerd.KillRequest;
import io.bunkai.api.containerd.PauseRequest;
import io.bunkai.api.containerd.PidsRequest;
import io.bunkai.api.containerd.PidsResponse;
import io.bunkai.api.containerd.ProcessDetails;
import io.bunkai.api.containerd.ProcessInfo;
import io.bunkai.api.containerd.ResizePtyRequest;
import io.bunkai.api.containerd.ResumeRequest;
import io.bunkai.api.containerd.ShutdownRequest;
import io.bunkai.api.containerd.StartRequest;
import io.bunkai.api.containerd.StartResponse;
import io.bunkai.api.containerd.StateRequest;
import io.bunkai.api.containerd.StateResponse;
import io.bunkai.api.containerd.StatsRequest;
import io.bunkai.api.containerd.StatsResponse;
import io.bunkai.api.containerd.Status;
import io.bunkai.api.containerd.UpdateTaskRequest;
import io.bunkai.api.containerd.WaitRequest;
import io.bunkai.api.containerd.WaitResponse;
import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Terminal;
import io.bunkai.runtime.BundleRequest;
import io.bunkai.runtime.Container;
import io.bunkai.runtime.Containers;
import io.bunkai.ttrpc.Call;
import io.bunkai.ttrpc.TtrpcServer;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * containerd's task service for one owner, versions 2 and 3, which differ in their name alone. It
 * translates and publishes; the runtime decides.
 *
 * <p>A process's number is the one that stands for the container on the host, for further processes
 * too: those of a guest have no number here.
 *
 * @spec https://github.com/containerd/containerd/blob/main/core/runtime/v2/README.md Runtime v2
 */
final class TaskService {
    /** How long containerd's end of a FIFO, or a logging program, may take to be there. */
    private static final Duration STREAM_PATIENCE = Duration.ofSeconds(10);

    /** What is asked of a guest that runs. */
    private static final Duration QUESTION = Duration.ofSeconds(30);

    /** Each process has a Wait for as long as it lives, and each task a connection. */
    private static final int MOST_CALLS = 1024;

    private static final System.Logger LOG = System.getLogger(TaskService.class.getName());

    private final TaskOwner owner;
    private final OwnerTasks tasks;
    private final Containers containers;
    private final TaskReattachment streams;
    private final TaskMetrics.Form metrics;
    private final Duration startPatience;

    TaskService(
            TaskOwner owner,
            OwnerTasks tasks,
            Containers containers,
            TaskReattachment streams,
            TaskMetrics.Form metrics,
            Duration startPatience) {
        this.owner = owner;
        this.tasks = tasks;
        this.containers = containers;
        this.streams = streams;
        this.metrics = metrics;
        this.startPatience = startPatience;
    }

    /** {@return a server that offers the service under both its names} */
    TtrpcServer server() {
        TtrpcServer.Builder server =
                TtrpcServer.builder().maxConcurrentCalls(MOST_CALLS).failuresOnOneLine();
        offer(server, TaskMethods.V2);
        offer(server, TaskMethods.V3);
        return server.build();
    }

    private void offer(TtrpcServer.Builder server, TaskMethods methods) {
        server.method(methods.state(), this::state)
                .method(methods.create(), this::create)
                .method(methods.start(), this::start)
                .method(methods.delete(), this::delete)
                .method(methods.pids(), this::pids)
                .method(methods.pause(), this::pause)
                .method(methods.resume(), this::resume)
                .method(methods.checkpoint(), this::checkpoint)
                .method(methods.kill(), this::kill)
                .method(methods.exec(), this::exec)
                .method(methods.resizePty(), this::resizePty)
                .method(methods.closeIo(), this::closeIo)
                .method(methods.update(), this::update)
                .method(methods.waitFor(), this::await)
                .method(methods.stats(), this::stats)
                .method(methods.connect(), this::connect)
                .method(methods.shutdown(), this::shutdown);
    }

    // ---- a task's life ----

    private CreateTaskResponse create(CreateTaskRequest request, Call call) throws Exception {
        String id = TaskRequests.checkedId("a task", request.getId());
        BundleRequest bundle = TaskRequests.container(owner, request);
        if (call.isRepeated() && tasks.find(id).isPresent()) {
            Task made = tasks.get(id);
            switch (made.container().stage()) {
                case PREPARED, RUNNING, PAUSED -> {
                    int pid = made.container().hostPid();
                    return CreateTaskResponse.newBuilder().setPid(pid).build();
                }
                case DESCRIBED, ENDED -> { // half made when the former daemon died
                    made.container().remove(true);
                    tasks.forget(made);
                }
            }
        }
        Stdio stdio = TaskRequests.stdio(request);
        try (Closer undo = new Closer()) {
            TaskStreams opened = undo.own(open(stdio, id, ""));
            Containers.Created created = containers.create(bundle);
            Container container = created.container();
            undo.onClose(() -> container.remove(true));
            created.warnings().forEach(warning -> warn(id, warning));
            attach(container, "", opened);
            container.prepare(Deadline.after(startPatience));
            TaskProcess init = new TaskProcess("", stdio);
            init.own(opened);
            Task task = new Task(id, container, init);
            int pid = container.hostPid();
            init.telling(() -> {
                tasks.add(task);
                tasks.publish(
                        new TaskEvent.Created(
                                id,
                                request.getBundle(),
                                request.getRootfsList(),
                                new TaskEvent.Streams(
                                        stdio.stdin(),
                                        stdio.stdout(),
                                        stdio.stderr(),
                                        stdio.terminal()),
                                "",
                                pid));
                return task;
            });
            undo.release();
            return CreateTaskResponse.newBuilder().setPid(pid).build();
        }
    }

    private TaskStreams open(Stdio stdio, String taskId, String execId)
            throws InterruptedException {
        return TaskStreams.open(
                stdio,
                execId.isEmpty() ? taskId : execId,
                owner.namespace(),
                streams.keptFor(owner, taskId, execId),
                Deadline.after(STREAM_PATIENCE));
    }

    private static void attach(Container container, String execId, TaskStreams opened) {
        container.attach(
                execId,
                opened.stdin().orElse(null),
                opened.stdout().orElse(null),
                opened.stderr().orElse(null));
    }

    private void warn(String id, String warning) {
        LOG.log(
                System.Logger.Level.WARNING,
                "task namespace={0} id={1}: {2}",
                owner.namespace(),
                id,
                warning);
    }

    private StartResponse start(StartRequest request, Call call) throws Exception {
        Task task = tasks.get(request.getId());
        TaskProcess process = task.process(request.getExecId());
        if (call.isRepeated() && hasBeenStarted(task, process)) {
            process.markStarted();
            return StartResponse.newBuilder().setPid(task.container().hostPid()).build();
        }
        return process == task.init() ? start(task) : startExec(task, process);
    }

    /** A process that could not be started has ended without ever having been. */
    private static boolean hasBeenStarted(Task task, TaskProcess process) {
        return process == task.init()
                ? task.container().startedAtMillis() != 0
                : process.wasStarted();
    }

    private StartResponse start(Task task) {
        Container container = task.container();
        return task.init()
                .telling(() -> {
                    container.start(Deadline.after(startPatience));
                    int pid = container.hostPid();
                    task.init().markStarted();
                    tasks.publish(new TaskEvent.Started(task.id(), pid));
                    return StartResponse.newBuilder().setPid(pid).build();
                });
    }

    private StartResponse startExec(Task task, TaskProcess process) throws InterruptedException {
        Container container = task.container();
        String execId = process.execId();
        if (process.streams().isEmpty()) {
            TaskStreams opened = open(process.stdio(), task.id(), execId);
            process.own(opened);
            attach(container, execId, opened);
        }
        return process.telling(() -> {
            container.startExec(execId, Deadline.after(startPatience));
            int pid = container.hostPid();
            process.markStarted();
            tasks.publish(new TaskEvent.ExecStarted(task.id(), execId, pid));
            return StartResponse.newBuilder().setPid(pid).build();
        });
    }

    private Empty exec(ExecProcessRequest request, Call call) {
        Task task = tasks.get(request.getId());
        String execId = TaskRequests.checkedId("a process", request.getExecId());
        if (call.isRepeated() && task.has(execId)) {
            return Empty.getDefaultInstance();
        }
        Stdio stdio = TaskRequests.stdio(request);
        task.container()
                .exec(
                        execId,
                        TaskRequests.process(request),
                        !request.getStdin().isEmpty(),
                        TaskNotes.of(stdio));
        TaskProcess process = new TaskProcess(execId, stdio);
        task.add(process);
        tasks.follow(task, process);
        tasks.publish(new TaskEvent.ExecAdded(task.id(), execId));
        return Empty.getDefaultInstance();
    }

    /** The answer is noted before the deed: afterwards nobody knows it any more. */
    private DeleteResponse delete(DeleteRequest request, Call call)
            throws InterruptedException, InvalidProtocolBufferException {
        Optional<byte[]> noted = call.noted();
        Optional<Task> found = tasks.find(request.getId());
        boolean gone =
                found.isEmpty()
                        || (!request.getExecId().isEmpty()
                                && !found.get().has(request.getExecId()));
        if (noted.isPresent() && gone) {
            streams.keptFor(owner, request.getId(), request.getExecId()).dropAll();
            return DeleteResponse.parseFrom(noted.get());
        }
        Task task = tasks.get(request.getId());
        TaskProcess process = task.process(request.getExecId());
        return process == task.init() ? delete(task, call) : deleteExec(task, process, call);
    }

    private DeleteResponse delete(Task task, Call call) throws InterruptedException {
        Container container = task.container();
        switch (container.stage()) {
            case RUNNING, PAUSED ->
                    throw Fault.failedPrecondition("task %s runs", task.id())
                            .withHint("kill it first");
            case DESCRIBED, PREPARED -> container.kill();
            case ENDED -> {}
        }
        int pid = container.hostPid();
        TaskProcess.Ended ended = task.init().ended().join();
        DeleteResponse response = deleted(pid, ended);
        call.note(response.toByteArray());
        container.remove(false);
        tasks.forget(task);
        tasks.publish(new TaskEvent.Deleted(task.id(), pid, ended.status(), ended.at()));
        return response;
    }

    private static DeleteResponse deleteExec(Task task, TaskProcess process, Call call) {
        Container container = task.container();
        TaskProcess.Ended ended = process.ended().getNow(null);
        DeleteResponse response =
                ended == null
                        ? DeleteResponse.newBuilder().setPid(container.hostPid()).build()
                        : deleted(container.hostPid(), ended);
        call.note(response.toByteArray());
        container.forgetExec(process.execId());
        task.remove(process);
        process.closeStreams();
        return response;
    }

    private static DeleteResponse deleted(int pid, TaskProcess.Ended ended) {
        return DeleteResponse.newBuilder()
                .setPid(pid)
                .setExitStatus(ended.status())
                .setExitedAt(at(ended))
                .build();
    }

    private WaitResponse await(WaitRequest request, Call call) throws ExecutionException {
        CompletableFuture<TaskProcess.Ended> ended =
                tasks.get(request.getId()).process(request.getExecId()).ended().copy();
        call.onAbandoned(() -> ended.cancel(false));
        call.park();
        try {
            TaskProcess.Ended how = ended.get();
            return WaitResponse.newBuilder()
                    .setExitStatus(how.status())
                    .setExitedAt(at(how))
                    .build();
        } catch (CancellationException | InterruptedException e) {
            throw Fault.of(FaultCode.CANCELLED, "the client that asked has gone");
        }
    }

    private static Timestamp at(TaskProcess.Ended ended) {
        return TaskEvent.timestamp(ended.at());
    }

    // ---- what can be done to it ----

    private Empty kill(KillRequest request, Call call) {
        Task task = tasks.get(request.getId());
        TaskProcess process = task.process(request.getExecId());
        if (process.ended().isDone()) {
            if (call.isRepeated()) {
                return Empty.getDefaultInstance(); // of this signal, for all that is known
            }
            throw alreadyFinished(task, process);
        }
        Container container = task.container();
        try {
            if (request.getAll() && process == task.init()) {
                container.signalAll(request.getSignal());
            } else {
                container.signal(request.getExecId(), request.getSignal());
            }
        } catch (Fault e) {
            if (call.isRepeated() && e.code() != FaultCode.UNAVAILABLE) {
                return Empty.getDefaultInstance(); // it has ended of the first one
            }
            // It may have ended between the look and the signal.
            throw process.ended().isDone() ? alreadyFinished(task, process) : e;
        }
        return Empty.getDefaultInstance();
    }

    private static Fault alreadyFinished(Task task, TaskProcess process) {
        // runc's words, which clients look for; containerd 1.x would add the last two itself.
        return Fault.notFound(
                "process already finished: %s%s: not found",
                task.id(), process == task.init() ? "" : "/" + process.execId());
    }

    private Empty pause(PauseRequest request, Call call) {
        Task task = tasks.get(request.getId());
        if (call.isRepeated() && task.container().stage() == Container.Stage.PAUSED) {
            return Empty.getDefaultInstance();
        }
        task.container().pause(Deadline.after(QUESTION));
        tasks.publish(new TaskEvent.Paused(task.id()));
        return Empty.getDefaultInstance();
    }

    private Empty resume(ResumeRequest request, Call call) {
        Task task = tasks.get(request.getId());
        if (call.isRepeated() && task.container().stage() == Container.Stage.RUNNING) {
            return Empty.getDefaultInstance();
        }
        task.container().resume(Deadline.after(QUESTION));
        tasks.publish(new TaskEvent.Resumed(task.id()));
        return Empty.getDefaultInstance();
    }

    private Empty checkpoint(CheckpointTaskRequest request, Call call) {
        throw Fault.unimplemented(
                        "task %s cannot be checkpointed: the memory of a machine, its disks and its"
                                + " processes would have to be written down together, and nothing"
                                + " restores them yet",
                        tasks.get(request.getId()).id())
                .withHint("stop the task and start it anew");
    }

    private Empty resizePty(ResizePtyRequest request, Call call) {
        tasks.get(request.getId())
                .container()
                .resize(
                        request.getExecId(),
                        new Terminal.Size(request.getHeight(), request.getWidth()));
        return Empty.getDefaultInstance();
    }

    private Empty closeIo(CloseIORequest request, Call call) {
        if (request.getStdin()) {
            tasks.get(request.getId()).process(request.getExecId()).closeInput();
        }
        return Empty.getDefaultInstance();
    }

    private Empty update(UpdateTaskRequest request, Call call) {
        tasks.get(request.getId())
                .container()
                .update(TaskRequests.resources(request), Deadline.after(QUESTION));
        return Empty.getDefaultInstance();
    }

    // ---- what there is to know ----

    private StateResponse state(StateRequest request, Call call) {
        Task task = tasks.get(request.getId());
        TaskProcess process = task.process(request.getExecId());
        Stdio stdio = process.stdio();
        StateResponse.Builder response =
                StateResponse.newBuilder()
                        .setId(task.id())
                        .setExecId(process.execId())
                        .setBundle(task.bundle())
                        .setPid(task.container().hostPid())
                        .setStatus(status(task, process))
                        .setStdin(stdio.stdin())
                        .setStdout(stdio.stdout())
                        .setStderr(stdio.stderr())
                        .setTerminal(stdio.terminal());
        TaskProcess.Ended ended = process.ended().getNow(null);
        if (ended != null) {
            response.setExitStatus(ended.status()).setExitedAt(at(ended));
        }
        return response.build();
    }

    private static Status status(Task task, TaskProcess process) {
        if (process.ended().isDone()) {
            return Status.STOPPED;
        }
        if (process != task.init() && !process.wasStarted()) {
            return Status.CREATED;
        }
        return switch (task.container().stage()) {
            case DESCRIBED, PREPARED -> Status.CREATED;
            case RUNNING -> Status.RUNNING;
            case PAUSED -> Status.PAUSED;
            case ENDED -> Status.STOPPED;
        };
    }

    private PidsResponse pids(PidsRequest request, Call call) {
        Task task = tasks.get(request.getId());
        int pid = task.container().hostPid();
        PidsResponse.Builder response =
                PidsResponse.newBuilder().addProcesses(ProcessInfo.newBuilder().setPid(pid));
        for (TaskProcess exec : task.runningExecs()) {
            ProcessDetails details = ProcessDetails.newBuilder().setExecId(exec.execId()).build();
            response.addProcesses(
                    ProcessInfo.newBuilder()
                            .setPid(pid)
                            .setInfo(TypeUrls.pack(TypeUrls.PROCESS_DETAILS, details)));
        }
        return response.build();
    }

    private StatsResponse stats(StatsRequest request, Call call) {
        return StatsResponse.newBuilder()
                .setStats(
                        TaskMetrics.of(
                                tasks.get(request.getId())
                                        .container()
                                        .stats(Deadline.after(QUESTION)),
                                metrics))
                .build();
    }

    private ConnectResponse connect(ConnectRequest request, Call call) {
        return ConnectResponse.newBuilder()
                .setShimPid((int) ProcessHandle.current().pid())
                .setTaskPid(tasks.get(request.getId()).container().hostPid())
                .build();
    }

    /** containerd asks each task's shim to end; this one has others, and goes on. */
    private Empty shutdown(ShutdownRequest request, Call call) {
        return Empty.getDefaultInstance();
    }
}
