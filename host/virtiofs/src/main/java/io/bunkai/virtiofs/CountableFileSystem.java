// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * Whether what the kernel says that a file takes is what it has asked for. XFS sets more aside for
 * a file that grows than it needs, unless it was mounted with a small {@code allocsize}: what a
 * guest writes would then be more than its limit, though no byte of it is.
 *
 * @spec https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html proc_pid_mountinfo(5)
 * @spec https://man7.org/linux/man-pages/man5/xfs.5.html xfs(5)
 */
final class CountableFileSystem {
    private static final Path MOUNTS = Path.of("/proc/self/mountinfo");
    private static final Set<String> SMALL = Set.of("allocsize=4k", "allocsize=4096");

    private CountableFileSystem() {}

    /**
     * Refuses a file system whose files cannot be held to a limit.
     *
     * @param mount the number of the mount that is shared
     * @throws Fault FAILED_PRECONDITION with what to do
     */
    static void require(long mount) {
        try {
            require(Files.readAllLines(MOUNTS), mount);
        } catch (IOException e) {
            throw Fault.internal("%s cannot be read", MOUNTS).causedBy(e);
        }
    }

    /** As the other one, with the lines of that file. */
    static void require(List<String> lines, long mount) {
        String begin = mount + " ";
        for (String line : lines) {
            int dash = line.indexOf(" - ");
            if (!line.startsWith(begin) || dash < 0) {
                continue;
            }
            String[] fields = line.substring(dash + 3).split(" ", -1); // type, source, options
            if (fields[0].equals("xfs")
                    && List.of(fields[2].split(",")).stream().noneMatch(SMALL::contains)) {
                throw Fault.failedPrecondition(
                                "the shared directory is on XFS, which sets more aside for a file"
                                        + " than it has: --fs-quota would be exceeded")
                        .withHint(
                                "mount it with allocsize=4k, or give the directory a project quota"
                                        + " of XFS instead");
            }
        }
    }
}
