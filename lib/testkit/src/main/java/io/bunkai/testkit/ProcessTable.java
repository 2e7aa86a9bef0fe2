// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The processes of this machine at one moment.
 *
 * @spec https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html proc_pid_stat(5)
 */
final class ProcessTable {
    private static final Path PROC = Path.of("/proc");

    private final Map<Long, Entry> byPid = new LinkedHashMap<>();

    private ProcessTable() {}

    /** A process. Its start time tells it from another one that got the same id. */
    record Entry(long pid, long parent, long startTicks, boolean isZombie, String name) {
        String identity() {
            return pid + "@" + startTicks;
        }

        String command() {
            String line =
                    ProcFiles.text(PROC.resolve(pid + "/cmdline"))
                            .orElse("")
                            .replace('\0', ' ')
                            .strip();
            return line.isEmpty() ? "[" + name + "]" : line;
        }
    }

    static ProcessTable read() {
        ProcessTable table = new ProcessTable();
        for (Path folder : ProcFiles.list(PROC)) {
            if (Character.isDigit(ProcFiles.name(folder).charAt(0))) {
                ProcFiles.text(folder.resolve("stat"))
                        .flatMap(ProcessTable::parse)
                        .ifPresent(entry -> table.byPid.put(entry.pid(), entry));
            }
        }
        return table;
    }

    /** The name stands in parentheses and may have spaces and parentheses in it. */
    static Optional<Entry> parse(String stat) {
        int open = stat.indexOf('(');
        int close = stat.lastIndexOf(')');
        if (open < 0 || close < open) {
            return Optional.empty();
        }
        String[] rest = stat.substring(close + 2).strip().split(" ", -1);
        return Optional.of(
                new Entry(
                        Long.parseLong(stat.substring(0, open).strip()),
                        Long.parseLong(rest[1]),
                        Long.parseLong(rest[19]),
                        rest[0].equals("Z"),
                        stat.substring(open + 1, close)));
    }

    List<Entry> entries() {
        return List.copyOf(byPid.values());
    }

    String describe(long pid) {
        Entry entry = byPid.get(pid);
        return entry == null
                ? "process " + pid
                : "process " + pid + " " + shortened(entry.command());
    }

    static String shortened(String command) {
        return command.length() <= 200 ? command : command.substring(0, 200) + "...";
    }

    /** {@return all processes beneath this one} */
    Set<Long> descendantsOf(long ancestor) {
        Set<Long> found = new HashSet<>(Set.of(ancestor));
        boolean grown = true;
        while (grown) {
            grown = false;
            for (Entry entry : byPid.values()) {
                grown |= found.contains(entry.parent()) && found.add(entry.pid());
            }
        }
        found.remove(ancestor);
        return found;
    }

    /** {@return where a process mentions one of these texts: command line, folder, files, ...} */
    static Optional<String> mention(long pid, List<String> texts) {
        Path folder = PROC.resolve(String.valueOf(pid));
        Map<String, String> places = new LinkedHashMap<>();
        places.put("its command line", ProcFiles.text(folder.resolve("cmdline")).orElse(""));
        places.put("its environment", ProcFiles.text(folder.resolve("environ")).orElse(""));
        for (String link : List.of("cwd", "exe", "root")) {
            places.put("its " + link, ProcFiles.link(folder.resolve(link)).orElse(""));
        }
        places.put("an open file", String.join("\0", openFiles(pid)));
        places.put("its cgroup", ProcFiles.text(folder.resolve("cgroup")).orElse(""));
        return places.entrySet().stream()
                .filter(place -> texts.stream().anyMatch(place.getValue()::contains))
                .map(Map.Entry::getKey)
                .findFirst();
    }

    /** {@return what the descriptors of a process stand for} */
    static List<String> openFiles(long pid) {
        List<String> targets = new ArrayList<>();
        for (Path fd : ProcFiles.list(PROC.resolve(pid + "/fd"))) {
            ProcFiles.link(fd).ifPresent(targets::add);
        }
        return targets;
    }

    /** {@return the processes that hold a descriptor of this tap device} */
    List<Long> holdersOfTap(String link) {
        List<Long> holders = new ArrayList<>();
        for (long pid : byPid.keySet()) {
            for (Path info : ProcFiles.list(PROC.resolve(pid + "/fdinfo"))) {
                if (ProcFiles.lines(info).stream()
                        .anyMatch(line -> line.matches("iff:\\s+" + Pattern.quote(link)))) {
                    holders.add(pid);
                    break;
                }
            }
        }
        return holders;
    }
}
