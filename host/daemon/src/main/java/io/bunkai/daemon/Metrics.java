// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.base.NanoClock;
import io.bunkai.linux.ProcessMemory;
import io.bunkai.linux.ProcessTime;
import io.bunkai.runtime.Container;
import io.bunkai.runtime.Containers;
import io.bunkai.runtime.FileUsage;
import io.bunkai.runtime.GuestUsage;
import io.bunkai.runtime.HostUsage;
import io.bunkai.runtime.Owner;
import io.bunkai.runtime.ProcessUsage;
import io.bunkai.runtime.Usage;
import io.bunkai.runtime.UsageSampler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What this daemon can tell of itself and of all its containers, as Prometheus reads it. Nothing is
 * collected before somebody asks; docs/metrics.md has the names.
 */
final class Metrics {
    /** In the order of a life; those of {@link io.bunkai.runtime.ContainerView}. */
    private static final List<String> STATES =
            List.of("created", "starting", "prepared", "running", "paused", "stopped", "lost");

    /** What Kubernetes calls a pod, as containerd tells it to a runtime. */
    private static final Map<String, String> POD =
            new TreeMap<>(
                    Map.of(
                            "cri_name", "io.kubernetes.cri.sandbox-name",
                            "cri_namespace", "io.kubernetes.cri.sandbox-namespace",
                            "cri_uid", "io.kubernetes.cri.sandbox-uid"));

    private static final String SANDBOX = "sandbox";
    private static final String DIRECTION = "direction";

    private final Containers containers;
    private final UsageSampler sampler = new UsageSampler(NanoClock.SYSTEM);

    Metrics(Containers containers) {
        this.containers = containers;
    }

    /** {@return all of them, in Prometheus' text format} */
    String text() {
        List<Container> all = containers.all();
        List<Usage> usages = sampler.sample(all, UsageSampler.PATIENCE);
        MetricFamilies families = new MetricFamilies();
        addDaemon(families);
        addStates(families, usages);
        all.forEach(container -> addInfo(families, container));
        usages.forEach(usage -> add(families, usage));
        return families.text();
    }

    private static void addDaemon(MetricFamilies families) {
        int pid = (int) ProcessHandle.current().pid();
        families.gauge(
                "bunkai_build_info",
                "The version of the daemon; always 1.",
                1,
                "version",
                ReleaseVersion.TEXT);
        families.time(
                "process_cpu_seconds",
                "Processor time that the daemon has used.",
                ProcessTime.withChildren(pid).toNanos());
        ProcessMemory.resident(pid)
                .ifPresent(bytes ->
                        families.gauge(
                                "process_resident_memory_bytes",
                                "Memory that the daemon has in its address space.",
                                bytes));
        openFiles()
                .ifPresent(number ->
                        families.gauge(
                                "process_open_fds",
                                "Descriptors that the daemon has open.",
                                number));
        ProcessHandle.current()
                .info()
                .startInstant()
                .ifPresent(start ->
                        families.gauge(
                                "process_start_time_seconds",
                                "When the daemon started, in seconds since the epoch.",
                                start.getEpochSecond()));
    }

    private static OptionalLong openFiles() {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            return OptionalLong.of(all.count() - 1); // without the one that lists them
        } catch (IOException e) {
            return OptionalLong.empty();
        }
    }

    /** All states, so that a query finds a 0 where nothing is. */
    static void addStates(MetricFamilies families, List<Usage> usages) {
        Map<String, Long> counts =
                usages.stream()
                        .map(Usage::state)
                        .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
        for (String state : STATES) {
            families.gauge(
                    "bunkai_sandboxes",
                    "Containers with their machines, by state.",
                    counts.getOrDefault(state, 0L),
                    "state",
                    state);
        }
    }

    private static void addInfo(MetricFamilies families, Container container) {
        List<String> labels =
                new ArrayList<>(
                        List.of(
                                SANDBOX,
                                container.id(),
                                "name",
                                container.name(),
                                "image",
                                container.plan().image().reference(),
                                "containerd_namespace",
                                container.terms().owner().map(Owner::namespace).orElse("")));
        POD.forEach((label, annotation) ->
                labels.addAll(
                        List.of(
                                label,
                                container.terms().annotations().getOrDefault(annotation, ""))));
        families.gauge(
                "bunkai_sandbox_info",
                "What a container is called; always 1.",
                1,
                labels.toArray(String[]::new));
    }

    /** Adds what a container uses. */
    static void add(MetricFamilies families, Usage usage) {
        String id = usage.id();
        usage.host().ifPresent(host -> add(families, id, host));
        usage.hypervisor()
                .ifPresent(process -> add(families, "bunkai_hypervisor", "QEMU", id, process));
        usage.fileServer()
                .ifPresent(process -> add(families, "bunkai_fs", "the file server", id, process));
        if (usage.host().isPresent()) {
            families.gauge(
                    "bunkai_guest_up",
                    "Whether the guest answered this scrape.",
                    usage.guest().isPresent() ? 1 : 0,
                    SANDBOX,
                    id);
        }
        if (usage.fileServer().isPresent()) {
            families.gauge(
                    "bunkai_fs_up",
                    "Whether the file server answered this scrape.",
                    usage.files().isPresent() ? 1 : 0,
                    SANDBOX,
                    id);
        }
        usage.guest().ifPresent(guest -> add(families, id, guest));
        usage.files().ifPresent(files -> add(families, id, files));
    }

    private static void add(MetricFamilies families, String id, HostUsage host) {
        families.time(
                "bunkai_sandbox_cpu_seconds",
                "Processor time of the host that the machine, its file server and whatever else"
                        + " belongs to it have used.",
                host.cpuNanos(),
                SANDBOX,
                id);
        families.gauge(
                "bunkai_sandbox_memory_bytes",
                "Memory of the host that these use, without the page cache that nobody has used"
                        + " lately.",
                host.memoryBytes(),
                SANDBOX,
                id);
    }

    private static void add(
            MetricFamilies families, String prefix, String who, String id, ProcessUsage process) {
        families.time(
                prefix + "_cpu_seconds",
                "Processor time that " + who + " has used.",
                process.cpuNanos(),
                SANDBOX,
                id);
        families.gauge(
                prefix + "_resident_memory_bytes",
                "Memory that " + who + " has in its address space, the guest's among it.",
                process.residentBytes(),
                SANDBOX,
                id);
    }

    private static void add(MetricFamilies families, String id, GuestUsage guest) {
        families.time(
                "bunkai_container_cpu_seconds",
                "Processor time that the container has used, as its guest says.",
                guest.cpuNanos(),
                SANDBOX,
                id);
        families.gauge(
                "bunkai_container_memory_bytes",
                "Memory that the container uses, as its guest says, without the page cache that"
                        + " nobody has used lately.",
                guest.memoryBytes(),
                SANDBOX,
                id);
        families.gauge(
                "bunkai_container_memory_limit_bytes",
                "Memory that the container may use.",
                guest.memoryLimitBytes(),
                SANDBOX,
                id);
        families.gauge(
                "bunkai_container_processes",
                "Processes and threads of the container, as its guest says.",
                guest.processes(),
                SANDBOX,
                id);
        String block = "bunkai_container_block_bytes";
        String blockHelp = "Bytes moved from and to the guest's disks, as the guest says.";
        families.counter(block, blockHelp, guest.blockReadBytes(), SANDBOX, id, DIRECTION, "read");
        families.counter(
                block, blockHelp, guest.blockWrittenBytes(), SANDBOX, id, DIRECTION, "write");
        guest.network().ifPresent(network -> add(families, id, network));
    }

    private static void add(MetricFamilies families, String id, GuestUsage.Network network) {
        String name = "bunkai_container_network_bytes";
        String help = "Bytes received and sent, as the guest says.";
        families.counter(name, help, network.receivedBytes(), SANDBOX, id, DIRECTION, "receive");
        families.counter(name, help, network.sentBytes(), SANDBOX, id, DIRECTION, "transmit");
    }

    private static void add(MetricFamilies families, String id, FileUsage files) {
        String name = "bunkai_fs_bytes";
        String help =
                "Bytes that the guest has read and written of the host's files while there was a"
                        + " limit.";
        files.readBytes()
                .ifPresent(bytes ->
                        families.counter(name, help, bytes, SANDBOX, id, DIRECTION, "read"));
        files.writtenBytes()
                .ifPresent(bytes ->
                        families.counter(name, help, bytes, SANDBOX, id, DIRECTION, "write"));
        files.requests()
                .ifPresent(requests ->
                        families.counter(
                                "bunkai_fs_requests",
                                "Requests of the guest to its file server while there was"
                                        + " a limit.",
                                requests,
                                SANDBOX,
                                id));
        files.parked()
                .ifPresent(parked ->
                        families.gauge(
                                "bunkai_fs_parked_requests",
                                "Requests that wait for a limit now.",
                                parked,
                                SANDBOX,
                                id));
        addWaits(families, id, files);
    }

    private static void addWaits(MetricFamilies families, String id, FileUsage files) {
        files.throttled()
                .ifPresent(throttled ->
                        families.counter(
                                "bunkai_fs_throttled_requests",
                                "Requests that had to wait for a limit.",
                                throttled,
                                SANDBOX,
                                id));
        files.throttledNanos()
                .ifPresent(nanos ->
                        families.time(
                                "bunkai_fs_throttled_seconds",
                                "How long these have waited, all together.",
                                nanos,
                                SANDBOX,
                                id));
        if (!files.waits().isEmpty() && files.throttledNanos().isPresent()) {
            families.histogram(
                    "bunkai_fs_wait_seconds",
                    "How long requests have waited for a limit, of those that had to.",
                    files.waits(),
                    files.throttledNanos().getAsLong(),
                    SANDBOX,
                    id);
        }
    }
}
