// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import java.io.IOException;
import java.nio.file.Files;
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
    /** What hints may ask for at most, in bytes. */
    private static final int LARGEST_PIECE = 65_536;

    private ErofsImage() {}

    /**
     * Writes {@code tree} to the file {@code image}.
     *
     * @param compression which files are packed; they take half the room, and a processor unpacks
     *     them
     */
    static void write(
            CommandRunner commands,
            Path tree,
            Path image,
            UUID uuid,
            long epochSeconds,
            Compression compression)
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
        if (compression != Compression.NONE) {
            command.add("-zlz4hc");
        }
        if (compression.hints().isEmpty()) {
            make(commands, command, tree, image);
            return;
        }
        Path hints = Files.createTempFile("bunkai-erofs-", ".hints");
        try {
            Files.writeString(hints, compression.hints());
            command.add("-C" + LARGEST_PIECE);
            command.add("--compress-hints=" + hints);
            make(commands, command, tree, image);
        } finally {
            Files.delete(hints);
        }
    }

    private static void make(CommandRunner commands, List<String> command, Path tree, Path image)
            throws IOException, InterruptedException {
        command.add(image.toString());
        command.add(tree.toString());
        commands.check(Path.of("/"), command);
    }
}
