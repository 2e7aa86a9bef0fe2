// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.api.agent.BlkioStats;
import io.bunkai.api.agent.CgroupStats;
import io.bunkai.api.agent.MemoryStats;
import io.bunkai.api.agent.NetworkStats;
import io.bunkai.api.agent.StatsContainerResponse;
import java.util.List;
import java.util.Optional;
import java.util.function.ToLongFunction;

/**
 * What a guest says that its container uses. It can say anything; here are numbers from 0 on, and
 * one that is beyond 63 bits is the largest of them.
 *
 * @param atNanos when it had answered, by the sampler's clock
 * @param memoryBytes without the page cache that nobody has used lately, as Docker counts it
 * @param memoryLimitBytes at most the machine's memory
 * @param network empty if it has none but its own loopback
 */
public record GuestUsage(
        long atNanos,
        long cpuNanos,
        long memoryBytes,
        long memoryLimitBytes,
        long processes,
        long blockReadBytes,
        long blockWrittenBytes,
        Optional<Network> network) {
    private static final String LOOPBACK = "lo";

    /** Bytes of all interfaces of a guest. */
    public record Network(long receivedBytes, long sentBytes) {}

    /** {@return what an answer says} */
    static GuestUsage of(StatsContainerResponse answer, long machineBytes, long atNanos) {
        CgroupStats group = answer.getCgroupStats();
        MemoryStats memory = group.getMemoryStats();
        long used = figure(memory.getUsage().getUsage());
        long unused = figure(memory.getStatsOrDefault("inactive_file", 0));
        return new GuestUsage(
                atNanos,
                figure(group.getCpuStats().getCpuUsage().getTotalUsage()),
                Math.max(0, used - unused),
                Math.min(machineBytes, figure(memory.getUsage().getLimit())),
                figure(group.getPidsStats().getCurrent()),
                blockBytes(group.getBlkioStats(), "Read"),
                blockBytes(group.getBlkioStats(), "Write"),
                network(answer.getNetworkStatsList()));
    }

    private static long blockBytes(BlkioStats io, String operation) {
        return io.getIoServiceBytesRecursiveList().stream()
                .filter(entry -> entry.getOp().equalsIgnoreCase(operation))
                .mapToLong(entry -> figure(entry.getValue()))
                .reduce(0, GuestUsage::sum);
    }

    private static Optional<Network> network(List<NetworkStats> all) {
        List<NetworkStats> links =
                all.stream().filter(link -> !link.getName().equals(LOOPBACK)).toList();
        return links.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        new Network(
                                total(links, NetworkStats::getRxBytes),
                                total(links, NetworkStats::getTxBytes)));
    }

    private static long total(List<NetworkStats> links, ToLongFunction<NetworkStats> which) {
        return links.stream()
                .mapToLong(link -> figure(which.applyAsLong(link)))
                .reduce(0, GuestUsage::sum);
    }

    /** On the wire numbers are unsigned. */
    private static long figure(long value) {
        return value < 0 ? Long.MAX_VALUE : value;
    }

    private static long sum(long a, long b) {
        return a > Long.MAX_VALUE - b ? Long.MAX_VALUE : a + b;
    }
}
