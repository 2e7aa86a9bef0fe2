// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Function;

/**
 * What everything of one machine costs the host: what its control groups count, and where there is
 * none that does, the sum of the processes that are known.
 *
 * @param atNanos when it was read, by the sampler's clock
 * @param memoryBytes without the page cache that nobody has used lately
 * @spec https://docs.kernel.org/admin-guide/cgroup-v1/cgroups.html cgroup v1
 * @spec https://docs.kernel.org/admin-guide/cgroup-v2.html cgroup v2
 */
public record HostUsage(long atNanos, long cpuNanos, long memoryBytes) {
    private static final long NANOS_PER_MICRO = 1000;

    /**
     * {@return what is used now}
     *
     * @param groups the machine's, in any number of hierarchies
     * @param processes those that are known
     */
    static HostUsage of(List<Path> groups, List<ProcessUsage> processes, long atNanos) {
        return new HostUsage(
                atNanos,
                first(groups, HostUsage::cpu)
                        .orElseGet(
                                () -> processes.stream().mapToLong(ProcessUsage::cpuNanos).sum()),
                first(groups, HostUsage::memory)
                        .orElseGet(() ->
                                processes.stream().mapToLong(ProcessUsage::residentBytes).sum()));
    }

    private static OptionalLong first(List<Path> groups, Function<Path, OptionalLong> figure) {
        return groups.stream()
                .map(figure)
                .filter(OptionalLong::isPresent)
                .findFirst()
                .orElse(OptionalLong.empty());
    }

    private static OptionalLong cpu(Path group) {
        OptionalLong v1 = number(group.resolve("cpuacct.usage"), "");
        if (v1.isPresent()) {
            return v1;
        }
        OptionalLong v2 = number(group.resolve("cpu.stat"), "usage_usec ");
        return v2.isPresent() ? OptionalLong.of(v2.getAsLong() * NANOS_PER_MICRO) : v2;
    }

    private static OptionalLong memory(Path group) {
        OptionalLong v1 = number(group.resolve("memory.usage_in_bytes"), "");
        return v1.isPresent()
                ? used(group, v1, "total_inactive_file ")
                : used(group, number(group.resolve("memory.current"), ""), "inactive_file ");
    }

    private static OptionalLong used(Path group, OptionalLong all, String unused) {
        return all.isPresent()
                ? OptionalLong.of(
                        Math.max(
                                0,
                                all.getAsLong()
                                        - number(group.resolve("memory.stat"), unused).orElse(0)))
                : all;
    }

    /** {@return the number behind the first of these words that begins a line; empty if none is} */
    private static OptionalLong number(Path file, String word) {
        try (var lines = Files.lines(file, StandardCharsets.US_ASCII)) {
            return lines.filter(line -> line.startsWith(word))
                    .mapToLong(line -> Long.parseLong(line.substring(word.length()).strip()))
                    .findFirst();
        } catch (IOException e) {
            return OptionalLong.empty(); // another hierarchy, or the group is gone
        }
    }
}
