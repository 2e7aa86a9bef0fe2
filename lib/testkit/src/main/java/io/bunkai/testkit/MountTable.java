// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The mounts of this process's namespace.
 *
 * @spec https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html proc_pid_mountinfo(5)
 */
final class MountTable {
    private MountTable() {}

    /** One line of the table. */
    record Mount(String root, String point, String fileSystem, String source) {
        String description() {
            String part = root.equals("/") ? "" : " (its folder " + root + ")";
            return point + " of type " + fileSystem + " from " + source + part;
        }
    }

    static List<Mount> read() {
        List<Mount> mounts = new ArrayList<>();
        for (String line : ProcFiles.lines(Path.of("/proc/self/mountinfo"))) {
            mounts.add(parse(line));
        }
        return mounts;
    }

    /** Optional fields stand between the sixth and a dash. */
    static Mount parse(String line) {
        int dash = line.indexOf(" - ");
        String[] before = line.substring(0, dash).split(" ", -1);
        String[] after = line.substring(dash + " - ".length()).split(" ", -1);
        return new Mount(unescaped(before[3]), unescaped(before[4]), after[0], unescaped(after[1]));
    }

    static List<String> pointsBeneath(Path folder) {
        return read().stream()
                .map(Mount::point)
                .filter(point -> Path.of(point).startsWith(folder))
                .toList();
    }

    /** Space, tab, newline and backslash are written as three octal digits. */
    private static String unescaped(String text) {
        return text.replace("\\040", " ")
                .replace("\\011", "\t")
                .replace("\\012", "\n")
                .replace("\\134", "\\");
    }
}
