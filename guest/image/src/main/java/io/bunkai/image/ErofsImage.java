// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Writes a tree as an EROFS image: read-only, and the same bytes for the same tree. It is not
 * compressed: half the size would cost an emulated processor a tenth of the Java runtime's start.
 *
 * @spec https://docs.kernel.org/filesystems/erofs.html EROFS
 */
final class ErofsImage {
    /** Never seen by anybody, but it has to be the same each time. */
    private static final String UUID = "62756e6b-6169-4000-8000-726f6f746673";

    private ErofsImage() {}

    /** Writes {@code tree} to the file {@code image}. */
    static void write(CommandRunner commands, Path tree, Path image, long epochSeconds)
            throws IOException, InterruptedException {
        commands.check(
                Path.of("/"),
                List.of(
                        "mkfs.erofs",
                        "--quiet",
                        "--all-root",
                        "-x-1",
                        "-T" + epochSeconds,
                        "-U" + UUID,
                        image.toString(),
                        tree.toString()));
    }
}
