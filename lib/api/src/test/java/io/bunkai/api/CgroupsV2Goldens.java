// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.api;

import io.bunkai.api.containerd.CgroupsV2;
import java.util.List;

/**
 * Of the metrics in the form of cgroup v2, every field with a number of its own: see {@link
 * ContainerdGolden}.
 */
final class CgroupsV2Goldens {
    static final List<ContainerdGolden> ALL = List.of(metricsV2(), emptyMetricsV2());

    private CgroupsV2Goldens() {}

    private static ContainerdGolden metricsV2() {
        return new ContainerdGolden(
                "metricsV2",
                "io.containerd.cgroups.v2.Metrics",
                CgroupsV2.Metrics.newBuilder()
                        .setPids(CgroupsV2.PidsStat.newBuilder().setCurrent(2).setLimit(-1L))
                        .setCpu(
                                CgroupsV2.CPUStat.newBuilder()
                                        .setUsageUsec(5)
                                        .setUserUsec(6)
                                        .setSystemUsec(7)
                                        .setNrPeriods(8)
                                        .setNrThrottled(9)
                                        .setThrottledUsec(10)
                                        .setPsi(
                                                CgroupsV2.PSIStats.newBuilder()
                                                        .setSome(
                                                                CgroupsV2.PSIData.newBuilder()
                                                                        .setAvg10(13.25)
                                                                        .setAvg60(14.25)
                                                                        .setAvg300(15.25)
                                                                        .setTotal(16))
                                                        .setFull(
                                                                CgroupsV2.PSIData.newBuilder()
                                                                        .setAvg10(18.25)
                                                                        .setAvg60(19.25)
                                                                        .setAvg300(20.25)
                                                                        .setTotal(21)))
                                        .setNrBursts(22)
                                        .setBurstUsec(23))
                        .setMemory(
                                CgroupsV2.MemoryStat.newBuilder()
                                        .setAnon(25)
                                        .setFile(26)
                                        .setKernelStack(27)
                                        .setSlab(28)
                                        .setSock(29)
                                        .setShmem(30)
                                        .setFileMapped(31)
                                        .setFileDirty(32)
                                        .setFileWriteback(33)
                                        .setAnonThp(34)
                                        .setInactiveAnon(35)
                                        .setActiveAnon(36)
                                        .setInactiveFile(37)
                                        .setActiveFile(38)
                                        .setUnevictable(39)
                                        .setSlabReclaimable(40)
                                        .setSlabUnreclaimable(41)
                                        .setPgfault(42)
                                        .setPgmajfault(43)
                                        .setWorkingsetRefault(44)
                                        .setWorkingsetActivate(45)
                                        .setWorkingsetNodereclaim(46)
                                        .setPgrefill(47)
                                        .setPgscan(48)
                                        .setPgsteal(49)
                                        .setPgactivate(50)
                                        .setPgdeactivate(51)
                                        .setPglazyfree(52)
                                        .setPglazyfreed(53)
                                        .setThpFaultAlloc(54)
                                        .setThpCollapseAlloc(55)
                                        .setUsage(56)
                                        .setUsageLimit(57)
                                        .setSwapUsage(58)
                                        .setSwapLimit(59)
                                        .setMaxUsage(60)
                                        .setSwapMaxUsage(61)
                                        .setPsi(
                                                CgroupsV2.PSIStats.newBuilder()
                                                        .setSome(
                                                                CgroupsV2.PSIData.newBuilder()
                                                                        .setAvg10(64.25)
                                                                        .setAvg60(65.25)
                                                                        .setAvg300(66.25)
                                                                        .setTotal(67))
                                                        .setFull(
                                                                CgroupsV2.PSIData.newBuilder()
                                                                        .setAvg10(69.25)
                                                                        .setAvg60(70.25)
                                                                        .setAvg300(71.25)
                                                                        .setTotal(72)))
                                        .setWorkingsetRefaultAnon(73)
                                        .setWorkingsetRefaultFile(74)
                                        .setWorkingsetActivateAnon(75)
                                        .setWorkingsetActivateFile(76))
                        .setRdma(
                                CgroupsV2.RdmaStat.newBuilder()
                                        .addCurrent(
                                                CgroupsV2.RdmaEntry.newBuilder()
                                                        .setDevice("vda")
                                                        .setHcaHandles(80)
                                                        .setHcaObjects(81))
                                        .addLimit(
                                                CgroupsV2.RdmaEntry.newBuilder()
                                                        .setDevice("vda")
                                                        .setHcaHandles(84)
                                                        .setHcaObjects(85)))
                        .setIo(
                                CgroupsV2.IOStat.newBuilder()
                                        .addUsage(
                                                CgroupsV2.IOEntry.newBuilder()
                                                        .setMajor(88)
                                                        .setMinor(89)
                                                        .setRbytes(90)
                                                        .setWbytes(91)
                                                        .setRios(92)
                                                        .setWios(93))
                                        .setPsi(
                                                CgroupsV2.PSIStats.newBuilder()
                                                        .setSome(
                                                                CgroupsV2.PSIData.newBuilder()
                                                                        .setAvg10(96.25)
                                                                        .setAvg60(97.25)
                                                                        .setAvg300(98.25)
                                                                        .setTotal(99))
                                                        .setFull(
                                                                CgroupsV2.PSIData.newBuilder()
                                                                        .setAvg10(101.25)
                                                                        .setAvg60(102.25)
                                                                        .setAvg300(103.25)
                                                                        .setTotal(104))))
                        .addHugetlb(
                                CgroupsV2.HugeTlbStat.newBuilder()
                                        .setCurrent(106)
                                        .setMax(107)
                                        .setPagesize("2MB")
                                        .setFailcnt(109))
                        .setMemoryEvents(
                                CgroupsV2.MemoryEvents.newBuilder()
                                        .setLow(111)
                                        .setHigh(112)
                                        .setMax(113)
                                        .setOom(114)
                                        .setOomKill(115)
                                        .setOomGroupKill(116))
                        .addNetwork(
                                CgroupsV2.NetworkStat.newBuilder()
                                        .setName("eth0")
                                        .setRxBytes(119)
                                        .setRxPackets(120)
                                        .setRxErrors(121)
                                        .setRxDropped(122)
                                        .setTxBytes(123)
                                        .setTxPackets(124)
                                        .setTxErrors(125)
                                        .setTxDropped(126))
                        .build(),
                """
                pids {
                  current: 2
                  limit: 18446744073709551615
                }
                cpu {
                  usage_usec: 5
                  user_usec: 6
                  system_usec: 7
                  nr_periods: 8
                  nr_throttled: 9
                  throttled_usec: 10
                  psi {
                    some {
                      avg10: 13.25
                      avg60: 14.25
                      avg300: 15.25
                      total: 16
                    }
                    full {
                      avg10: 18.25
                      avg60: 19.25
                      avg300: 20.25
                      total: 21
                    }
                  }
                  nr_bursts: 22
                  burst_usec: 23
                }
                memory {
                  anon: 25
                  file: 26
                  kernel_stack: 27
                  slab: 28
                  sock: 29
                  shmem: 30
                  file_mapped: 31
                  file_dirty: 32
                  file_writeback: 33
                  anon_thp: 34
                  inactive_anon: 35
                  active_anon: 36
                  inactive_file: 37
                  active_file: 38
                  unevictable: 39
                  slab_reclaimable: 40
                  slab_unreclaimable: 41
                  pgfault: 42
                  pgmajfault: 43
                  workingset_refault: 44
                  workingset_activate: 45
                  workingset_nodereclaim: 46
                  pgrefill: 47
                  pgscan: 48
                  pgsteal: 49
                  pgactivate: 50
                  pgdeactivate: 51
                  pglazyfree: 52
                  pglazyfreed: 53
                  thp_fault_alloc: 54
                  thp_collapse_alloc: 55
                  usage: 56
                  usage_limit: 57
                  swap_usage: 58
                  swap_limit: 59
                  max_usage: 60
                  swap_max_usage: 61
                  psi {
                    some {
                      avg10: 64.25
                      avg60: 65.25
                      avg300: 66.25
                      total: 67
                    }
                    full {
                      avg10: 69.25
                      avg60: 70.25
                      avg300: 71.25
                      total: 72
                    }
                  }
                  workingset_refault_anon: 73
                  workingset_refault_file: 74
                  workingset_activate_anon: 75
                  workingset_activate_file: 76
                }
                rdma {
                  current {
                    device: "vda"
                    hca_handles: 80
                    hca_objects: 81
                  }
                  limit {
                    device: "vda"
                    hca_handles: 84
                    hca_objects: 85
                  }
                }
                io {
                  usage {
                    major: 88
                    minor: 89
                    rbytes: 90
                    wbytes: 91
                    rios: 92
                    wios: 93
                  }
                  psi {
                    some {
                      avg10: 96.25
                      avg60: 97.25
                      avg300: 98.25
                      total: 99
                    }
                    full {
                      avg10: 101.25
                      avg60: 102.25
                      avg300: 103.25
                      total: 104
                    }
                  }
                }
                hugetlb {
                  current: 106
                  max: 107
                  pagesize: "2MB"
                  failcnt: 109
                }
                memory_events {
                  low: 111
                  high: 112
                  max: 113
                  oom: 114
                  oom_kill: 115
                  oom_group_kill: 116
                }
                network {
                  name: "eth0"
                  rx_bytes: 119
                  rx_packets: 120
                  rx_errors: 121
                  rx_dropped: 122
                  tx_bytes: 123
                  tx_packets: 124
                  tx_errors: 125
                  tx_dropped: 126
                }
                """,
                """
                0a0d  // 1 pids
                   08 02  // 1 current: 2
                   10 ffffffffffffffffff01  // 2 limit: 18446744073709551615
                1250  // 2 cpu
                   08 05  // 1 usage_usec: 5
                   10 06  // 2 user_usec: 6
                   18 07  // 3 system_usec: 7
                   20 08  // 4 nr_periods: 8
                   28 09  // 5 nr_throttled: 9
                   30 0a  // 6 throttled_usec: 10
                   3a3e  // 7 psi
                      0a1d  // 1 some
                         09 0000000000802a40  // 1 avg10: 13.25
                         11 0000000000802c40  // 2 avg60: 14.25
                         19 0000000000802e40  // 3 avg300: 15.25
                         20 10  // 4 total: 16
                      121d  // 2 full
                         09 0000000000403240  // 1 avg10: 18.25
                         11 0000000000403340  // 2 avg60: 19.25
                         19 0000000000403440  // 3 avg300: 20.25
                         20 15  // 4 total: 21
                   40 16  // 8 nr_bursts: 22
                   48 17  // 9 burst_usec: 23
                22ad01  // 4 memory
                   08 19  // 1 anon: 25
                   10 1a  // 2 file: 26
                   18 1b  // 3 kernel_stack: 27
                   20 1c  // 4 slab: 28
                   28 1d  // 5 sock: 29
                   30 1e  // 6 shmem: 30
                   38 1f  // 7 file_mapped: 31
                   40 20  // 8 file_dirty: 32
                   48 21  // 9 file_writeback: 33
                   50 22  // 10 anon_thp: 34
                   58 23  // 11 inactive_anon: 35
                   60 24  // 12 active_anon: 36
                   68 25  // 13 inactive_file: 37
                   70 26  // 14 active_file: 38
                   78 27  // 15 unevictable: 39
                   8001 28  // 16 slab_reclaimable: 40
                   8801 29  // 17 slab_unreclaimable: 41
                   9001 2a  // 18 pgfault: 42
                   9801 2b  // 19 pgmajfault: 43
                   a001 2c  // 20 workingset_refault: 44
                   a801 2d  // 21 workingset_activate: 45
                   b001 2e  // 22 workingset_nodereclaim: 46
                   b801 2f  // 23 pgrefill: 47
                   c001 30  // 24 pgscan: 48
                   c801 31  // 25 pgsteal: 49
                   d001 32  // 26 pgactivate: 50
                   d801 33  // 27 pgdeactivate: 51
                   e001 34  // 28 pglazyfree: 52
                   e801 35  // 29 pglazyfreed: 53
                   f001 36  // 30 thp_fault_alloc: 54
                   f801 37  // 31 thp_collapse_alloc: 55
                   8002 38  // 32 usage: 56
                   8802 39  // 33 usage_limit: 57
                   9002 3a  // 34 swap_usage: 58
                   9802 3b  // 35 swap_limit: 59
                   a002 3c  // 36 max_usage: 60
                   a802 3d  // 37 swap_max_usage: 61
                   b2023e  // 38 psi
                      0a1d  // 1 some
                         09 0000000000105040  // 1 avg10: 64.25
                         11 0000000000505040  // 2 avg60: 65.25
                         19 0000000000905040  // 3 avg300: 66.25
                         20 43  // 4 total: 67
                      121d  // 2 full
                         09 0000000000505140  // 1 avg10: 69.25
                         11 0000000000905140  // 2 avg60: 70.25
                         19 0000000000d05140  // 3 avg300: 71.25
                         20 48  // 4 total: 72
                   b802 49  // 39 workingset_refault_anon: 73
                   c002 4a  // 40 workingset_refault_file: 74
                   c802 4b  // 41 workingset_activate_anon: 75
                   d002 4c  // 42 workingset_activate_file: 76
                2a16  // 5 rdma
                   0a09  // 1 current
                      0a03 766461  // 1 device: "vda"
                      10 50  // 2 hca_handles: 80
                      18 51  // 3 hca_objects: 81
                   1209  // 2 limit
                      0a03 766461  // 1 device: "vda"
                      10 54  // 2 hca_handles: 84
                      18 55  // 3 hca_objects: 85
                324e  // 6 io
                   0a0c  // 1 usage
                      08 58  // 1 major: 88
                      10 59  // 2 minor: 89
                      18 5a  // 3 rbytes: 90
                      20 5b  // 4 wbytes: 91
                      28 5c  // 5 rios: 92
                      30 5d  // 6 wios: 93
                   123e  // 2 psi
                      0a1d  // 1 some
                         09 0000000000105840  // 1 avg10: 96.25
                         11 0000000000505840  // 2 avg60: 97.25
                         19 0000000000905840  // 3 avg300: 98.25
                         20 63  // 4 total: 99
                      121d  // 2 full
                         09 0000000000505940  // 1 avg10: 101.25
                         11 0000000000905940  // 2 avg60: 102.25
                         19 0000000000d05940  // 3 avg300: 103.25
                         20 68  // 4 total: 104
                3a0b  // 7 hugetlb
                   08 6a  // 1 current: 106
                   10 6b  // 2 max: 107
                   1a03 324d42  // 3 pagesize: "2MB"
                   20 6d  // 4 failcnt: 109
                420c  // 8 memory_events
                   08 6f  // 1 low: 111
                   10 70  // 2 high: 112
                   18 71  // 3 max: 113
                   20 72  // 4 oom: 114
                   28 73  // 5 oom_kill: 115
                   30 74  // 6 oom_group_kill: 116
                4a16  // 9 network
                   0a04 65746830  // 1 name: "eth0"
                   10 77  // 2 rx_bytes: 119
                   18 78  // 3 rx_packets: 120
                   20 79  // 4 rx_errors: 121
                   28 7a  // 5 rx_dropped: 122
                   30 7b  // 6 tx_bytes: 123
                   38 7c  // 7 tx_packets: 124
                   40 7d  // 8 tx_errors: 125
                   48 7e  // 9 tx_dropped: 126
                """);
    }

    private static ContainerdGolden emptyMetricsV2() {
        return new ContainerdGolden(
                "emptyMetricsV2",
                "io.containerd.cgroups.v2.Metrics",
                CgroupsV2.Metrics.getDefaultInstance(),
                "",
                "");
    }
}
