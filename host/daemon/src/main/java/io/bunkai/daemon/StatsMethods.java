// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.ContainerStats;
import io.bunkai.api.control.FileStats;
import io.bunkai.api.control.GuestStats;
import io.bunkai.api.control.HostStats;
import io.bunkai.api.control.MetricsResponse;
import io.bunkai.api.control.ProcessStats;
import io.bunkai.api.control.StatsRequest;
import io.bunkai.api.control.StatsResponse;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.base.NanoClock;
import io.bunkai.runtime.Container;
import io.bunkai.runtime.Containers;
import io.bunkai.runtime.FileUsage;
import io.bunkai.runtime.GuestUsage;
import io.bunkai.runtime.HostUsage;
import io.bunkai.runtime.ProcessUsage;
import io.bunkai.runtime.Usage;
import io.bunkai.runtime.UsageSampler;
import io.bunkai.ttrpc.TtrpcServer;
import java.util.List;
import java.util.stream.Stream;

/** The part of the control protocol that is about what containers use. */
final class StatsMethods {
    private final Containers containers;
    private final Metrics metrics;
    private final UsageSampler sampler = new UsageSampler(NanoClock.SYSTEM);

    StatsMethods(Containers containers) {
        this.containers = containers;
        this.metrics = new Metrics(containers);
    }

    /** Adds these methods to a server. */
    TtrpcServer.Builder offer(TtrpcServer.Builder server) {
        return server.method(ControlMethods.STATS, (request, _) -> stats(request))
                .method(
                        ControlMethods.METRICS,
                        (_, _) -> MetricsResponse.newBuilder().setText(metrics.text()).build());
    }

    private StatsResponse stats(StatsRequest request) {
        StatsResponse.Builder response = StatsResponse.newBuilder();
        sampler.sample(asked(request), UsageSampler.PATIENCE)
                .forEach(usage -> response.addContainers(message(usage)));
        return response.build();
    }

    private List<Container> asked(StatsRequest request) {
        if (request.getContainersCount() == 0) {
            return containers.all().stream()
                    .filter(container ->
                            switch (container.stage()) {
                                case PREPARED, RUNNING, PAUSED -> true;
                                case DESCRIBED, ENDED -> false;
                            })
                    .toList();
        }
        return request.getContainersList().stream()
                .flatMap(name -> find(name, request.getSkipMissing()))
                .distinct()
                .toList();
    }

    private Stream<Container> find(String name, boolean skipMissing) {
        try {
            return Stream.of(containers.get(name));
        } catch (Fault e) {
            if (skipMissing && e.code() == FaultCode.NOT_FOUND) {
                return Stream.empty();
            }
            throw e;
        }
    }

    private static ContainerStats message(Usage usage) {
        ContainerStats.Builder message =
                ContainerStats.newBuilder()
                        .setId(usage.id())
                        .setName(usage.name())
                        .setState(usage.state())
                        .setVcpus(usage.vcpus())
                        .setMemoryBytes(usage.memoryBytes());
        usage.guest().map(StatsMethods::message).ifPresent(message::setGuest);
        usage.host().map(StatsMethods::message).ifPresent(message::setHost);
        usage.hypervisor().map(StatsMethods::message).ifPresent(message::setHypervisor);
        usage.fileServer().map(StatsMethods::message).ifPresent(message::setFileServer);
        usage.files().map(StatsMethods::message).ifPresent(message::setFiles);
        return message.build();
    }

    private static GuestStats message(GuestUsage guest) {
        GuestStats.Builder message =
                GuestStats.newBuilder()
                        .setAtNanos(guest.atNanos())
                        .setCpuNanos(guest.cpuNanos())
                        .setMemoryBytes(guest.memoryBytes())
                        .setMemoryLimitBytes(guest.memoryLimitBytes())
                        .setProcesses(guest.processes())
                        .setBlockReadBytes(guest.blockReadBytes())
                        .setBlockWrittenBytes(guest.blockWrittenBytes());
        guest.network()
                .ifPresent(network ->
                        message.setNetworkReceivedBytes(network.receivedBytes())
                                .setNetworkSentBytes(network.sentBytes()));
        return message.build();
    }

    private static HostStats message(HostUsage host) {
        return HostStats.newBuilder()
                .setAtNanos(host.atNanos())
                .setCpuNanos(host.cpuNanos())
                .setMemoryBytes(host.memoryBytes())
                .build();
    }

    private static ProcessStats message(ProcessUsage process) {
        return ProcessStats.newBuilder()
                .setPid(process.pid())
                .setCpuNanos(process.cpuNanos())
                .setResidentBytes(process.residentBytes())
                .build();
    }

    private static FileStats message(FileUsage files) {
        FileStats.Builder message =
                FileStats.newBuilder().setLimited(files.limited()).addAllWaits(files.waits());
        files.readBytes().ifPresent(message::setReadBytes);
        files.writtenBytes().ifPresent(message::setWrittenBytes);
        files.requests().ifPresent(message::setRequests);
        files.throttled().ifPresent(message::setThrottledRequests);
        files.throttledNanos().ifPresent(message::setThrottledNanos);
        files.parked().ifPresent(message::setParkedRequests);
        return message.build();
    }
}
