// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * Writes a tree as an EROFS image: read-only, and the same bytes for the same tree.
 *
 * @spec https://docs.kernel.org/filesystems/erofs.html EROFS
 */
final class ErofsImage {
    private ErofsImage() {}

    /**
     * Writes {@code tree} to the file {@code image}.
     *
     * @param compressed whether files are packed; half the size, and a processor unpacks them
     */
    static void write(
            CommandRunner commands,
            Path tree,
            Path image,
            UUID uuid,
            long epochSeconds,
            boolean compressed)
            throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "mkfs.erofs",
                                "--quiet",
                                "--all-root",
                                "-x-1",
                                "-T" + epochSeconds,
                                "-U" + uuid));
        if (compressed) {
            command.add("-zlz4hc");
        }
        command.add(image.toString());
        command.add(tree.toString());
        commands.check(Path.of("/"), command);
    }
}
