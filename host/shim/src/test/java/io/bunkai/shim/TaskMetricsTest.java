// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import static io.bunkai.testkit.Hex.hex;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import io.bunkai.api.agent.BlkioStats;
import io.bunkai.api.agent.BlkioStatsEntry;
import io.bunkai.api.agent.CgroupStats;
import io.bunkai.api.agent.CpuStats;
import io.bunkai.api.agent.CpuUsage;
import io.bunkai.api.agent.HugetlbStats;
import io.bunkai.api.agent.MemoryData;
import io.bunkai.api.agent.MemoryStats;
import io.bunkai.api.agent.NetworkStats;
import io.bunkai.api.agent.PidsStats;
import io.bunkai.api.agent.StatsContainerResponse;
import io.bunkai.api.agent.ThrottlingData;
import io.bunkai.api.containerd.CgroupsV1;
import io.bunkai.api.containerd.CgroupsV2;
import io.bunkai.shim.TaskMetrics.Form;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TaskMetricsTest {
    private static final long UNLIMITED = -1;

    /** memory.stat of a guest with Linux 6, and the two lines that the agent adds to it. */
    private static final String MEMORY_STAT =
            """
            anon 101
            file 102
            kernel_stack 103
            slab 104
            sock 105
            shmem 106
            file_mapped 107
            file_dirty 108
            file_writeback 109
            anon_thp 110
            inactive_anon 111
            active_anon 112
            inactive_file 113
            active_file 114
            unevictable 115
            slab_reclaimable 116
            slab_unreclaimable 117
            pgfault 118
            pgmajfault 119
            workingset_nodereclaim 122
            pgrefill 123
            pgscan 124
            pgsteal 125
            pgactivate 126
            pgdeactivate 127
            pglazyfree 128
            pglazyfreed 129
            thp_fault_alloc 130
            thp_collapse_alloc 131
            workingset_refault_anon 139
            workingset_refault_file 140
            workingset_activate_anon 141
            workingset_activate_file 142
            oom 42
            oom_kill 43
            """;

    /** What an unlimited container of a pod with one interface may look like. */
    private static StatsContainerResponse stats() {
        return stats(UNLIMITED, UNLIMITED, UNLIMITED);
    }

    private static StatsContainerResponse stats(long pids, long memoryLimit, long swap) {
        MemoryStats.Builder memory =
                MemoryStats.newBuilder()
                        .setCache(102)
                        .setUsage(
                                MemoryData.newBuilder()
                                        .setUsage(4096)
                                        .setMaxUsage(8192)
                                        .setFailcnt(9)
                                        .setLimit(memoryLimit))
                        .setSwapUsage(MemoryData.newBuilder().setUsage(512).setLimit(swap))
                        .setKernelUsage(MemoryData.newBuilder().setUsage(300))
                        .setUseHierarchy(true);
        MEMORY_STAT
                .lines()
                .map(line -> line.split(" "))
                .forEach(words -> memory.putStats(words[0], Long.parseLong(words[1])));
        return StatsContainerResponse.newBuilder()
                .setCgroupStats(
                        CgroupStats.newBuilder()
                                .setCpuStats(
                                        CpuStats.newBuilder()
                                                .setCpuUsage(
                                                        CpuUsage.newBuilder()
                                                                .setTotalUsage(5_000_999)
                                                                .addPercpuUsage(7)
                                                                .addPercpuUsage(8)
                                                                .setUsageInKernelmode(2_000_000)
                                                                .setUsageInUsermode(3_000_000))
                                                .setThrottlingData(
                                                        ThrottlingData.newBuilder()
                                                                .setPeriods(11)
                                                                .setThrottledPeriods(4)
                                                                .setThrottledTime(6_000_000)))
                                .setMemoryStats(memory)
                                .setPidsStats(PidsStats.newBuilder().setCurrent(3).setLimit(pids))
                                .setBlkioStats(
                                        BlkioStats.newBuilder()
                                                .addIoServiceBytesRecursive(io(0, "Read", 4096))
                                                .addIoServiceBytesRecursive(io(0, "Write", 8192))
                                                .addIoServiceBytesRecursive(io(0, "Discard", 1))
                                                .addIoServiceBytesRecursive(io(16, "Read", 512))
                                                .addIoServicedRecursive(io(0, "Read", 5))
                                                .addIoServicedRecursive(io(0, "Write", 6)))
                                .putHugetlbStats(
                                        "2MB",
                                        HugetlbStats.newBuilder()
                                                .setUsage(2097152)
                                                .setFailcnt(2)
                                                .build())
                                .putHugetlbStats(
                                        "1GB",
                                        HugetlbStats.newBuilder()
                                                .setUsage(2097152)
                                                .setMaxUsage(4194304)
                                                .setFailcnt(1)
                                                .build()))
                .addNetworkStats(
                        NetworkStats.newBuilder()
                                .setName("eth0")
                                .setRxBytes(1)
                                .setRxPackets(2)
                                .setRxErrors(3)
                                .setRxDropped(4)
                                .setTxBytes(5)
                                .setTxPackets(6)
                                .setTxErrors(7)
                                .setTxDropped(8))
                .build();
    }

    private static BlkioStatsEntry.Builder io(int minor, String operation, long value) {
        return BlkioStatsEntry.newBuilder()
                .setMajor(254)
                .setMinor(minor)
                .setOp(operation)
                .setValue(value);
    }

    private static void assertBytes(Any metrics, String annotated) {
        assertThat(HexFormat.of().formatHex(metrics.getValue().toByteArray()))
                .isEqualTo(HexFormat.of().formatHex(hex(annotated)));
    }

    @Test
    void onAHostWithCgroupV1ItHasThatForm() {
        Any metrics = TaskMetrics.of(stats(), Form.CGROUP_V1);
        assertThat(metrics.getTypeUrl()).isEqualTo("io.containerd.cgroups.v1.Metrics");
        assertBytes(
                metrics,
                """
                0a11  // 1 hugetlb
                   08 80808001  // 1 usage: 2097152
                   10 80808002  // 2 max: 4194304
                   18 01  // 3 failcnt: 1
                   2203 314742  // 4 pagesize: "1GB"
                0a0c  // 1 hugetlb
                   08 80808001  // 1 usage: 2097152
                   18 02  // 3 failcnt: 2
                   2203 324d42  // 4 pagesize: "2MB"
                1202  // 2 pids
                   08 03  // 1 current: 3
                1a1f  // 3 cpu
                   0a12  // 1 usage
                      08 a79eb102  // 1 total: 5000999
                      10 80897a  // 2 kernel: 2000000
                      18 c08db701  // 3 user: 3000000
                      2202 07 08  // 4 per_cpu: 7, 8
                   1209  // 2 throttling
                      08 0b  // 1 periods: 11
                      10 04  // 2 throttled_periods: 4
                      18 809bee02  // 3 throttled_time: 6000000
                228201  // 4 memory
                   08 66  // 1 cache: 102
                   10 65  // 2 rss: 101
                   18 6e  // 3 rss_huge: 110
                   20 6b  // 4 mapped_file: 107
                   28 6c  // 5 dirty: 108
                   30 6d  // 6 writeback: 109
                   48 76  // 9 pg_fault: 118
                   50 77  // 10 pg_maj_fault: 119
                   58 6f  // 11 inactive_anon: 111
                   60 70  // 12 active_anon: 112
                   68 71  // 13 inactive_file: 113
                   70 72  // 14 active_file: 114
                   78 73  // 15 unevictable: 115
                   8001 80e0ffffffffffff7f  // 16 hierarchical_memory_limit: 9223372036854771712
                   8801 80e0ffffffffffff7f  // 17 hierarchical_swap_limit: 9223372036854771712
                   9001 66  // 18 total_cache: 102
                   9801 65  // 19 total_rss: 101
                   a001 6e  // 20 total_rss_huge: 110
                   a801 6b  // 21 total_mapped_file: 107
                   b001 6c  // 22 total_dirty: 108
                   b801 6d  // 23 total_writeback: 109
                   d001 76  // 26 total_pg_fault: 118
                   d801 77  // 27 total_pg_maj_fault: 119
                   e001 6f  // 28 total_inactive_anon: 111
                   e801 70  // 29 total_active_anon: 112
                   f001 71  // 30 total_inactive_file: 113
                   f801 72  // 31 total_active_file: 114
                   8002 73  // 32 total_unevictable: 115
                   8a0212  // 33 usage
                      08 80e0ffffffffffff7f  // 1 limit: 9223372036854771712
                      10 8020  // 2 usage: 4096
                      18 8040  // 3 max: 8192
                      20 09  // 4 failcnt: 9
                   92020d  // 34 swap
                      08 80e0ffffffffffff7f  // 1 limit: 9223372036854771712
                      10 8024  // 2 usage: 4608
                   9a0203  // 35 kernel
                      10 ac02  // 2 usage: 300
                2a58  // 5 blkio
                   0a0c  // 1 io_service_bytes_recursive
                      0a04 52656164  // 1 op: "Read"
                      18 fe01  // 3 major: 254
                      28 8020  // 5 value: 4096
                   0a0d  // 1 io_service_bytes_recursive
                      0a05 5772697465  // 1 op: "Write"
                      18 fe01  // 3 major: 254
                      28 8040  // 5 value: 8192
                   0a0e  // 1 io_service_bytes_recursive
                      0a07 44697363617264  // 1 op: "Discard"
                      18 fe01  // 3 major: 254
                      28 01  // 5 value: 1
                   0a0e  // 1 io_service_bytes_recursive
                      0a04 52656164  // 1 op: "Read"
                      18 fe01  // 3 major: 254
                      20 10  // 4 minor: 16
                      28 8004  // 5 value: 512
                   120b  // 2 io_serviced_recursive
                      0a04 52656164  // 1 op: "Read"
                      18 fe01  // 3 major: 254
                      28 05  // 5 value: 5
                   120c  // 2 io_serviced_recursive
                      0a05 5772697465  // 1 op: "Write"
                      18 fe01  // 3 major: 254
                      28 06  // 5 value: 6
                3a16  // 7 network
                   0a04 65746830  // 1 name: "eth0"
                   10 01  // 2 rx_bytes: 1
                   18 02  // 3 rx_packets: 2
                   20 03  // 4 rx_errors: 3
                   28 04  // 5 rx_dropped: 4
                   30 05  // 6 tx_bytes: 5
                   38 06  // 7 tx_packets: 6
                   40 07  // 8 tx_errors: 7
                   48 08  // 9 tx_dropped: 8
                4a02  // 9 memory_oom_control
                   18 2b  // 3 oom_kill: 43
                """);
    }

    @Test
    void onAHostWithCgroupV2ItHasThatForm() {
        Any metrics = TaskMetrics.of(stats(), Form.CGROUP_V2);
        assertThat(metrics.getTypeUrl()).isEqualTo("io.containerd.cgroups.v2.Metrics");
        assertBytes(
                metrics,
                """
                0a0d  // 1 pids
                   08 03  // 1 current: 3
                   10 ffffffffffffffffff01  // 2 limit: 18446744073709551615
                1210  // 2 cpu
                   08 8827  // 1 usage_usec: 5000
                   10 b817  // 2 user_usec: 3000
                   18 d00f  // 3 system_usec: 2000
                   20 0b  // 4 nr_periods: 11
                   28 04  // 5 nr_throttled: 4
                   30 f02e  // 6 throttled_usec: 6000
                228001  // 4 memory
                   08 65  // 1 anon: 101
                   10 66  // 2 file: 102
                   18 67  // 3 kernel_stack: 103
                   20 68  // 4 slab: 104
                   28 69  // 5 sock: 105
                   30 6a  // 6 shmem: 106
                   38 6b  // 7 file_mapped: 107
                   40 6c  // 8 file_dirty: 108
                   48 6d  // 9 file_writeback: 109
                   50 6e  // 10 anon_thp: 110
                   58 6f  // 11 inactive_anon: 111
                   60 70  // 12 active_anon: 112
                   68 71  // 13 inactive_file: 113
                   70 72  // 14 active_file: 114
                   78 73  // 15 unevictable: 115
                   8001 74  // 16 slab_reclaimable: 116
                   8801 75  // 17 slab_unreclaimable: 117
                   9001 76  // 18 pgfault: 118
                   9801 77  // 19 pgmajfault: 119
                   b001 7a  // 22 workingset_nodereclaim: 122
                   b801 7b  // 23 pgrefill: 123
                   c001 7c  // 24 pgscan: 124
                   c801 7d  // 25 pgsteal: 125
                   d001 7e  // 26 pgactivate: 126
                   d801 7f  // 27 pgdeactivate: 127
                   e001 8001  // 28 pglazyfree: 128
                   e801 8101  // 29 pglazyfreed: 129
                   f001 8201  // 30 thp_fault_alloc: 130
                   f801 8301  // 31 thp_collapse_alloc: 131
                   8002 8020  // 32 usage: 4096
                   8802 ffffffffffffffffff01  // 33 usage_limit: 18446744073709551615
                   9002 8004  // 34 swap_usage: 512
                   9802 ffffffffffffffffff01  // 35 swap_limit: 18446744073709551615
                   a002 8040  // 36 max_usage: 8192
                   b802 8b01  // 39 workingset_refault_anon: 139
                   c002 8c01  // 40 workingset_refault_file: 140
                   c802 8d01  // 41 workingset_activate_anon: 141
                   d002 8e01  // 42 workingset_activate_file: 142
                3219  // 6 io
                   0a0d  // 1 usage
                      08 fe01  // 1 major: 254
                      18 8020  // 3 rbytes: 4096
                      20 8040  // 4 wbytes: 8192
                      28 05  // 5 rios: 5
                      30 06  // 6 wios: 6
                   0a08  // 1 usage
                      08 fe01  // 1 major: 254
                      10 10  // 2 minor: 16
                      18 8004  // 3 rbytes: 512
                3a0c  // 7 hugetlb
                   08 80808001  // 1 current: 2097152
                   1a03 314742  // 3 pagesize: "1GB"
                   20 01  // 4 failcnt: 1
                3a0c  // 7 hugetlb
                   08 80808001  // 1 current: 2097152
                   1a03 324d42  // 3 pagesize: "2MB"
                   20 02  // 4 failcnt: 2
                4206  // 8 memory_events
                   18 09  // 3 max: 9
                   20 2a  // 4 oom: 42
                   28 2b  // 5 oom_kill: 43
                4a16  // 9 network
                   0a04 65746830  // 1 name: "eth0"
                   10 01  // 2 rx_bytes: 1
                   18 02  // 3 rx_packets: 2
                   20 03  // 4 rx_errors: 3
                   28 04  // 5 rx_dropped: 4
                   30 05  // 6 tx_bytes: 5
                   38 06  // 7 tx_packets: 6
                   40 07  // 8 tx_errors: 7
                   48 08  // 9 tx_dropped: 8
                """);
    }

    @Test
    void limitsThatAreSetAreKept() throws Exception {
        StatsContainerResponse limited = stats(100, 1 << 20, 1 << 10);
        var v1 = CgroupsV1.Metrics.parseFrom(TaskMetrics.of(limited, Form.CGROUP_V1).getValue());
        assertThat(v1.getPids().getLimit()).isEqualTo(100);
        assertThat(v1.getMemory().getUsage().getLimit()).isEqualTo(1 << 20);
        assertThat(v1.getMemory().getSwap().getLimit()).isEqualTo((1 << 20) + (1 << 10));
        assertThat(v1.getMemory().getHierarchicalMemoryLimit()).isEqualTo(1 << 20);

        var v2 = CgroupsV2.Metrics.parseFrom(TaskMetrics.of(limited, Form.CGROUP_V2).getValue());
        assertThat(v2.getPids().getLimit()).isEqualTo(100);
        assertThat(v2.getMemory().getUsageLimit()).isEqualTo(1 << 20);
        assertThat(v2.getMemory().getSwapLimit()).isEqualTo(1 << 10);
    }

    /** containerd's clients look into these without asking whether they are there. */
    @Test
    void anAgentThatCountsNothingStillGivesEveryPart() throws Exception {
        StatsContainerResponse nothing = StatsContainerResponse.getDefaultInstance();
        var v1 = CgroupsV1.Metrics.parseFrom(TaskMetrics.of(nothing, Form.CGROUP_V1).getValue());
        assertThat(v1.hasPids()).isTrue();
        assertThat(v1.getCpu().hasUsage()).isTrue();
        assertThat(v1.getCpu().hasThrottling()).isTrue();
        assertThat(v1.getMemory().hasUsage()).isTrue();
        assertThat(v1.getMemory().hasSwap()).isTrue();
        assertThat(v1.hasMemoryOomControl()).isTrue();
        var v2 = CgroupsV2.Metrics.parseFrom(TaskMetrics.of(nothing, Form.CGROUP_V2).getValue());
        assertThat(v2.hasPids()).isTrue();
        assertThat(v2.hasCpu()).isTrue();
        assertThat(v2.hasMemory()).isTrue();
        assertThat(v2.hasMemoryEvents()).isTrue();
    }

    @Test
    void theFormIsThatOfTheHostsHierarchy(@TempDir Path mountPoint) throws Exception {
        assertThat(Form.ofHost(mountPoint)).isEqualTo(Form.CGROUP_V1);
        Files.createFile(mountPoint.resolve("cgroup.controllers"));
        assertThat(Form.ofHost(mountPoint)).isEqualTo(Form.CGROUP_V2);
    }
}
