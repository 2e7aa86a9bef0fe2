// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import com.google.protobuf.ByteString;
import io.bunkai.api.ControlMethods;
import io.bunkai.api.ProtocolVersion;
import io.bunkai.api.control.AttachRequest;
import io.bunkai.api.control.AttachResponse;
import io.bunkai.api.control.ContainerSummary;
import io.bunkai.api.control.CreateRequest;
import io.bunkai.api.control.CreateResponse;
import io.bunkai.api.control.ExecResponse;
import io.bunkai.api.control.ExplainResponse;
import io.bunkai.api.control.Figure;
import io.bunkai.api.control.InspectRequest;
import io.bunkai.api.control.InspectResponse;
import io.bunkai.api.control.LimitsRequest;
import io.bunkai.api.control.LimitsResponse;
import io.bunkai.api.control.ListRequest;
import io.bunkai.api.control.ListResponse;
import io.bunkai.api.control.LogEntry;
import io.bunkai.api.control.LogsRequest;
import io.bunkai.api.control.LogsResponse;
import io.bunkai.api.control.RemoveRequest;
import io.bunkai.api.control.RemoveResponse;
import io.bunkai.api.control.ResizeRequest;
import io.bunkai.api.control.ResizeResponse;
import io.bunkai.api.control.ShutdownRequest;
import io.bunkai.api.control.ShutdownResponse;
import io.bunkai.api.control.SignalRequest;
import io.bunkai.api.control.SignalResponse;
import io.bunkai.api.control.StartRequest;
import io.bunkai.api.control.StartResponse;
import io.bunkai.api.control.StopRequest;
import io.bunkai.api.control.StopResponse;
import io.bunkai.api.control.TraceRequest;
import io.bunkai.api.control.TraceResponse;
import io.bunkai.api.control.TraceStep;
import io.bunkai.api.control.VersionRequest;
import io.bunkai.api.control.VersionResponse;
import io.bunkai.api.control.WaitRequest;
import io.bunkai.api.control.WaitResponse;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Terminal;
import io.bunkai.runtime.Container;
import io.bunkai.runtime.ContainerView;
import io.bunkai.runtime.Containers;
import io.bunkai.runtime.OutputLog;
import io.bunkai.runtime.Owner;
import io.bunkai.runtime.ProcessExit;
import io.bunkai.runtime.Templates;
import io.bunkai.runtime.Timeline;
import io.bunkai.ttrpc.Call;
import io.bunkai.ttrpc.Connection;
import io.bunkai.ttrpc.TtrpcServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The control protocol's methods: each translates its request, asks the runtime, and translates the
 * answer. Every call runs on a virtual thread of its own.
 */
final class ControlService {
    private static final System.Logger LOG = System.getLogger(ControlService.class.getName());
    private static final Duration LIMITS_PATIENCE = Duration.ofSeconds(10);
    private static final Duration FOLLOW_PATIENCE = Duration.ofSeconds(20);
    private static final int LARGEST_PIECE = 1024 * 1024;
    private static final int LONGEST_COMMAND = 500;

    /** How long the answer to a shutdown has before the daemon ends. */
    private static final Duration ANSWER_PATIENCE = Duration.ofMillis(250);

    private final Containers containers;
    private final TemplateMethods templates;
    private final StatsMethods stats;
    private final StreamServer streams;
    private final Versions versions;
    private final Duration startPatience;
    private final Runnable shutdown;

    /**
     * Makes the service.
     *
     * @param startPatience how long a start may take
     * @param shutdown ends the daemon, after this call has been answered
     */
    ControlService(
            Containers containers,
            Templates templates,
            StreamServer streams,
            Versions versions,
            Duration startPatience,
            Runnable shutdown) {
        this.containers = containers;
        this.templates = new TemplateMethods(containers, templates);
        this.stats = new StatsMethods(containers);
        this.streams = streams;
        this.versions = versions;
        this.startPatience = startPatience;
        this.shutdown = shutdown;
    }

    /** Says what this daemon is and works with. */
    @FunctionalInterface
    interface Versions {
        VersionResponse.Builder describe();
    }

    /** {@return a server that offers all methods} */
    TtrpcServer server() {
        return stats.offer(templates.offer(TtrpcServer.builder()))
                .method(ControlMethods.VERSION, this::version)
                .method(ControlMethods.CREATE, this::create)
                .method(ControlMethods.START, this::start)
                .method(ControlMethods.EXEC, this::exec)
                .method(ControlMethods.ATTACH, this::attach)
                .method(ControlMethods.WAIT, this::await)
                .method(ControlMethods.RESIZE, this::resize)
                .method(ControlMethods.SIGNAL, this::signal)
                .method(ControlMethods.STOP, this::stop)
                .method(ControlMethods.REMOVE, this::remove)
                .method(ControlMethods.LIST, this::list)
                .method(ControlMethods.INSPECT, this::inspect)
                .method(ControlMethods.LOGS, this::logs)
                .method(ControlMethods.TRACE, this::trace)
                .method(ControlMethods.LIMITS, this::limits)
                .method(ControlMethods.EXPLAIN, this::explain)
                .method(ControlMethods.SHUTDOWN, this::shutdown)
                .build();
    }

    private VersionResponse version(VersionRequest request, Call call) {
        return versions.describe().setProtocol(ProtocolVersion.CONTROL).build();
    }

    private CreateResponse create(CreateRequest request, Call call) {
        Containers.Created created = containers.create(Requests.container(request));
        Container container = created.container();
        if (request.getTied()) {
            tie(call, container.exit(""), "untie " + container.id(), container::giveUp);
        }
        return CreateResponse.newBuilder()
                .setId(container.id())
                .setName(container.name())
                .addAllWarnings(created.warnings())
                .build();
    }

    /** What to do when the client of a tied process has gone. */
    @FunctionalInterface
    private interface Untie {
        void run() throws InterruptedException;
    }

    /** The connection may outlive the process by far, so it is not left to remember it. */
    private static void tie(
            Call call, CompletableFuture<ProcessExit> exit, String name, Untie untie) {
        Connection.Registration tied =
                call.connection()
                        .onClose(() ->
                                Thread.ofVirtual().name(name).start(() -> untie(name, untie)));
        CompletableFuture<Void> _ = exit.thenRun(tied::close);
    }

    private static void untie(String name, Untie untie) {
        try {
            untie.run();
        } catch (Fault e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "the client of a tied process left, and it could not be ended {0} reason={1}",
                    name,
                    e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private StartResponse start(StartRequest request, Call call) {
        Container container = containers.get(request.getContainer());
        Deadline deadline = Deadline.after(startPatience);
        if (request.getExecId().isEmpty()) {
            container.start(deadline);
        } else {
            container.startExec(request.getExecId(), deadline);
        }
        return StartResponse.getDefaultInstance();
    }

    private ExecResponse exec(io.bunkai.api.control.ExecRequest request, Call call) {
        Container container = containers.get(request.getContainer());
        String execId = container.exec(Requests.exec(request));
        if (request.getTied()) {
            tie(
                    call,
                    container.exit(execId),
                    "untie " + container.id() + "/" + execId,
                    () -> container.giveUp(execId));
        }
        return ExecResponse.newBuilder().setExecId(execId).build();
    }

    private AttachResponse attach(AttachRequest request, Call call) {
        Container container = containers.get(request.getContainer());
        StreamServer.Reserved stdin = request.getStdin() ? streams.reserve() : null;
        StreamServer.Reserved stdout = request.getStdout() ? streams.reserve() : null;
        StreamServer.Reserved stderr = request.getStderr() ? streams.reserve() : null;
        try {
            container.attach(
                    request.getExecId(),
                    stdin == null ? null : stdin.input(),
                    stdout == null ? null : stdout.output(),
                    stderr == null ? null : stderr.output());
        } catch (Fault e) {
            Stream.of(stdin, stdout, stderr)
                    .filter(Objects::nonNull)
                    .forEach(StreamServer.Reserved::giveUp);
            throw e;
        }
        return AttachResponse.newBuilder()
                .setIoSocket(streams.path().toString())
                .setStdinToken(stdin == null ? "" : stdin.token())
                .setStdoutToken(stdout == null ? "" : stdout.token())
                .setStderrToken(stderr == null ? "" : stderr.token())
                .build();
    }

    private WaitResponse await(WaitRequest request, Call call) throws ExecutionException {
        CompletableFuture<ProcessExit> exit =
                containers.exit(request.getContainer(), request.getExecId());
        call.onAbandoned(() -> exit.cancel(false));
        try {
            ProcessExit how = exit.get();
            return WaitResponse.newBuilder()
                    .setExitCode(how.code())
                    .setOomKilled(how.oomKilled())
                    .setError(how.error())
                    .build();
        } catch (CancellationException | InterruptedException e) {
            throw abandoned();
        }
    }

    private static Fault abandoned() {
        return Fault.of(FaultCode.CANCELLED, "the client that asked has gone");
    }

    private ResizeResponse resize(ResizeRequest request, Call call) {
        containers
                .get(request.getContainer())
                .resize(
                        request.getExecId(),
                        new Terminal.Size(request.getRows(), request.getColumns()));
        return ResizeResponse.getDefaultInstance();
    }

    private SignalResponse signal(SignalRequest request, Call call) {
        containers.get(request.getContainer()).signal(request.getExecId(), request.getSignal());
        return SignalResponse.getDefaultInstance();
    }

    private StopResponse stop(StopRequest request, Call call) throws InterruptedException {
        containers
                .get(request.getContainer())
                .stop(
                        request.getSignal(),
                        Duration.ofMillis(Integer.toUnsignedLong(request.getTimeoutMs())));
        return StopResponse.getDefaultInstance();
    }

    private RemoveResponse remove(RemoveRequest request, Call call) throws InterruptedException {
        Container container = containers.get(request.getContainer());
        if (!request.getForce()) {
            container.terms().owner().ifPresent(owner -> refuseOwned(container, owner));
        }
        container.remove(request.getForce());
        return RemoveResponse.getDefaultInstance();
    }

    private static void refuseOwned(Container container, Owner owner) {
        throw Fault.failedPrecondition(
                        "container %s belongs to the containerd at %s",
                        container.name(), owner.address())
                .withHint(
                        "delete its task there, or if that cannot be done: bunkai rm -f %s",
                        container.name());
    }

    private ListResponse list(ListRequest request, Call call) {
        ListResponse.Builder response = ListResponse.newBuilder();
        for (Container container : containers.all()) {
            ContainerView view = ContainerView.of(container);
            if (request.getAll() || view.isActive()) {
                response.addContainers(summary(view));
            }
        }
        return response.build();
    }

    private static ContainerSummary summary(ContainerView view) {
        return ContainerSummary.newBuilder()
                .setId(view.id())
                .setName(view.name())
                .setImage(view.image())
                .addAllCommand(shortened(view.command()))
                .setState(view.state())
                .setCreatedAtMs(view.createdAtMillis())
                .setStartedAtMs(view.startedAtMillis())
                .setFinishedAtMs(view.finishedAtMillis())
                .setExitCode(view.exitCode())
                .setOomKilled(view.oomKilled())
                .setVmmPid(view.vmmPid())
                .setVcpus(view.vcpus())
                .setMemoryBytes(view.memoryBytes())
                .build();
    }

    /** A list tells of all containers in one message: none may fill it alone. */
    private static List<String> shortened(List<String> command) {
        List<String> words = new ArrayList<>();
        int room = LONGEST_COMMAND;
        for (String word : command) {
            if (word.length() > room) {
                words.add(word.substring(0, room) + "...");
                break;
            }
            words.add(word);
            room -= word.length() + 1;
            if (room <= 0) {
                break;
            }
        }
        return words;
    }

    private InspectResponse inspect(InspectRequest request, Call call) {
        Container container = containers.get(request.getContainer());
        return InspectResponse.newBuilder().setJson(ContainerView.of(container).toJson()).build();
    }

    private LogsResponse logs(LogsRequest request, Call call) {
        long asked = Integer.toUnsignedLong(request.getMaxBytes());
        OutputLog.Piece piece = read(request, Math.clamp(asked, 1, LARGEST_PIECE), call);
        LogsResponse.Builder response =
                LogsResponse.newBuilder().setCursor(piece.cursor()).setEnd(piece.end());
        for (OutputLog.Entry entry : piece.entries()) {
            response.addEntries(
                    LogEntry.newBuilder()
                            .setStream(
                                    switch (entry.stream()) {
                                        case STDOUT -> LogEntry.Stream.STDOUT;
                                        case STDERR -> LogEntry.Stream.STDERR;
                                    })
                            .setTimeMs(entry.timeMillis())
                            .setData(ByteString.copyFrom(entry.data())));
        }
        return response.build();
    }

    private OutputLog.Piece read(LogsRequest request, int most, Call call) {
        OutputLog log = containers.get(request.getContainer()).output();
        Duration patience =
                request.getFollow()
                        ? call.deadline().atMost(FOLLOW_PATIENCE).remaining()
                        : Duration.ZERO;
        call.onAbandoned(Thread.currentThread()::interrupt);
        try {
            return log.read(request.getCursor(), most, patience);
        } catch (InterruptedException e) {
            throw abandoned();
        }
    }

    private LimitsResponse limits(LimitsRequest request, Call call) {
        LimitsResponse.Builder response = LimitsResponse.newBuilder();
        containers
                .get(request.getContainer())
                .limits(request.getChangesMap(), Deadline.after(LIMITS_PATIENCE))
                .forEach((name, value) ->
                        response.addFigures(Figure.newBuilder().setName(name).setValue(value)));
        return response.build();
    }

    private TraceResponse trace(TraceRequest request, Call call) {
        TraceResponse.Builder response = TraceResponse.newBuilder();
        for (Timeline.Step step : containers.get(request.getContainer()).timeline().steps()) {
            response.addSteps(
                    TraceStep.newBuilder()
                            .setName(step.name())
                            .setSide(step.side().name().toLowerCase(Locale.ROOT))
                            .setBeginMicros(step.beginMicros())
                            .setEndMicros(step.endMicros())
                            .setDetail(step.detail())
                            .setVmmCpuMicros(step.vmmCpuMicros()));
        }
        return response.build();
    }

    private ExplainResponse explain(CreateRequest request, Call call) {
        return ExplainResponse.newBuilder()
                .setJson(ContainerView.explain(containers.plan(Requests.container(request)).plan()))
                .build();
    }

    private ShutdownResponse shutdown(ShutdownRequest request, Call call) throws Exception {
        if (request.getStopContainers()) {
            killAll();
        }
        // The answer goes out when this returns; the client closes its connection when it has it.
        CountDownLatch gone = new CountDownLatch(1);
        call.connection().onClose(gone::countDown);
        Thread.ofVirtual().name("shutdown").start(() -> shutDown(gone));
        return ShutdownResponse.getDefaultInstance();
    }

    private void shutDown(CountDownLatch gone) {
        try {
            gone.await(ANSWER_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        shutdown.run();
    }

    /** All of them, whatever becomes of each; the first failure is told. */
    private void killAll() throws InterruptedException {
        List<CompletableFuture<Void>> kills =
                containers.all().stream().map(ControlService::killed).toList();
        for (CompletableFuture<Void> kill : kills) {
            try {
                kill.get();
            } catch (ExecutionException e) {
                throw e.getCause() instanceof Fault fault
                        ? fault
                        : Fault.internal("a container could not be ended").causedBy(e);
            }
        }
    }

    private static CompletableFuture<Void> killed(Container container) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        Thread.ofVirtual()
                .name("end " + container.id())
                .start(() -> {
                    try {
                        container.kill();
                        done.complete(null);
                    } catch (InterruptedException | RuntimeException e) {
                        done.completeExceptionally(e);
                    }
                });
        return done;
    }
}
