// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.api.agent.BlkioStats;
import io.bunkai.api.agent.BlkioStatsEntry;
import io.bunkai.api.agent.CgroupStats;
import io.bunkai.api.agent.CpuStats;
import io.bunkai.api.agent.CpuUsage;
import io.bunkai.api.agent.MemoryData;
import io.bunkai.api.agent.MemoryStats;
import io.bunkai.api.agent.NetworkStats;
import io.bunkai.api.agent.PidsStats;
import io.bunkai.api.agent.StatsContainerResponse;
import org.junit.jupiter.api.Test;

class GuestUsageTest {
    private static final long MACHINE = 1000;
    private static final long LARGEST = -1; // on the wire numbers are unsigned

    private static BlkioStatsEntry io(String operation, long bytes) {
        return BlkioStatsEntry.newBuilder().setOp(operation).setValue(bytes).build();
    }

    private static NetworkStats link(String name, long received, long sent) {
        return NetworkStats.newBuilder()
                .setName(name)
                .setRxBytes(received)
                .setTxBytes(sent)
                .build();
    }

    private static StatsContainerResponse memory(long usage, long inactive, long limit) {
        return StatsContainerResponse.newBuilder()
                .setCgroupStats(
                        CgroupStats.newBuilder()
                                .setMemoryStats(
                                        MemoryStats.newBuilder()
                                                .setUsage(
                                                        MemoryData.newBuilder()
                                                                .setUsage(usage)
                                                                .setLimit(limit))
                                                .putStats("inactive_file", inactive)))
                .build();
    }

    @Test
    void everyFigureOfAnAnswerIsRead() {
        StatsContainerResponse answer =
                StatsContainerResponse.newBuilder()
                        .setCgroupStats(
                                CgroupStats.newBuilder()
                                        .setCpuStats(
                                                CpuStats.newBuilder()
                                                        .setCpuUsage(
                                                                CpuUsage.newBuilder()
                                                                        .setTotalUsage(11)))
                                        .setMemoryStats(
                                                memory(500, 100, 800)
                                                        .getCgroupStats()
                                                        .getMemoryStats())
                                        .setPidsStats(PidsStats.newBuilder().setCurrent(7))
                                        .setBlkioStats(
                                                BlkioStats.newBuilder()
                                                        .addIoServiceBytesRecursive(io("Read", 1))
                                                        .addIoServiceBytesRecursive(io("read", 2))
                                                        .addIoServiceBytesRecursive(io("Write", 4))
                                                        .addIoServiceBytesRecursive(
                                                                io("Discard", 8))
                                                        .addIoServicedRecursive(io("Read", 16))))
                        .addNetworkStats(link("lo", 1000, 1000))
                        .addNetworkStats(link("eth0", 20, 30))
                        .addNetworkStats(link("eth1", 1, 2))
                        .build();
        GuestUsage usage = GuestUsage.of(answer, MACHINE, 99);
        assertThat(usage.atNanos()).isEqualTo(99);
        assertThat(usage.cpuNanos()).isEqualTo(11);
        assertThat(usage.memoryBytes()).isEqualTo(400);
        assertThat(usage.memoryLimitBytes()).isEqualTo(800);
        assertThat(usage.processes()).isEqualTo(7);
        assertThat(usage.blockReadBytes()).isEqualTo(3);
        assertThat(usage.blockWrittenBytes()).isEqualTo(4);
        assertThat(usage.network()).hasValue(new GuestUsage.Network(21, 32));
    }

    @Test
    void withoutALimitTheMachineIsTheLimit() {
        assertThat(GuestUsage.of(memory(5, 0, LARGEST), MACHINE, 0).memoryLimitBytes())
                .isEqualTo(MACHINE);
    }

    @Test
    void loopbackIsNoNetwork() {
        StatsContainerResponse answer =
                StatsContainerResponse.newBuilder().addNetworkStats(link("lo", 5, 5)).build();
        assertThat(GuestUsage.of(answer, MACHINE, 0).network()).isEmpty();
    }

    @Test
    void aGuestCannotMakeANumberNegative() {
        StatsContainerResponse hostile =
                memory(3, LARGEST, 0).toBuilder()
                        .addNetworkStats(link("a", Long.MAX_VALUE, LARGEST))
                        .addNetworkStats(link("b", Long.MAX_VALUE, 1))
                        .build();
        hostile =
                hostile.toBuilder()
                        .setCgroupStats(
                                hostile.getCgroupStats().toBuilder()
                                        .setBlkioStats(
                                                BlkioStats.newBuilder()
                                                        .addIoServiceBytesRecursive(
                                                                io("Read", Long.MAX_VALUE))
                                                        .addIoServiceBytesRecursive(io("Read", 1)))
                                        .setPidsStats(PidsStats.newBuilder().setCurrent(LARGEST)))
                        .build();
        GuestUsage usage = GuestUsage.of(hostile, MACHINE, 0);
        assertThat(usage.memoryBytes()).isZero();
        assertThat(usage.memoryLimitBytes()).isZero();
        assertThat(usage.processes()).isEqualTo(Long.MAX_VALUE);
        assertThat(usage.blockReadBytes()).isEqualTo(Long.MAX_VALUE);
        assertThat(usage.network())
                .hasValue(new GuestUsage.Network(Long.MAX_VALUE, Long.MAX_VALUE));
    }

    @Test
    void anEmptyAnswerIsNoughts() {
        GuestUsage usage = GuestUsage.of(StatsContainerResponse.getDefaultInstance(), MACHINE, 0);
        assertThat(usage.memoryBytes()).isZero();
        assertThat(usage.network()).isEmpty();
    }
}
