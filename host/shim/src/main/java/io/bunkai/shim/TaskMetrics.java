// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import com.google.protobuf.Any;
import io.bunkai.api.TypeUrls;
import io.bunkai.api.agent.BlkioStats;
import io.bunkai.api.agent.BlkioStatsEntry;
import io.bunkai.api.agent.CgroupStats;
import io.bunkai.api.agent.CpuUsage;
import io.bunkai.api.agent.HugetlbStats;
import io.bunkai.api.agent.MemoryData;
import io.bunkai.api.agent.MemoryStats;
import io.bunkai.api.agent.NetworkStats;
import io.bunkai.api.agent.StatsContainerResponse;
import io.bunkai.api.agent.ThrottlingData;
import io.bunkai.api.containerd.CgroupsV1;
import io.bunkai.api.containerd.CgroupsV2;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a container uses, from the agent's words to containerd's.
 *
 * <p>The agent reads cgroup v2 and tells it in a form made for v1: times in nanoseconds, one entry
 * for each device and direction, the lines of {@code memory.stat} by their names. containerd wants
 * the form of the host's hierarchy, and its clients read through the parts of that without asking
 * whether they are there, so processor, memory and process counts always are. What neither the
 * agent nor the guest's kernel counts is 0.
 *
 * <p>Numbers are unsigned. A limit that is not set arrives as the largest of them, and leaves as
 * what the host's own kernel would say in the same place.
 */
final class TaskMetrics {
    /** What cgroup v1 says where memory has no limit: the largest number of whole pages. */
    private static final long V1_UNLIMITED_MEMORY = 0x7fff_ffff_ffff_f000L;

    /** What containerd makes of v1's "max" for the number of processes. */
    private static final long V1_UNLIMITED_PIDS = 0;

    private static final long UNLIMITED = -1;
    private static final long NANOS_PER_MICRO = 1000;

    private TaskMetrics() {}

    /** Which of the two forms containerd wants. */
    enum Form {
        CGROUP_V1,
        CGROUP_V2;

        /**
         * {@return the form that fits a host}
         *
         * @param mountPoint normally {@code /sys/fs/cgroup}; v1 also where both are mounted below
         */
        static Form ofHost(Path mountPoint) {
            return Files.exists(mountPoint.resolve("cgroup.controllers")) ? CGROUP_V2 : CGROUP_V1;
        }
    }

    /** {@return the metrics of a container in this form, packed as the answer to Stats has them} */
    static Any of(StatsContainerResponse stats, Form form) {
        return switch (form) {
            case CGROUP_V1 -> TypeUrls.pack(TypeUrls.CGROUPS_V1_METRICS, v1(stats));
            case CGROUP_V2 -> TypeUrls.pack(TypeUrls.CGROUPS_V2_METRICS, v2(stats));
        };
    }

    private static CgroupsV1.Metrics v1(StatsContainerResponse stats) {
        CgroupStats group = stats.getCgroupStats();
        CpuUsage cpu = group.getCpuStats().getCpuUsage();
        ThrottlingData throttling = group.getCpuStats().getThrottlingData();
        long pids = group.getPidsStats().getLimit();
        CgroupsV1.Metrics.Builder metrics =
                CgroupsV1.Metrics.newBuilder()
                        .setPids(
                                CgroupsV1.PidsStat.newBuilder()
                                        .setCurrent(group.getPidsStats().getCurrent())
                                        .setLimit(pids == UNLIMITED ? V1_UNLIMITED_PIDS : pids))
                        .setCpu(
                                CgroupsV1.CPUStat.newBuilder()
                                        .setUsage(
                                                CgroupsV1.CPUUsage.newBuilder()
                                                        .setTotal(cpu.getTotalUsage())
                                                        .setKernel(cpu.getUsageInKernelmode())
                                                        .setUser(cpu.getUsageInUsermode())
                                                        .addAllPerCpu(cpu.getPercpuUsageList()))
                                        .setThrottling(
                                                CgroupsV1.Throttle.newBuilder()
                                                        .setPeriods(throttling.getPeriods())
                                                        .setThrottledPeriods(
                                                                throttling.getThrottledPeriods())
                                                        .setThrottledTime(
                                                                throttling.getThrottledTime())))
                        .setMemory(memoryV1(group.getMemoryStats()))
                        .setBlkio(blkioV1(group.getBlkioStats()))
                        .setMemoryOomControl(
                                CgroupsV1.MemoryOomControl.newBuilder()
                                        .setOomKill(
                                                new Lines(group.getMemoryStats()).of("oom_kill")));
        for (var page : new TreeMap<>(group.getHugetlbStatsMap()).entrySet()) {
            HugetlbStats huge = page.getValue();
            metrics.addHugetlb(
                    CgroupsV1.HugetlbStat.newBuilder()
                            .setUsage(huge.getUsage())
                            .setMax(huge.getMaxUsage())
                            .setFailcnt(huge.getFailcnt())
                            .setPagesize(page.getKey()));
        }
        for (NetworkStats link : stats.getNetworkStatsList()) {
            metrics.addNetwork(
                    CgroupsV1.NetworkStat.newBuilder()
                            .setName(link.getName())
                            .setRxBytes(link.getRxBytes())
                            .setRxPackets(link.getRxPackets())
                            .setRxErrors(link.getRxErrors())
                            .setRxDropped(link.getRxDropped())
                            .setTxBytes(link.getTxBytes())
                            .setTxPackets(link.getTxPackets())
                            .setTxErrors(link.getTxErrors())
                            .setTxDropped(link.getTxDropped()));
        }
        return metrics.build();
    }

    /** The guest's lines are with the groups below, as v1's total ones; both say the same here. */
    private static CgroupsV1.MemoryStat memoryV1(MemoryStats memory) {
        Lines lines = new Lines(memory);
        CgroupsV1.MemoryEntry.Builder usage = entryV1(memory.getUsage());
        CgroupsV1.MemoryEntry.Builder withSwap = withSwapV1(memory);
        return CgroupsV1.MemoryStat.newBuilder()
                .setCache(memory.getCache())
                .setRss(lines.of("anon"))
                .setRssHuge(lines.of("anon_thp"))
                .setMappedFile(lines.of("file_mapped"))
                .setDirty(lines.of("file_dirty"))
                .setWriteback(lines.of("file_writeback"))
                .setPgFault(lines.of("pgfault"))
                .setPgMajFault(lines.of("pgmajfault"))
                .setInactiveAnon(lines.of("inactive_anon"))
                .setActiveAnon(lines.of("active_anon"))
                .setInactiveFile(lines.of("inactive_file"))
                .setActiveFile(lines.of("active_file"))
                .setUnevictable(lines.of("unevictable"))
                .setHierarchicalMemoryLimit(usage.getLimit())
                .setHierarchicalSwapLimit(withSwap.getLimit())
                .setTotalCache(memory.getCache())
                .setTotalRss(lines.of("anon"))
                .setTotalRssHuge(lines.of("anon_thp"))
                .setTotalMappedFile(lines.of("file_mapped"))
                .setTotalDirty(lines.of("file_dirty"))
                .setTotalWriteback(lines.of("file_writeback"))
                .setTotalPgFault(lines.of("pgfault"))
                .setTotalPgMajFault(lines.of("pgmajfault"))
                .setTotalInactiveAnon(lines.of("inactive_anon"))
                .setTotalActiveAnon(lines.of("active_anon"))
                .setTotalInactiveFile(lines.of("inactive_file"))
                .setTotalActiveFile(lines.of("active_file"))
                .setTotalUnevictable(lines.of("unevictable"))
                .setUsage(usage)
                .setSwap(withSwap)
                .setKernel(entryV1(memory.getKernelUsage()))
                .build();
    }

    private static CgroupsV1.MemoryEntry.Builder entryV1(MemoryData data) {
        return CgroupsV1.MemoryEntry.newBuilder()
                .setLimit(limitV1(data.getLimit()))
                .setUsage(data.getUsage())
                .setMax(data.getMaxUsage())
                .setFailcnt(data.getFailcnt());
    }

    /** v1 counts memory and swap together, v2 swap alone. Their peaks need not coincide: no sum. */
    private static CgroupsV1.MemoryEntry.Builder withSwapV1(MemoryStats memory) {
        MemoryData swap = memory.getSwapUsage();
        return CgroupsV1.MemoryEntry.newBuilder()
                .setLimit(limitV1(sum(memory.getUsage().getLimit(), swap.getLimit())))
                .setUsage(sum(memory.getUsage().getUsage(), swap.getUsage()))
                .setFailcnt(swap.getFailcnt());
    }

    private static long limitV1(long limit) {
        return Long.compareUnsigned(limit, V1_UNLIMITED_MEMORY) < 0 ? limit : V1_UNLIMITED_MEMORY;
    }

    /** {@return the sum of two unsigned numbers; the largest if it does not fit} */
    private static long sum(long a, long b) {
        return Long.compareUnsigned(a + b, a) < 0 ? UNLIMITED : a + b;
    }

    private static CgroupsV1.BlkIOStat blkioV1(BlkioStats io) {
        CgroupsV1.BlkIOStat.Builder stat = CgroupsV1.BlkIOStat.newBuilder();
        io.getIoServiceBytesRecursiveList()
                .forEach(entry -> stat.addIoServiceBytesRecursive(entryV1(entry)));
        io.getIoServicedRecursiveList()
                .forEach(entry -> stat.addIoServicedRecursive(entryV1(entry)));
        io.getIoQueuedRecursiveList().forEach(entry -> stat.addIoQueuedRecursive(entryV1(entry)));
        io.getIoServiceTimeRecursiveList()
                .forEach(entry -> stat.addIoServiceTimeRecursive(entryV1(entry)));
        io.getIoWaitTimeRecursiveList()
                .forEach(entry -> stat.addIoWaitTimeRecursive(entryV1(entry)));
        io.getIoMergedRecursiveList().forEach(entry -> stat.addIoMergedRecursive(entryV1(entry)));
        io.getIoTimeRecursiveList().forEach(entry -> stat.addIoTimeRecursive(entryV1(entry)));
        io.getSectorsRecursiveList().forEach(entry -> stat.addSectorsRecursive(entryV1(entry)));
        return stat.build();
    }

    private static CgroupsV1.BlkIOEntry.Builder entryV1(BlkioStatsEntry entry) {
        return CgroupsV1.BlkIOEntry.newBuilder()
                .setOp(entry.getOp())
                .setMajor(entry.getMajor())
                .setMinor(entry.getMinor())
                .setValue(entry.getValue());
    }

    private static CgroupsV2.Metrics v2(StatsContainerResponse stats) {
        CgroupStats group = stats.getCgroupStats();
        CpuUsage cpu = group.getCpuStats().getCpuUsage();
        ThrottlingData throttling = group.getCpuStats().getThrottlingData();
        Lines lines = new Lines(group.getMemoryStats());
        CgroupsV2.Metrics.Builder metrics =
                CgroupsV2.Metrics.newBuilder()
                        .setPids(
                                CgroupsV2.PidsStat.newBuilder()
                                        .setCurrent(group.getPidsStats().getCurrent())
                                        .setLimit(group.getPidsStats().getLimit()))
                        .setCpu(
                                CgroupsV2.CPUStat.newBuilder()
                                        .setUsageUsec(micros(cpu.getTotalUsage()))
                                        .setUserUsec(micros(cpu.getUsageInUsermode()))
                                        .setSystemUsec(micros(cpu.getUsageInKernelmode()))
                                        .setNrPeriods(throttling.getPeriods())
                                        .setNrThrottled(throttling.getThrottledPeriods())
                                        .setThrottledUsec(micros(throttling.getThrottledTime())))
                        .setMemory(memoryV2(group.getMemoryStats()))
                        .setIo(ioV2(group.getBlkioStats()))
                        .setMemoryEvents(
                                CgroupsV2.MemoryEvents.newBuilder()
                                        .setMax(group.getMemoryStats().getUsage().getFailcnt())
                                        .setOom(lines.of("oom"))
                                        .setOomKill(lines.of("oom_kill")));
        for (var page : new TreeMap<>(group.getHugetlbStatsMap()).entrySet()) {
            HugetlbStats huge = page.getValue();
            metrics.addHugetlb( // "max" would be the limit, which the agent does not tell
                    CgroupsV2.HugeTlbStat.newBuilder()
                            .setCurrent(huge.getUsage())
                            .setPagesize(page.getKey())
                            .setFailcnt(huge.getFailcnt()));
        }
        for (NetworkStats link : stats.getNetworkStatsList()) {
            metrics.addNetwork(
                    CgroupsV2.NetworkStat.newBuilder()
                            .setName(link.getName())
                            .setRxBytes(link.getRxBytes())
                            .setRxPackets(link.getRxPackets())
                            .setRxErrors(link.getRxErrors())
                            .setRxDropped(link.getRxDropped())
                            .setTxBytes(link.getTxBytes())
                            .setTxPackets(link.getTxPackets())
                            .setTxErrors(link.getTxErrors())
                            .setTxDropped(link.getTxDropped()));
        }
        return metrics.build();
    }

    private static long micros(long nanos) {
        return Long.divideUnsigned(nanos, NANOS_PER_MICRO);
    }

    private static CgroupsV2.MemoryStat memoryV2(MemoryStats memory) {
        Lines lines = new Lines(memory);
        return CgroupsV2.MemoryStat.newBuilder()
                .setAnon(lines.of("anon"))
                .setFile(lines.of("file"))
                .setKernelStack(lines.of("kernel_stack"))
                .setSlab(lines.of("slab"))
                .setSock(lines.of("sock"))
                .setShmem(lines.of("shmem"))
                .setFileMapped(lines.of("file_mapped"))
                .setFileDirty(lines.of("file_dirty"))
                .setFileWriteback(lines.of("file_writeback"))
                .setAnonThp(lines.of("anon_thp"))
                .setInactiveAnon(lines.of("inactive_anon"))
                .setActiveAnon(lines.of("active_anon"))
                .setInactiveFile(lines.of("inactive_file"))
                .setActiveFile(lines.of("active_file"))
                .setUnevictable(lines.of("unevictable"))
                .setSlabReclaimable(lines.of("slab_reclaimable"))
                .setSlabUnreclaimable(lines.of("slab_unreclaimable"))
                .setPgfault(lines.of("pgfault"))
                .setPgmajfault(lines.of("pgmajfault"))
                .setWorkingsetRefault(lines.of("workingset_refault"))
                .setWorkingsetActivate(lines.of("workingset_activate"))
                .setWorkingsetNodereclaim(lines.of("workingset_nodereclaim"))
                .setPgrefill(lines.of("pgrefill"))
                .setPgscan(lines.of("pgscan"))
                .setPgsteal(lines.of("pgsteal"))
                .setPgactivate(lines.of("pgactivate"))
                .setPgdeactivate(lines.of("pgdeactivate"))
                .setPglazyfree(lines.of("pglazyfree"))
                .setPglazyfreed(lines.of("pglazyfreed"))
                .setThpFaultAlloc(lines.of("thp_fault_alloc"))
                .setThpCollapseAlloc(lines.of("thp_collapse_alloc"))
                .setUsage(memory.getUsage().getUsage())
                .setUsageLimit(memory.getUsage().getLimit())
                .setSwapUsage(memory.getSwapUsage().getUsage())
                .setSwapLimit(memory.getSwapUsage().getLimit())
                .setMaxUsage(memory.getUsage().getMaxUsage())
                .setSwapMaxUsage(memory.getSwapUsage().getMaxUsage())
                .setWorkingsetRefaultAnon(lines.of("workingset_refault_anon"))
                .setWorkingsetRefaultFile(lines.of("workingset_refault_file"))
                .setWorkingsetActivateAnon(lines.of("workingset_activate_anon"))
                .setWorkingsetActivateFile(lines.of("workingset_activate_file"))
                .build();
    }

    /** One entry for each device, where the agent has one for each device and direction. */
    private static CgroupsV2.IOStat ioV2(BlkioStats io) {
        Map<List<Long>, CgroupsV2.IOEntry.Builder> devices = new LinkedHashMap<>();
        for (BlkioStatsEntry entry : io.getIoServiceBytesRecursiveList()) {
            CgroupsV2.IOEntry.Builder device = device(devices, entry);
            switch (entry.getOp()) {
                case "Read" -> device.setRbytes(entry.getValue());
                case "Write" -> device.setWbytes(entry.getValue());
                default -> {} // discarded bytes, and sums that other agents add
            }
        }
        for (BlkioStatsEntry entry : io.getIoServicedRecursiveList()) {
            CgroupsV2.IOEntry.Builder device = device(devices, entry);
            switch (entry.getOp()) {
                case "Read" -> device.setRios(entry.getValue());
                case "Write" -> device.setWios(entry.getValue());
                default -> {} // as above
            }
        }
        CgroupsV2.IOStat.Builder stat = CgroupsV2.IOStat.newBuilder();
        devices.values().forEach(stat::addUsage);
        return stat.build();
    }

    private static CgroupsV2.IOEntry.Builder device(
            Map<List<Long>, CgroupsV2.IOEntry.Builder> devices, BlkioStatsEntry entry) {
        return devices.computeIfAbsent(
                List.of(entry.getMajor(), entry.getMinor()),
                numbers ->
                        CgroupsV2.IOEntry.newBuilder()
                                .setMajor(entry.getMajor())
                                .setMinor(entry.getMinor()));
    }

    /** What the guest's kernel wrote into memory.stat, and two lines of memory.events. */
    private record Lines(Map<String, Long> values) {
        Lines(MemoryStats memory) {
            this(memory.getStatsMap());
        }

        long of(String name) {
            return values.getOrDefault(name, 0L);
        }
    }
}
