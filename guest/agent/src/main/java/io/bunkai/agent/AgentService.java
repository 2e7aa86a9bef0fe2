// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import com.google.protobuf.Empty;
import io.bunkai.api.AgentMethods;
import io.bunkai.api.GuestMethods;
import io.bunkai.api.HealthMethods;
import io.bunkai.api.ProtocolVersion;
import io.bunkai.api.agent.AgentDetails;
import io.bunkai.api.agent.GuestDetailsRequest;
import io.bunkai.api.agent.GuestDetailsResponse;
import io.bunkai.api.agent.HealthCheckResponse;
import io.bunkai.api.agent.OOMEvent;
import io.bunkai.api.agent.ReadStreamRequest;
import io.bunkai.api.agent.ReadStreamResponse;
import io.bunkai.api.agent.RemoveContainerRequest;
import io.bunkai.api.agent.SetGuestDateTimeRequest;
import io.bunkai.api.agent.StatsContainerResponse;
import io.bunkai.api.agent.VersionCheckResponse;
import io.bunkai.api.agent.WaitProcessRequest;
import io.bunkai.api.agent.WaitProcessResponse;
import io.bunkai.api.agent.WriteStreamRequest;
import io.bunkai.api.agent.WriteStreamResponse;
import io.bunkai.api.guest.CloseInputResponse;
import io.bunkai.api.guest.FeaturesResponse;
import io.bunkai.api.guest.ReadOutputRequest;
import io.bunkai.api.guest.ReadOutputResponse;
import io.bunkai.api.guest.WriteInputRequest;
import io.bunkai.api.guest.WriteInputResponse;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.ExitStatus;
import io.bunkai.linux.Machine;
import io.bunkai.ttrpc.Call;
import io.bunkai.ttrpc.Connection;
import io.bunkai.ttrpc.TtrpcServer;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * Kata's agent service over a {@link Sandbox}, and what is added to it: translation only. What is
 * not registered here answers UNIMPLEMENTED by name.
 *
 * <p>Every call has a thread of its own. The waiting ones (reads, writes, WaitProcess, GetOOMEvent)
 * return when their connection ends, without having taken anything.
 */
final class AgentService {
    private static final long NANOS_PER_MICRO = 1000;
    private static final long MICROS_PER_SECOND = 1_000_000;

    /** Three waiting calls for each process, and room to work. */
    private static final int MOST_CALLS = 1024;

    private final Sandbox sandbox;
    private final GuestHardware hardware;
    private final NetworkFigures network;
    private final String version;
    private final Map<Connection, Signal> connections = new HashMap<>(); // guarded by itself

    AgentService(Sandbox sandbox, GuestHardware hardware, NetworkFigures network, String version) {
        this.sandbox = sandbox;
        this.hardware = hardware;
        this.network = network;
        this.version = version;
    }

    /** {@return a server that offers it} */
    TtrpcServer server() {
        TtrpcServer.Builder server = TtrpcServer.builder().maxConcurrentCalls(MOST_CALLS);
        health(server);
        machine(server);
        containers(server);
        streams(server);
        acknowledgedStreams(server);
        return server.build();
    }

    private void health(TtrpcServer.Builder server) {
        server.method(
                        HealthMethods.CHECK,
                        (_, _) ->
                                HealthCheckResponse.newBuilder()
                                        .setStatus(HealthCheckResponse.ServingStatus.SERVING)
                                        .build())
                .method(
                        HealthMethods.VERSION,
                        (_, _) ->
                                VersionCheckResponse.newBuilder()
                                        .setGrpcVersion(ProtocolVersion.AGENT)
                                        .setAgentVersion(version)
                                        .build());
    }

    private void machine(TtrpcServer.Builder server) {
        server.method(
                        AgentMethods.CREATE_SANDBOX,
                        (request, _) -> {
                            sandbox.create(request);
                            return Empty.getDefaultInstance();
                        })
                .method(
                        AgentMethods.DESTROY_SANDBOX,
                        (_, _) -> {
                            sandbox.destroy();
                            return Empty.getDefaultInstance();
                        })
                .method(AgentMethods.SET_GUEST_DATE_TIME, (request, _) -> setTime(request))
                .method(
                        AgentMethods.RESEED_RANDOM_DEV,
                        (request, _) -> {
                            if (request.getData().isEmpty()) {
                                throw Fault.invalidArgument("no data to reseed with");
                            }
                            Machine.addEntropy(request.getData().toByteArray());
                            return Empty.getDefaultInstance();
                        })
                .method(AgentMethods.GET_GUEST_DETAILS, (request, _) -> details(request))
                .method(
                        AgentMethods.ONLINE_CPU_MEM,
                        (request, call) -> {
                            hardware.online(
                                    request.getNbCpus(),
                                    request.getCpuOnly(),
                                    request.getWait(),
                                    call.deadline());
                            return Empty.getDefaultInstance();
                        })
                .method(
                        AgentMethods.COPY_FILE,
                        (request, _) -> {
                            sandbox.files().take(request);
                            return Empty.getDefaultInstance();
                        })
                .method(AgentMethods.GET_OOM_EVENT, (_, call) -> nextOom(call));
    }

    private void containers(TtrpcServer.Builder server) {
        server.method(
                        AgentMethods.CREATE_CONTAINER,
                        (request, _) -> {
                            sandbox.createContainer(request);
                            return Empty.getDefaultInstance();
                        })
                .method(
                        AgentMethods.START_CONTAINER,
                        (request, _) -> {
                            sandbox.startContainer(request.getContainerId());
                            return Empty.getDefaultInstance();
                        })
                .method(AgentMethods.REMOVE_CONTAINER, (request, _) -> remove(request))
                .method(
                        AgentMethods.EXEC_PROCESS,
                        (request, _) -> {
                            sandbox.exec(request);
                            return Empty.getDefaultInstance();
                        })
                .method(
                        AgentMethods.SIGNAL_PROCESS,
                        (request, _) -> {
                            sandbox.signal(
                                    request.getContainerId(),
                                    request.getExecId(),
                                    request.getSignal());
                            return Empty.getDefaultInstance();
                        })
                .method(AgentMethods.WAIT_PROCESS, this::await)
                .method(
                        AgentMethods.UPDATE_CONTAINER,
                        (request, _) -> {
                            sandbox.update(request.getContainerId(), request.getResources());
                            return Empty.getDefaultInstance();
                        })
                .method(
                        AgentMethods.STATS_CONTAINER,
                        (request, _) ->
                                StatsContainerResponse.newBuilder()
                                        .setCgroupStats(
                                                sandbox.container(request.getContainerId())
                                                        .cgroup()
                                                        .stats())
                                        .addAllNetworkStats(network.read())
                                        .build())
                .method(
                        AgentMethods.PAUSE_CONTAINER,
                        (request, _) -> {
                            sandbox.container(request.getContainerId()).cgroup().freeze(true);
                            return Empty.getDefaultInstance();
                        })
                .method(
                        AgentMethods.RESUME_CONTAINER,
                        (request, _) -> {
                            sandbox.container(request.getContainerId()).cgroup().freeze(false);
                            return Empty.getDefaultInstance();
                        });
    }

    private void streams(TtrpcServer.Builder server) {
        server.method(AgentMethods.WRITE_STDIN, this::write)
                .method(AgentMethods.READ_STDOUT, (request, call) -> read(request, false, call))
                .method(AgentMethods.READ_STDERR, (request, call) -> read(request, true, call))
                .method(
                        AgentMethods.CLOSE_STDIN,
                        (request, _) -> {
                            process(request.getContainerId(), request.getExecId())
                                    .io()
                                    .closeStdin();
                            return Empty.getDefaultInstance();
                        })
                .method(
                        AgentMethods.TTY_WIN_RESIZE,
                        (request, _) -> {
                            process(request.getContainerId(), request.getExecId())
                                    .io()
                                    .resize(request.getRow(), request.getColumn());
                            return Empty.getDefaultInstance();
                        });
    }

    private static Empty setTime(SetGuestDateTimeRequest request) throws ErrnoException {
        if (request.getUsec() < 0 || request.getUsec() >= MICROS_PER_SECOND) {
            throw Fault.invalidArgument("%d is no microsecond", request.getUsec());
        }
        Machine.setTime(request.getSec(), request.getUsec() * NANOS_PER_MICRO);
        return Empty.getDefaultInstance();
    }

    private GuestDetailsResponse details(GuestDetailsRequest request) {
        GuestDetailsResponse.Builder details =
                GuestDetailsResponse.newBuilder()
                        .setAgentDetails(
                                AgentDetails.newBuilder()
                                        .setVersion(version)
                                        .setInitDaemon(ProcessHandle.current().pid() == 1)
                                        .addAllDeviceHandlers(Devices.HANDLERS)
                                        .addAllStorageHandlers(Storages.DRIVERS)
                                        .setSupportsSeccomp(true));
        if (request.getMemBlockSize()) {
            details.setMemBlockSizeBytes(hardware.memoryBlockBytes());
        }
        if (request.getMemHotplugProbe()) {
            details.setSupportMemHotplugProbe(hardware.canProbeMemory());
        }
        return details.build();
    }

    private OOMEvent nextOom(Call call) throws IOException, InterruptedException {
        Signal gone = gone(call);
        call.onAbandoned(() -> wake(gone, sandbox.oom()::wake));
        String container = sandbox.oom().take(gone).orElseThrow(AgentService::abandoned);
        return OOMEvent.newBuilder().setContainerId(container).build();
    }

    private Empty remove(RemoveContainerRequest request) throws IOException, InterruptedException {
        int seconds = request.getTimeout();
        sandbox.removeContainer(
                request.getContainerId(),
                seconds == 0
                        ? Deadline.never()
                        : Deadline.after(Duration.ofSeconds(Integer.toUnsignedLong(seconds))));
        return Empty.getDefaultInstance();
    }

    private WaitProcessResponse await(WaitProcessRequest request, Call call)
            throws IOException, InterruptedException {
        Container container = sandbox.container(request.getContainerId());
        GuestProcess process = container.process(request.getExecId());
        call.onAbandoned(process.exit()::wake);
        ExitStatus status = process.exit().await(gone(call)).orElseThrow(AgentService::abandoned);
        sandbox.oom().look(container.id());
        return WaitProcessResponse.newBuilder().setStatus(status.shellCode()).build();
    }

    /** Whoever wakes must find the signal raised, in whatever order a connection tells its end. */
    private static void wake(Signal gone, Runnable waker) {
        gone.raise();
        waker.run();
    }

    private static Fault abandoned() {
        return Fault.of(FaultCode.CANCELLED, "the connection that asked is gone");
    }

    private WriteStreamResponse write(WriteStreamRequest request, Call call) throws IOException {
        ProcessIo io = process(request.getContainerId(), request.getExecId()).io();
        int written = 0;
        if (request.getData().isEmpty()) {
            io.closeStdin();
        } else {
            written = io.write(request.getData().toByteArray(), gone(call));
        }
        return WriteStreamResponse.newBuilder().setLen(written).build();
    }

    private ReadStreamResponse read(ReadStreamRequest request, boolean fromErr, Call call)
            throws IOException, InterruptedException {
        ProcessIo io = process(request.getContainerId(), request.getExecId()).io();
        wakeWhenAbandoned(io, fromErr, call);
        return ReadStreamResponse.newBuilder()
                .setData(io.read(fromErr, request.getLen(), call.connection(), gone(call)))
                .build();
    }

    /** What {@code bunkai.agent.v1} adds. */
    private void acknowledgedStreams(TtrpcServer.Builder server) {
        server.method(
                        GuestMethods.FEATURES,
                        (_, _) ->
                                FeaturesResponse.newBuilder()
                                        .addFeatures(GuestMethods.ACKNOWLEDGED_STREAMS)
                                        .build())
                .method(GuestMethods.READ_OUTPUT, this::readOutput)
                .method(GuestMethods.WRITE_INPUT, this::writeInput)
                .method(
                        GuestMethods.CLOSE_INPUT,
                        (request, _) -> {
                            process(request.getContainerId(), request.getExecId())
                                    .io()
                                    .closeStdin();
                            return CloseInputResponse.getDefaultInstance();
                        });
    }

    private void wakeWhenAbandoned(ProcessIo io, boolean fromErr, Call call) throws ErrnoException {
        ProcessOutput output = io.output(fromErr).orElse(null);
        if (output != null) {
            Signal gone = gone(call);
            call.onAbandoned(() -> wake(gone, output::wake));
        }
    }

    private ReadOutputResponse readOutput(ReadOutputRequest request, Call call)
            throws IOException, InterruptedException {
        boolean fromErr =
                switch (request.getStream()) {
                    case STDOUT -> false;
                    case STDERR -> true;
                    case UNRECOGNIZED ->
                            throw Fault.invalidArgument(
                                    "there is no output %d", request.getStreamValue());
                };
        ProcessIo io = process(request.getContainerId(), request.getExecId()).io();
        ProcessOutput output = io.output(fromErr).orElse(null);
        if (output == null) {
            return ReadOutputResponse.newBuilder().setEnd(true).build();
        }
        wakeWhenAbandoned(io, fromErr, call);
        int most = request.getMaxBytes();
        ProcessOutput.Piece piece =
                request.getFromOldest()
                        ? output.readOldest(most, gone(call))
                        : output.readAt(request.getOffset(), most, gone(call));
        return ReadOutputResponse.newBuilder()
                .setOffset(piece.offset())
                .setData(piece.data())
                .setEnd(piece.end())
                .build();
    }

    private WriteInputResponse writeInput(WriteInputRequest request, Call call) throws IOException {
        ProcessInput input = process(request.getContainerId(), request.getExecId()).io().input();
        long goesOn =
                input.writeAt(request.getOffset(), request.getData().toByteArray(), gone(call));
        return WriteInputResponse.newBuilder().setOffset(goesOn).build();
    }

    private GuestProcess process(String containerId, String execId) {
        return sandbox.container(containerId).process(execId);
    }

    /** One signal for all calls of a connection, raised when it ends. */
    private Signal gone(Call call) throws ErrnoException {
        Connection connection = call.connection();
        Signal signal;
        synchronized (connections) {
            signal = connections.get(connection);
            if (signal != null) {
                return signal;
            }
            signal = new Signal();
            connections.put(connection, signal);
        }
        Signal made = signal;
        connection.onClose(() -> end(connection, made));
        return made;
    }

    private void end(Connection connection, Signal signal) {
        synchronized (connections) {
            connections.remove(connection);
        }
        signal.raise();
    }
}
