// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.api.agent.CgroupStats;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CgroupTest {
    @TempDir Path directory;

    @Test
    void readsTheFilesOfVersionTwo() throws IOException {
        write(
                "cpu.stat",
                """
                usage_usec 1234
                user_usec 1000
                system_usec 234
                nr_periods 7
                nr_throttled 3
                throttled_usec 99
                """);
        write("memory.current", "8192\n");
        write("memory.peak", "16384\n");
        write("memory.max", "67108864\n");
        write("memory.swap.current", "0\n");
        write("memory.swap.max", "max\n");
        write("memory.stat", "anon 4096\nfile 2048\nkernel 512\npgfault 11\n");
        write("memory.events", "low 0\nhigh 0\nmax 5\noom 2\noom_kill 1\n");
        write("pids.current", "3\n");
        write("pids.max", "max\n");
        write("io.stat", "254:0 rbytes=4096 wbytes=512 rios=1 wios=2 dbytes=0 dios=0\nbad line\n");
        write("hugetlb.2MB.current", "2097152\n");
        write("hugetlb.2MB.rsvd.current", "1\n");
        write("hugetlb.2MB.events", "max 4\n");
        CgroupStats stats = new Cgroup(directory).stats();
        assertThat(stats.getCpuStats().getCpuUsage().getTotalUsage()).isEqualTo(1_234_000);
        assertThat(stats.getCpuStats().getCpuUsage().getUsageInUsermode()).isEqualTo(1_000_000);
        assertThat(stats.getCpuStats().getCpuUsage().getUsageInKernelmode()).isEqualTo(234_000);
        assertThat(stats.getCpuStats().getThrottlingData().getPeriods()).isEqualTo(7);
        assertThat(stats.getCpuStats().getThrottlingData().getThrottledPeriods()).isEqualTo(3);
        assertThat(stats.getCpuStats().getThrottlingData().getThrottledTime()).isEqualTo(99_000);
        assertThat(stats.getMemoryStats().getCache()).isEqualTo(2048);
        assertThat(stats.getMemoryStats().getUsage().getUsage()).isEqualTo(8192);
        assertThat(stats.getMemoryStats().getUsage().getMaxUsage()).isEqualTo(16384);
        assertThat(stats.getMemoryStats().getUsage().getLimit()).isEqualTo(67108864);
        assertThat(stats.getMemoryStats().getUsage().getFailcnt()).isEqualTo(5);
        assertThat(stats.getMemoryStats().getSwapUsage().getLimit()).isEqualTo(-1); // unlimited
        assertThat(stats.getMemoryStats().getKernelUsage().getUsage()).isEqualTo(512);
        assertThat(stats.getMemoryStats().getStatsMap())
                .containsEntry("pgfault", 11L)
                .containsEntry("oom_kill", 1L);
        assertThat(stats.getPidsStats().getCurrent()).isEqualTo(3);
        assertThat(stats.getPidsStats().getLimit()).isEqualTo(-1);
        assertThat(stats.getBlkioStats().getIoServiceBytesRecursiveList())
                .extracting(
                        entry -> entry.getMajor() + " " + entry.getOp() + " " + entry.getValue())
                .containsExactly("254 Read 4096", "254 Write 512", "254 Discard 0");
        assertThat(stats.getBlkioStats().getIoServicedRecursiveCount()).isEqualTo(3);
        assertThat(stats.getHugetlbStatsMap()).containsOnlyKeys("2MB");
        assertThat(stats.getHugetlbStatsMap().get("2MB").getUsage()).isEqualTo(2097152);
        assertThat(stats.getHugetlbStatsMap().get("2MB").getFailcnt()).isEqualTo(4);
    }

    @Test
    void takesWhatTheKernelDoesNotOfferForZero() {
        CgroupStats stats = new Cgroup(directory.resolve("none")).stats();
        assertThat(stats.getPidsStats().getLimit()).isZero();
        assertThat(stats.getHugetlbStatsCount()).isZero();
        assertThat(new Cgroup(directory.resolve("none")).exists()).isFalse();
    }

    @Test
    void listsProcessesOfTheGroupsBeneathToo() throws IOException {
        write("cgroup.procs", "12\n0\n");
        Files.createDirectories(directory.resolve("child"));
        write("child/cgroup.procs", "13\n");
        assertThat(new Cgroup(directory).processes()).containsExactly(12, 13);
    }

    private void write(String file, String content) throws IOException {
        Files.writeString(directory.resolve(file), content);
    }
}
