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
import io.bunkai.api.control.InspectRequest;
import io.bunkai.api.control.InspectResponse;
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
import io.bunkai.linux.Signals;
import io.bunkai.linux.Terminal;
import io.bunkai.runtime.Container;
import io.bunkai.runtime.ContainerView;
import io.bunkai.runtime.Containers;
import io.bunkai.runtime.OutputLog;
import io.bunkai.runtime.ProcessExit;
import io.bunkai.runtime.Timeline;
import io.bunkai.ttrpc.Call;
import io.bunkai.ttrpc.TtrpcServer;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * The control protocol's methods: each translates its request, asks the runtime, and translates the
 * answer. Every call runs on a virtual thread of its own.
 */
final class ControlService {
    private static final System.Logger LOG = System.getLogger(ControlService.class.getName());
    private static final Duration FOLLOW_PATIENCE = Duration.ofSeconds(20);
    private static final int LARGEST_PIECE = 1024 * 1024;

    private final Containers containers;
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
            StreamServer streams,
            Versions versions,
            Duration startPatience,
            Runnable shutdown) {
        this.containers = containers;
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
        return TtrpcServer.builder()
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
            call.connection().onClose(() -> endTied(container));
        }
        return CreateResponse.newBuilder()
                .setId(container.id())
                .setName(container.name())
                .addAllWarnings(created.warnings())
                .build();
    }

    /** The client of a tied container has gone: the container goes, too. */
    private static void endTied(Container container) {
        Thread.ofVirtual()
                .name("untie " + container.id())
                .start(() -> {
                    try {
                        if (container.ended().isEmpty()) {
                            container.remove(true);
                        }
                    } catch (Fault e) {
                        LOG.log(
                                System.Logger.Level.WARNING,
                                "a tied container could not be removed id={0} reason={1}",
                                container.id(),
                                e.getMessage());
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                });
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
            call.connection().onClose(() -> killTied(container, execId));
        }
        return ExecResponse.newBuilder().setExecId(execId).build();
    }

    private static void killTied(Container container, String execId) {
        Thread.ofVirtual()
                .name("untie " + container.id() + "/" + execId)
                .start(() -> {
                    try {
                        container.signal(execId, Signals.SIGKILL);
                    } catch (Fault e) {
                        LOG.log(
                                System.Logger.Level.DEBUG,
                                "a tied process has ended already id={0}",
                                execId);
                    }
                });
    }

    private AttachResponse attach(AttachRequest request, Call call) {
        Container container = containers.get(request.getContainer());
        StreamServer.Reserved stdin = request.getStdin() ? streams.reserve() : null;
        StreamServer.Reserved stdout = request.getStdout() ? streams.reserve() : null;
        StreamServer.Reserved stderr = request.getStderr() ? streams.reserve() : null;
        container.attach(
                request.getExecId(),
                stdin == null ? null : stdin.input(),
                stdout == null ? null : stdout.output(),
                stderr == null ? null : stderr.output());
        return AttachResponse.newBuilder()
                .setIoSocket(streams.path().toString())
                .setStdinToken(stdin == null ? "" : stdin.token())
                .setStdoutToken(stdout == null ? "" : stdout.token())
                .setStderrToken(stderr == null ? "" : stderr.token())
                .build();
    }

    private WaitResponse await(WaitRequest request, Call call)
            throws InterruptedException, ExecutionException {
        CompletableFuture<ProcessExit> exit =
                containers.exit(request.getContainer(), request.getExecId());
        call.onAbandoned(() -> exit.cancel(false));
        ProcessExit how = exit.get();
        return WaitResponse.newBuilder()
                .setExitCode(how.code())
                .setOomKilled(how.oomKilled())
                .setError(how.error())
                .build();
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
                .stop(request.getSignal(), Duration.ofMillis(request.getTimeoutMs()));
        return StopResponse.getDefaultInstance();
    }

    private RemoveResponse remove(RemoveRequest request, Call call) throws InterruptedException {
        containers.get(request.getContainer()).remove(request.getForce());
        return RemoveResponse.getDefaultInstance();
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
                .addAllCommand(view.command())
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

    private InspectResponse inspect(InspectRequest request, Call call) {
        Container container = containers.get(request.getContainer());
        return InspectResponse.newBuilder().setJson(ContainerView.of(container).toJson()).build();
    }

    private LogsResponse logs(LogsRequest request, Call call) throws InterruptedException {
        int most = Math.clamp(request.getMaxBytes(), 1, LARGEST_PIECE);
        Thread handler = Thread.currentThread();
        call.onAbandoned(handler::interrupt);
        OutputLog.Piece piece =
                containers
                        .get(request.getContainer())
                        .output()
                        .read(
                                request.getCursor(),
                                most,
                                request.getFollow() ? FOLLOW_PATIENCE : Duration.ZERO);
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

    private TraceResponse trace(TraceRequest request, Call call) {
        TraceResponse.Builder response = TraceResponse.newBuilder();
        for (Timeline.Step step : containers.get(request.getContainer()).timeline().steps()) {
            response.addSteps(
                    TraceStep.newBuilder()
                            .setName(step.name())
                            .setSide(step.side().name().toLowerCase(Locale.ROOT))
                            .setBeginMicros(step.beginMicros())
                            .setEndMicros(step.endMicros())
                            .setDetail(step.detail()));
        }
        return response.build();
    }

    private ExplainResponse explain(CreateRequest request, Call call) {
        return ExplainResponse.newBuilder()
                .setJson(ContainerView.explain(containers.plan(Requests.container(request)).plan()))
                .build();
    }

    private ShutdownResponse shutdown(ShutdownRequest request, Call call)
            throws InterruptedException {
        if (request.getStopContainers()) {
            for (Container container : containers.all()) {
                container.kill();
            }
        }
        shutdown.run();
        return ShutdownResponse.getDefaultInstance();
    }
}
