// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import io.bunkai.api.agent.BlkioStats;
import io.bunkai.api.agent.BlkioStatsEntry;
import io.bunkai.api.agent.CgroupStats;
import io.bunkai.api.agent.CpuStats;
import io.bunkai.api.agent.CpuUsage;
import io.bunkai.api.agent.HugetlbStats;
import io.bunkai.api.agent.MemoryData;
import io.bunkai.api.agent.MemoryStats;
import io.bunkai.api.agent.PidsStats;
import io.bunkai.api.agent.ThrottlingData;
import io.bunkai.base.Fault;
import io.bunkai.linux.Processes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The control group of one container, in version 2's hierarchy. What a kernel does not offer counts
 * as 0; "max" is the largest unsigned number.
 *
 * @param directory where it is; gone once the container is
 * @spec https://docs.kernel.org/admin-guide/cgroup-v2.html cgroup v2
 */
record Cgroup(Path directory) {
    private static final long NANOS_PER_MICRO = 1000;
    private static final long UNLIMITED = -1; // as unsigned: the largest there is

    /** Kills every process in it at once, those being forked included. */
    void kill() {
        write("cgroup.kill", "1");
    }

    /** Stops all processes, or lets them go on. They stop a moment after this returns. */
    void freeze(boolean frozen) {
        write("cgroup.freeze", frozen ? "1" : "0");
    }

    /**
     * Signals every process. They are frozen meanwhile, so that none can end, and leave its number
     * to another, between being listed and being signalled.
     */
    void signal(int signal) throws IOException {
        freeze(true);
        try {
            for (int pid : processes()) {
                Processes.signal(pid, signal);
            }
        } finally {
            freeze(false);
        }
    }

    /** {@return the processes in it and in the groups beneath it} */
    List<Integer> processes() throws IOException {
        List<Integer> pids = new ArrayList<>();
        collect(directory, pids);
        return pids;
    }

    private static void collect(Path group, List<Integer> pids) throws IOException {
        for (String line : lines(group.resolve("cgroup.procs"))) {
            int pid = Integer.parseInt(line);
            if (pid > 0) { // 0 stands for a process outside of this namespace
                pids.add(pid);
            }
        }
        String[] names = group.toFile().list();
        if (names != null) {
            for (String name : names) {
                Path child = group.resolve(name);
                if (Files.isDirectory(child)) {
                    collect(child, pids);
                }
            }
        }
    }

    /** {@return whether the kernel knows the group} */
    boolean exists() {
        return Files.exists(directory.resolve("cgroup.procs"));
    }

    /** {@return how many of its processes were killed for lack of memory so far} */
    long oomKills() {
        return pairs("memory.events").getOrDefault("oom_kill", 0L);
    }

    Path memoryEvents() {
        return directory.resolve("memory.events");
    }

    /** {@return all its figures} */
    CgroupStats stats() {
        CgroupStats.Builder stats =
                CgroupStats.newBuilder()
                        .setCpuStats(cpu())
                        .setMemoryStats(memory())
                        .setPidsStats(
                                PidsStats.newBuilder()
                                        .setCurrent(number("pids.current"))
                                        .setLimit(number("pids.max")))
                        .setBlkioStats(io());
        hugetlb(stats);
        return stats.build();
    }

    private CpuStats cpu() {
        Map<String, Long> values = pairs("cpu.stat");
        return CpuStats.newBuilder()
                .setCpuUsage(
                        CpuUsage.newBuilder()
                                .setTotalUsage(nanos(values, "usage_usec"))
                                .setUsageInUsermode(nanos(values, "user_usec"))
                                .setUsageInKernelmode(nanos(values, "system_usec")))
                .setThrottlingData(
                        ThrottlingData.newBuilder()
                                .setPeriods(values.getOrDefault("nr_periods", 0L))
                                .setThrottledPeriods(values.getOrDefault("nr_throttled", 0L))
                                .setThrottledTime(nanos(values, "throttled_usec")))
                .build();
    }

    private static long nanos(Map<String, Long> values, String name) {
        return values.getOrDefault(name, 0L) * NANOS_PER_MICRO;
    }

    private MemoryStats memory() {
        Map<String, Long> values = pairs("memory.stat");
        Map<String, Long> events = pairs("memory.events");
        values.put("oom", events.getOrDefault("oom", 0L));
        values.put("oom_kill", events.getOrDefault("oom_kill", 0L));
        return MemoryStats.newBuilder()
                .setCache(values.getOrDefault("file", 0L))
                .setUsage(
                        MemoryData.newBuilder()
                                .setUsage(number("memory.current"))
                                .setMaxUsage(number("memory.peak"))
                                .setFailcnt(events.getOrDefault("max", 0L))
                                .setLimit(number("memory.max")))
                .setSwapUsage(
                        MemoryData.newBuilder()
                                .setUsage(number("memory.swap.current"))
                                .setLimit(number("memory.swap.max")))
                .setKernelUsage(MemoryData.newBuilder().setUsage(values.getOrDefault("kernel", 0L)))
                .setUseHierarchy(true)
                .putAllStats(values)
                .build();
    }

    /** Lines such as {@code 254:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0}. */
    private BlkioStats io() {
        BlkioStats.Builder stats = BlkioStats.newBuilder();
        for (String line : quietLines("io.stat")) {
            String[] words = line.split(" ");
            int colon = words[0].indexOf(':');
            if (colon < 0) {
                continue;
            }
            long major = parse(words[0].substring(0, colon));
            long minor = parse(words[0].substring(colon + 1));
            for (String word : words) {
                int equals = word.indexOf('=');
                String name = equals < 0 ? "" : word.substring(0, equals);
                String operation =
                        switch (name) {
                            case "rbytes", "rios" -> "Read";
                            case "wbytes", "wios" -> "Write";
                            case "dbytes", "dios" -> "Discard";
                            default -> "";
                        };
                if (operation.isEmpty()) {
                    continue;
                }
                BlkioStatsEntry entry =
                        BlkioStatsEntry.newBuilder()
                                .setMajor(major)
                                .setMinor(minor)
                                .setOp(operation)
                                .setValue(parse(word.substring(equals + 1)))
                                .build();
                if (name.endsWith("bytes")) {
                    stats.addIoServiceBytesRecursive(entry);
                } else {
                    stats.addIoServicedRecursive(entry);
                }
            }
        }
        return stats.build();
    }

    private void hugetlb(CgroupStats.Builder stats) {
        String[] names = directory.toFile().list();
        if (names == null) {
            return;
        }
        for (String name : names) {
            // hugetlb.2MB.current, but not hugetlb.2MB.rsvd.current
            if (name.startsWith("hugetlb.")
                    && name.endsWith(".current")
                    && !name.endsWith(".rsvd.current")) {
                String base = name.substring(0, name.length() - ".current".length());
                stats.putHugetlbStats(
                        base.substring("hugetlb.".length()),
                        HugetlbStats.newBuilder()
                                .setUsage(number(name))
                                .setFailcnt(pairs(base + ".events").getOrDefault("max", 0L))
                                .build());
            }
        }
    }

    private long number(String file) {
        List<String> lines = quietLines(file);
        return lines.isEmpty() ? 0 : parse(lines.getFirst());
    }

    private Map<String, Long> pairs(String file) {
        Map<String, Long> values = new LinkedHashMap<>();
        for (String line : quietLines(file)) {
            int space = line.indexOf(' ');
            if (space > 0) {
                values.put(line.substring(0, space), parse(line.substring(space + 1)));
            }
        }
        return values;
    }

    private static long parse(String text) {
        try {
            return text.equals("max") ? UNLIMITED : Long.parseUnsignedLong(text);
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    private List<String> quietLines(String file) {
        try {
            return lines(directory.resolve(file));
        } catch (IOException e) {
            return List.of(); // this kernel has no such file, or the group is gone
        }
    }

    private static List<String> lines(Path file) throws IOException {
        return Files.readAllLines(file, StandardCharsets.UTF_8);
    }

    private void write(String file, String value) {
        try {
            Files.writeString(directory.resolve(file), value);
        } catch (IOException e) {
            throw Fault.failedPrecondition("the container has no %s", file).causedBy(e);
        }
    }
}
