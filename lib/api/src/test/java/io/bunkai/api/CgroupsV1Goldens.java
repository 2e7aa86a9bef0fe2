// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import io.bunkai.api.containerd.CgroupsV1;
import java.util.List;

/**
 * Of the metrics in the form of cgroup v1, every field with a number of its own: see {@link
 * ContainerdGolden}.
 */
final class CgroupsV1Goldens {
    static final List<ContainerdGolden> ALL = List.of(metricsV1(), emptyMetricsV1());

    private CgroupsV1Goldens() {}

    private static ContainerdGolden metricsV1() {
        return new ContainerdGolden(
                "metricsV1",
                "io.containerd.cgroups.v1.Metrics",
                CgroupsV1.Metrics.newBuilder()
                        .addHugetlb(
                                CgroupsV1.HugetlbStat.newBuilder()
                                        .setUsage(2)
                                        .setMax(3)
                                        .setFailcnt(4)
                                        .setPagesize("2MB"))
                        .setPids(CgroupsV1.PidsStat.newBuilder().setCurrent(7).setLimit(-1L))
                        .setCpu(
                                CgroupsV1.CPUStat.newBuilder()
                                        .setUsage(
                                                CgroupsV1.CPUUsage.newBuilder()
                                                        .setTotal(11)
                                                        .setKernel(12)
                                                        .setUser(13)
                                                        .addPerCpu(14)
                                                        .addPerCpu(214))
                                        .setThrottling(
                                                CgroupsV1.Throttle.newBuilder()
                                                        .setPeriods(16)
                                                        .setThrottledPeriods(17)
                                                        .setThrottledTime(18)))
                        .setMemory(
                                CgroupsV1.MemoryStat.newBuilder()
                                        .setCache(20)
                                        .setRss(21)
                                        .setRssHuge(22)
                                        .setMappedFile(23)
                                        .setDirty(24)
                                        .setWriteback(25)
                                        .setPgPgIn(26)
                                        .setPgPgOut(27)
                                        .setPgFault(28)
                                        .setPgMajFault(29)
                                        .setInactiveAnon(30)
                                        .setActiveAnon(31)
                                        .setInactiveFile(32)
                                        .setActiveFile(33)
                                        .setUnevictable(34)
                                        .setHierarchicalMemoryLimit(35)
                                        .setHierarchicalSwapLimit(36)
                                        .setTotalCache(37)
                                        .setTotalRss(38)
                                        .setTotalRssHuge(39)
                                        .setTotalMappedFile(40)
                                        .setTotalDirty(41)
                                        .setTotalWriteback(42)
                                        .setTotalPgPgIn(43)
                                        .setTotalPgPgOut(44)
                                        .setTotalPgFault(45)
                                        .setTotalPgMajFault(46)
                                        .setTotalInactiveAnon(47)
                                        .setTotalActiveAnon(48)
                                        .setTotalInactiveFile(49)
                                        .setTotalActiveFile(50)
                                        .setTotalUnevictable(51)
                                        .setUsage(
                                                CgroupsV1.MemoryEntry.newBuilder()
                                                        .setLimit(53)
                                                        .setUsage(54)
                                                        .setMax(55)
                                                        .setFailcnt(56))
                                        .setSwap(
                                                CgroupsV1.MemoryEntry.newBuilder()
                                                        .setLimit(58)
                                                        .setUsage(59)
                                                        .setMax(60)
                                                        .setFailcnt(61))
                                        .setKernel(
                                                CgroupsV1.MemoryEntry.newBuilder()
                                                        .setLimit(63)
                                                        .setUsage(64)
                                                        .setMax(65)
                                                        .setFailcnt(66))
                                        .setKernelTcp(
                                                CgroupsV1.MemoryEntry.newBuilder()
                                                        .setLimit(68)
                                                        .setUsage(69)
                                                        .setMax(70)
                                                        .setFailcnt(71)))
                        .setBlkio(
                                CgroupsV1.BlkIOStat.newBuilder()
                                        .addIoServiceBytesRecursive(
                                                CgroupsV1.BlkIOEntry.newBuilder()
                                                        .setOp("Read")
                                                        .setDevice("vda")
                                                        .setMajor(76)
                                                        .setMinor(77)
                                                        .setValue(78))
                                        .addIoServicedRecursive(
                                                CgroupsV1.BlkIOEntry.newBuilder()
                                                        .setOp("Read")
                                                        .setDevice("vda")
                                                        .setMajor(82)
                                                        .setMinor(83)
                                                        .setValue(84))
                                        .addIoQueuedRecursive(
                                                CgroupsV1.BlkIOEntry.newBuilder()
                                                        .setOp("Read")
                                                        .setDevice("vda")
                                                        .setMajor(88)
                                                        .setMinor(89)
                                                        .setValue(90))
                                        .addIoServiceTimeRecursive(
                                                CgroupsV1.BlkIOEntry.newBuilder()
                                                        .setOp("Read")
                                                        .setDevice("vda")
                                                        .setMajor(94)
                                                        .setMinor(95)
                                                        .setValue(96))
                                        .addIoWaitTimeRecursive(
                                                CgroupsV1.BlkIOEntry.newBuilder()
                                                        .setOp("Read")
                                                        .setDevice("vda")
                                                        .setMajor(100)
                                                        .setMinor(101)
                                                        .setValue(102))
                                        .addIoMergedRecursive(
                                                CgroupsV1.BlkIOEntry.newBuilder()
                                                        .setOp("Read")
                                                        .setDevice("vda")
                                                        .setMajor(106)
                                                        .setMinor(107)
                                                        .setValue(108))
                                        .addIoTimeRecursive(
                                                CgroupsV1.BlkIOEntry.newBuilder()
                                                        .setOp("Read")
                                                        .setDevice("vda")
                                                        .setMajor(112)
                                                        .setMinor(113)
                                                        .setValue(114))
                                        .addSectorsRecursive(
                                                CgroupsV1.BlkIOEntry.newBuilder()
                                                        .setOp("Read")
                                                        .setDevice("vda")
                                                        .setMajor(118)
                                                        .setMinor(119)
                                                        .setValue(120)))
                        .setRdma(
                                CgroupsV1.RdmaStat.newBuilder()
                                        .addCurrent(
                                                CgroupsV1.RdmaEntry.newBuilder()
                                                        .setDevice("vda")
                                                        .setHcaHandles(124)
                                                        .setHcaObjects(125))
                                        .addLimit(
                                                CgroupsV1.RdmaEntry.newBuilder()
                                                        .setDevice("vda")
                                                        .setHcaHandles(128)
                                                        .setHcaObjects(129)))
                        .addNetwork(
                                CgroupsV1.NetworkStat.newBuilder()
                                        .setName("eth0")
                                        .setRxBytes(132)
                                        .setRxPackets(133)
                                        .setRxErrors(134)
                                        .setRxDropped(135)
                                        .setTxBytes(136)
                                        .setTxPackets(137)
                                        .setTxErrors(138)
                                        .setTxDropped(139))
                        .setCgroupStats(
                                CgroupsV1.CgroupStats.newBuilder()
                                        .setNrSleeping(141)
                                        .setNrRunning(142)
                                        .setNrStopped(143)
                                        .setNrUninterruptible(144)
                                        .setNrIoWait(145))
                        .setMemoryOomControl(
                                CgroupsV1.MemoryOomControl.newBuilder()
                                        .setOomKillDisable(147)
                                        .setUnderOom(148)
                                        .setOomKill(149))
                        .build(),
                """
                hugetlb {
                  usage: 2
                  max: 3
                  failcnt: 4
                  pagesize: "2MB"
                }
                pids {
                  current: 7
                  limit: 18446744073709551615
                }
                cpu {
                  usage {
                    total: 11
                    kernel: 12
                    user: 13
                    per_cpu: 14
                    per_cpu: 214
                  }
                  throttling {
                    periods: 16
                    throttled_periods: 17
                    throttled_time: 18
                  }
                }
                memory {
                  cache: 20
                  rss: 21
                  rss_huge: 22
                  mapped_file: 23
                  dirty: 24
                  writeback: 25
                  pg_pg_in: 26
                  pg_pg_out: 27
                  pg_fault: 28
                  pg_maj_fault: 29
                  inactive_anon: 30
                  active_anon: 31
                  inactive_file: 32
                  active_file: 33
                  unevictable: 34
                  hierarchical_memory_limit: 35
                  hierarchical_swap_limit: 36
                  total_cache: 37
                  total_rss: 38
                  total_rss_huge: 39
                  total_mapped_file: 40
                  total_dirty: 41
                  total_writeback: 42
                  total_pg_pg_in: 43
                  total_pg_pg_out: 44
                  total_pg_fault: 45
                  total_pg_maj_fault: 46
                  total_inactive_anon: 47
                  total_active_anon: 48
                  total_inactive_file: 49
                  total_active_file: 50
                  total_unevictable: 51
                  usage {
                    limit: 53
                    usage: 54
                    max: 55
                    failcnt: 56
                  }
                  swap {
                    limit: 58
                    usage: 59
                    max: 60
                    failcnt: 61
                  }
                  kernel {
                    limit: 63
                    usage: 64
                    max: 65
                    failcnt: 66
                  }
                  kernel_tcp {
                    limit: 68
                    usage: 69
                    max: 70
                    failcnt: 71
                  }
                }
                blkio {
                  io_service_bytes_recursive {
                    op: "Read"
                    device: "vda"
                    major: 76
                    minor: 77
                    value: 78
                  }
                  io_serviced_recursive {
                    op: "Read"
                    device: "vda"
                    major: 82
                    minor: 83
                    value: 84
                  }
                  io_queued_recursive {
                    op: "Read"
                    device: "vda"
                    major: 88
                    minor: 89
                    value: 90
                  }
                  io_service_time_recursive {
                    op: "Read"
                    device: "vda"
                    major: 94
                    minor: 95
                    value: 96
                  }
                  io_wait_time_recursive {
                    op: "Read"
                    device: "vda"
                    major: 100
                    minor: 101
                    value: 102
                  }
                  io_merged_recursive {
                    op: "Read"
                    device: "vda"
                    major: 106
                    minor: 107
                    value: 108
                  }
                  io_time_recursive {
                    op: "Read"
                    device: "vda"
                    major: 112
                    minor: 113
                    value: 114
                  }
                  sectors_recursive {
                    op: "Read"
                    device: "vda"
                    major: 118
                    minor: 119
                    value: 120
                  }
                }
                rdma {
                  current {
                    device: "vda"
                    hca_handles: 124
                    hca_objects: 125
                  }
                  limit {
                    device: "vda"
                    hca_handles: 128
                    hca_objects: 129
                  }
                }
                network {
                  name: "eth0"
                  rx_bytes: 132
                  rx_packets: 133
                  rx_errors: 134
                  rx_dropped: 135
                  tx_bytes: 136
                  tx_packets: 137
                  tx_errors: 138
                  tx_dropped: 139
                }
                cgroup_stats {
                  nr_sleeping: 141
                  nr_running: 142
                  nr_stopped: 143
                  nr_uninterruptible: 144
                  nr_io_wait: 145
                }
                memory_oom_control {
                  oom_kill_disable: 147
                  under_oom: 148
                  oom_kill: 149
                }
                """,
                """
                0a0b  // 1 hugetlb
                   08 02  // 1 usage: 2
                   10 03  // 2 max: 3
                   18 04  // 3 failcnt: 4
                   2203 324d42  // 4 pagesize: "2MB"
                120d  // 2 pids
                   08 07  // 1 current: 7
                   10 ffffffffffffffffff01  // 2 limit: 18446744073709551615
                1a15  // 3 cpu
                   0a0b  // 1 usage
                      08 0b  // 1 total: 11
                      10 0c  // 2 kernel: 12
                      18 0d  // 3 user: 13
                      2203 0e d601  // 4 per_cpu: 14, 214
                   1206  // 2 throttling
                      08 10  // 1 periods: 16
                      10 11  // 2 throttled_periods: 17
                      18 12  // 3 throttled_time: 18
                227d  // 4 memory
                   08 14  // 1 cache: 20
                   10 15  // 2 rss: 21
                   18 16  // 3 rss_huge: 22
                   20 17  // 4 mapped_file: 23
                   28 18  // 5 dirty: 24
                   30 19  // 6 writeback: 25
                   38 1a  // 7 pg_pg_in: 26
                   40 1b  // 8 pg_pg_out: 27
                   48 1c  // 9 pg_fault: 28
                   50 1d  // 10 pg_maj_fault: 29
                   58 1e  // 11 inactive_anon: 30
                   60 1f  // 12 active_anon: 31
                   68 20  // 13 inactive_file: 32
                   70 21  // 14 active_file: 33
                   78 22  // 15 unevictable: 34
                   8001 23  // 16 hierarchical_memory_limit: 35
                   8801 24  // 17 hierarchical_swap_limit: 36
                   9001 25  // 18 total_cache: 37
                   9801 26  // 19 total_rss: 38
                   a001 27  // 20 total_rss_huge: 39
                   a801 28  // 21 total_mapped_file: 40
                   b001 29  // 22 total_dirty: 41
                   b801 2a  // 23 total_writeback: 42
                   c001 2b  // 24 total_pg_pg_in: 43
                   c801 2c  // 25 total_pg_pg_out: 44
                   d001 2d  // 26 total_pg_fault: 45
                   d801 2e  // 27 total_pg_maj_fault: 46
                   e001 2f  // 28 total_inactive_anon: 47
                   e801 30  // 29 total_active_anon: 48
                   f001 31  // 30 total_inactive_file: 49
                   f801 32  // 31 total_active_file: 50
                   8002 33  // 32 total_unevictable: 51
                   8a0208  // 33 usage
                      08 35  // 1 limit: 53
                      10 36  // 2 usage: 54
                      18 37  // 3 max: 55
                      20 38  // 4 failcnt: 56
                   920208  // 34 swap
                      08 3a  // 1 limit: 58
                      10 3b  // 2 usage: 59
                      18 3c  // 3 max: 60
                      20 3d  // 4 failcnt: 61
                   9a0208  // 35 kernel
                      08 3f  // 1 limit: 63
                      10 40  // 2 usage: 64
                      18 41  // 3 max: 65
                      20 42  // 4 failcnt: 66
                   a20208  // 36 kernel_tcp
                      08 44  // 1 limit: 68
                      10 45  // 2 usage: 69
                      18 46  // 3 max: 70
                      20 47  // 4 failcnt: 71
                2a9801  // 5 blkio
                   0a11  // 1 io_service_bytes_recursive
                      0a04 52656164  // 1 op: "Read"
                      1203 766461  // 2 device: "vda"
                      18 4c  // 3 major: 76
                      20 4d  // 4 minor: 77
                      28 4e  // 5 value: 78
                   1211  // 2 io_serviced_recursive
                      0a04 52656164  // 1 op: "Read"
                      1203 766461  // 2 device: "vda"
                      18 52  // 3 major: 82
                      20 53  // 4 minor: 83
                      28 54  // 5 value: 84
                   1a11  // 3 io_queued_recursive
                      0a04 52656164  // 1 op: "Read"
                      1203 766461  // 2 device: "vda"
                      18 58  // 3 major: 88
                      20 59  // 4 minor: 89
                      28 5a  // 5 value: 90
                   2211  // 4 io_service_time_recursive
                      0a04 52656164  // 1 op: "Read"
                      1203 766461  // 2 device: "vda"
                      18 5e  // 3 major: 94
                      20 5f  // 4 minor: 95
                      28 60  // 5 value: 96
                   2a11  // 5 io_wait_time_recursive
                      0a04 52656164  // 1 op: "Read"
                      1203 766461  // 2 device: "vda"
                      18 64  // 3 major: 100
                      20 65  // 4 minor: 101
                      28 66  // 5 value: 102
                   3211  // 6 io_merged_recursive
                      0a04 52656164  // 1 op: "Read"
                      1203 766461  // 2 device: "vda"
                      18 6a  // 3 major: 106
                      20 6b  // 4 minor: 107
                      28 6c  // 5 value: 108
                   3a11  // 7 io_time_recursive
                      0a04 52656164  // 1 op: "Read"
                      1203 766461  // 2 device: "vda"
                      18 70  // 3 major: 112
                      20 71  // 4 minor: 113
                      28 72  // 5 value: 114
                   4211  // 8 sectors_recursive
                      0a04 52656164  // 1 op: "Read"
                      1203 766461  // 2 device: "vda"
                      18 76  // 3 major: 118
                      20 77  // 4 minor: 119
                      28 78  // 5 value: 120
                3218  // 6 rdma
                   0a09  // 1 current
                      0a03 766461  // 1 device: "vda"
                      10 7c  // 2 hca_handles: 124
                      18 7d  // 3 hca_objects: 125
                   120b  // 2 limit
                      0a03 766461  // 1 device: "vda"
                      10 8001  // 2 hca_handles: 128
                      18 8101  // 3 hca_objects: 129
                3a1e  // 7 network
                   0a04 65746830  // 1 name: "eth0"
                   10 8401  // 2 rx_bytes: 132
                   18 8501  // 3 rx_packets: 133
                   20 8601  // 4 rx_errors: 134
                   28 8701  // 5 rx_dropped: 135
                   30 8801  // 6 tx_bytes: 136
                   38 8901  // 7 tx_packets: 137
                   40 8a01  // 8 tx_errors: 138
                   48 8b01  // 9 tx_dropped: 139
                420f  // 8 cgroup_stats
                   08 8d01  // 1 nr_sleeping: 141
                   10 8e01  // 2 nr_running: 142
                   18 8f01  // 3 nr_stopped: 143
                   20 9001  // 4 nr_uninterruptible: 144
                   28 9101  // 5 nr_io_wait: 145
                4a09  // 9 memory_oom_control
                   08 9301  // 1 oom_kill_disable: 147
                   10 9401  // 2 under_oom: 148
                   18 9501  // 3 oom_kill: 149
                """);
    }

    private static ContainerdGolden emptyMetricsV1() {
        return new ContainerdGolden(
                "emptyMetricsV1",
                "io.containerd.cgroups.v1.Metrics",
                CgroupsV1.Metrics.getDefaultInstance(),
                "",
                "");
    }
}
