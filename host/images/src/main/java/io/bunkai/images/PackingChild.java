// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.Fd;
import java.nio.file.Path;
import java.util.List;

/** Makes a disk of directories in a child, which reads them itself. */
final class PackingChild {
    private PackingChild() {}

    /**
     * Packs directories, lowest first. If this throws, what the file holds is worthless.
     *
     * @param directories their real paths
     * @param uuid what becomes the file system's id, 32 hexadecimal digits
     * @param mountPoint an empty directory for the child's view of the world
     * @param disk an empty file that is open for reading and writing
     * @throws Fault what is wrong with the directories or went wrong with the child;
     *     DEADLINE_EXCEEDED and CANCELLED (interrupted) if the child was ended before it was done
     */
    static void pack(
            List<Path> directories,
            String uuid,
            UnpackLimits limits,
            Path mountPoint,
            Fd disk,
            Deadline deadline) {
        ConfinedChild.Task task =
                new ConfinedChild.Task(
                        "packing the layer",
                        "the process that packs layers",
                        limits.processorSeconds());
        List<String> command =
                Confinement.of(Confinement.Program.PACKER).command(mountPoint, limits, directories);
        PackRequest request = new PackRequest(limits, uuid, directories.size());
        ConfinedChild.run(task, command, request::writeTo, disk, deadline);
    }
}
