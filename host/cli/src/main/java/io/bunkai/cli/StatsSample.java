// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.control.ContainerStats;
import io.bunkai.api.control.FileStats;
import io.bunkai.api.control.GuestStats;
import io.bunkai.api.control.HostStats;
import io.bunkai.api.control.ProcessStats;
import io.bunkai.base.ByteSize;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * What containers used at one moment, and how busy they were since the moment before. A guest can
 * say anything, so a counter that went back, or a moment that did not pass, gives no rate.
 */
final class StatsSample {
    private static final String UNKNOWN = "-";
    private static final double PERCENT = 100;
    private static final long NANOS_PER_MILLI = 1_000_000;
    private static final long NANOS_PER_SECOND = 1_000_000_000;

    private final List<ContainerStats> now;
    private final Map<String, ContainerStats> before;

    private StatsSample(List<ContainerStats> now, Map<String, ContainerStats> before) {
        this.now = now;
        this.before = before;
    }

    /** {@return a sample without one before it, so without rates} */
    static StatsSample first(List<ContainerStats> containers) {
        return new StatsSample(containers, Map.of());
    }

    /** {@return the sample after this one} */
    StatsSample next(List<ContainerStats> containers) {
        Map<String, ContainerStats> byId = new HashMap<>();
        now.forEach(container -> byId.put(container.getId(), container));
        return new StatsSample(containers, byId);
    }

    boolean isEmpty() {
        return now.isEmpty();
    }

    // ---- rates ----

    private OptionalDouble guestPercent(ContainerStats container) {
        ContainerStats then = before.get(container.getId());
        if (then == null || !then.hasGuest() || !container.hasGuest()) {
            return OptionalDouble.empty();
        }
        GuestStats from = then.getGuest();
        GuestStats to = container.getGuest();
        return percent(to.getCpuNanos() - from.getCpuNanos(), to.getAtNanos() - from.getAtNanos());
    }

    private OptionalDouble hostPercent(ContainerStats container) {
        ContainerStats then = before.get(container.getId());
        if (then == null || !then.hasHost() || !container.hasHost()) {
            return OptionalDouble.empty();
        }
        HostStats from = then.getHost();
        HostStats to = container.getHost();
        return percent(to.getCpuNanos() - from.getCpuNanos(), to.getAtNanos() - from.getAtNanos());
    }

    /** {@return how busy; 100 is one processor} */
    private static OptionalDouble percent(long cpuNanos, long nanos) {
        return cpuNanos < 0 || nanos <= 0
                ? OptionalDouble.empty()
                : OptionalDouble.of(PERCENT * cpuNanos / nanos);
    }

    // ---- for people ----

    Table table() {
        Table table =
                new Table(
                        "CONTAINER ID",
                        "NAME",
                        "CPU %",
                        "MEM USAGE / LIMIT",
                        "MEM %",
                        "PIDS",
                        "NET I/O",
                        "BLOCK I/O",
                        "FILE I/O",
                        "REQUESTS",
                        "THROTTLED",
                        "WAITED",
                        "PARKED",
                        "HOST CPU %",
                        "HOST MEM");
        now.forEach(container -> row(table, container));
        return table;
    }

    private void row(Table table, ContainerStats container) {
        GuestStats guest = container.hasGuest() ? container.getGuest() : null;
        FileStats files = counted(container);
        table.row(
                Texts.shortId(container.getId()),
                container.getName(),
                shown(guestPercent(container)),
                guest == null ? UNKNOWN : both(guest.getMemoryBytes(), guest.getMemoryLimitBytes()),
                guest == null || guest.getMemoryLimitBytes() <= 0
                        ? UNKNOWN
                        : shown(
                                OptionalDouble.of(
                                        PERCENT
                                                * guest.getMemoryBytes()
                                                / guest.getMemoryLimitBytes())),
                guest == null ? UNKNOWN : Long.toString(guest.getProcesses()),
                guest == null || !guest.hasNetworkReceivedBytes()
                        ? UNKNOWN
                        : both(guest.getNetworkReceivedBytes(), guest.getNetworkSentBytes()),
                guest == null
                        ? UNKNOWN
                        : both(guest.getBlockReadBytes(), guest.getBlockWrittenBytes()),
                files == null || !files.hasReadBytes() || !files.hasWrittenBytes()
                        ? UNKNOWN
                        : both(files.getReadBytes(), files.getWrittenBytes()),
                files == null || !files.hasRequests()
                        ? UNKNOWN
                        : Long.toString(files.getRequests()),
                files == null || !files.hasThrottledRequests()
                        ? UNKNOWN
                        : Long.toString(files.getThrottledRequests()),
                files == null || !files.hasThrottledNanos()
                        ? UNKNOWN
                        : time(files.getThrottledNanos()),
                files == null || !files.hasParkedRequests()
                        ? UNKNOWN
                        : Long.toString(files.getParkedRequests()),
                shown(hostPercent(container)),
                container.hasHost() ? size(container.getHost().getMemoryBytes()) : UNKNOWN);
    }

    /** {@return the counters, unless there never was a limit, so that nothing was counted} */
    private static @Nullable FileStats counted(ContainerStats container) {
        FileStats files = container.getFiles();
        return container.hasFiles() && (files.getLimited() || files.getRequests() > 0)
                ? files
                : null;
    }

    private static String shown(OptionalDouble percent) {
        return percent.isPresent()
                ? String.format(Locale.ROOT, "%.2f%%", percent.getAsDouble())
                : UNKNOWN;
    }

    private static String both(long one, long other) {
        return size(one) + " / " + size(other);
    }

    private static String time(long nanos) {
        return nanos < NANOS_PER_SECOND
                ? nanos / NANOS_PER_MILLI + " ms"
                : String.format(Locale.ROOT, "%.1f s", (double) nanos / NANOS_PER_SECOND);
    }

    private static String size(long bytes) {
        return ByteSize.ofBytes(Math.max(0, bytes)).toString();
    }

    // ---- for programs ----

    void write(JsonGenerator json) {
        json.writeStartArray();
        now.forEach(container -> write(json, container));
        json.writeEndArray();
    }

    private void write(JsonGenerator json, ContainerStats container) {
        json.writeStartObject();
        json.writeStringProperty("id", container.getId());
        json.writeStringProperty("name", container.getName());
        json.writeStringProperty("state", container.getState());
        json.writeNumberProperty("vcpus", container.getVcpus());
        json.writeNumberProperty("memoryBytes", container.getMemoryBytes());
        part(json, "guest", container.hasGuest(), () -> guest(json, container));
        part(json, "host", container.hasHost(), () -> host(json, container));
        part(
                json,
                "hypervisor",
                container.hasHypervisor(),
                () -> process(json, container.getHypervisor()));
        part(
                json,
                "fileServer",
                container.hasFileServer(),
                () -> process(json, container.getFileServer()));
        part(json, "files", container.hasFiles(), () -> files(json, container.getFiles()));
        json.writeEndObject();
    }

    /** A part that is not known is null. */
    private static void part(JsonGenerator json, String name, boolean known, Runnable body) {
        if (!known) {
            json.writeNullProperty(name);
            return;
        }
        json.writeObjectPropertyStart(name);
        body.run();
        json.writeEndObject();
    }

    private void guest(JsonGenerator json, ContainerStats container) {
        GuestStats guest = container.getGuest();
        percent(json, guestPercent(container));
        json.writeNumberProperty("cpuNanos", guest.getCpuNanos());
        json.writeNumberProperty("memoryBytes", guest.getMemoryBytes());
        json.writeNumberProperty("memoryLimitBytes", guest.getMemoryLimitBytes());
        json.writeNumberProperty("processes", guest.getProcesses());
        json.writeNumberProperty("blockReadBytes", guest.getBlockReadBytes());
        json.writeNumberProperty("blockWrittenBytes", guest.getBlockWrittenBytes());
        number(
                json,
                "networkReceivedBytes",
                guest.hasNetworkReceivedBytes(),
                guest.getNetworkReceivedBytes());
        number(json, "networkSentBytes", guest.hasNetworkSentBytes(), guest.getNetworkSentBytes());
    }

    private void host(JsonGenerator json, ContainerStats container) {
        HostStats host = container.getHost();
        percent(json, hostPercent(container));
        json.writeNumberProperty("cpuNanos", host.getCpuNanos());
        json.writeNumberProperty("memoryBytes", host.getMemoryBytes());
    }

    private static void process(JsonGenerator json, ProcessStats process) {
        json.writeNumberProperty("pid", process.getPid());
        json.writeNumberProperty("cpuNanos", process.getCpuNanos());
        json.writeNumberProperty("residentBytes", process.getResidentBytes());
    }

    private static void files(JsonGenerator json, FileStats files) {
        json.writeBooleanProperty("limited", files.getLimited());
        number(json, "readBytes", files.hasReadBytes(), files.getReadBytes());
        number(json, "writtenBytes", files.hasWrittenBytes(), files.getWrittenBytes());
        number(json, "requests", files.hasRequests(), files.getRequests());
        number(
                json,
                "throttledRequests",
                files.hasThrottledRequests(),
                files.getThrottledRequests());
        number(json, "throttledNanos", files.hasThrottledNanos(), files.getThrottledNanos());
        number(json, "parkedRequests", files.hasParkedRequests(), files.getParkedRequests());
        json.writeArrayPropertyStart("waits");
        files.getWaitsList().forEach(json::writeNumber);
        json.writeEndArray();
    }

    private static void percent(JsonGenerator json, OptionalDouble percent) {
        if (percent.isPresent()) {
            json.writeNumberProperty(
                    "cpuPercent", Math.rint(percent.getAsDouble() * PERCENT) / PERCENT);
        } else {
            json.writeNullProperty("cpuPercent");
        }
    }

    private static void number(JsonGenerator json, String name, boolean known, long value) {
        if (known) {
            json.writeNumberProperty(name, value);
        } else {
            json.writeNullProperty(name);
        }
    }
}
