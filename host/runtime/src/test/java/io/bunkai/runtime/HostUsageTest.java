// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostUsageTest {
    private static final List<ProcessUsage> PROCESSES =
            List.of(new ProcessUsage(1, 100, 1000), new ProcessUsage(2, 20, 200));

    @TempDir Path folder;

    private Path group(String name) throws IOException {
        return Files.createDirectory(folder.resolve(name));
    }

    @Test
    void groupsOfVersionOneAreReadWhereverTheyAre() throws IOException {
        Path cpu = group("cpu");
        Path cpuacct = group("cpuacct");
        Path memory = group("memory");
        Files.writeString(cpu.resolve("cpu.stat"), "nr_periods 0\nnr_throttled 0\n");
        Files.writeString(cpuacct.resolve("cpuacct.usage"), "123456789\n");
        Files.writeString(memory.resolve("memory.usage_in_bytes"), "5000\n");
        Files.writeString(
                memory.resolve("memory.stat"),
                "inactive_file 1\nanon 7\ntotal_inactive_file 2000\n");
        assertThat(HostUsage.of(List.of(cpu, cpuacct, memory), PROCESSES, 9))
                .isEqualTo(new HostUsage(9, 123456789, 3000));
    }

    @Test
    void aGroupOfVersionTwoIsRead() throws IOException {
        Path group = group("one");
        Files.writeString(group.resolve("cpu.stat"), "usage_usec 5000\nuser_usec 1\n");
        Files.writeString(group.resolve("memory.current"), "7000\n");
        Files.writeString(group.resolve("memory.stat"), "anon 1\ninactive_file 500\n");
        assertThat(HostUsage.of(List.of(group), PROCESSES, 9))
                .isEqualTo(new HostUsage(9, 5_000_000, 6500));
    }

    @Test
    void whatNoGroupCountsIsTheSumOfTheProcesses() throws IOException {
        Path group = group("pids");
        assertThat(HostUsage.of(List.of(group, folder.resolve("gone")), PROCESSES, 9))
                .isEqualTo(new HostUsage(9, 120, 1200));
        Files.writeString(group.resolve("cpu.stat"), "usage_usec 1\n");
        assertThat(HostUsage.of(List.of(group), PROCESSES, 9))
                .isEqualTo(new HostUsage(9, 1000, 1200));
    }
}
