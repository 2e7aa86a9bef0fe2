// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;

/** Makes an image file of a tree. */
final class ImageWriter {
    private ImageWriter() {}

    /**
     * Writes {@code tree} to {@code file}: the same bytes for the same tree, identifier and time.
     *
     * @param work folder for what is needed on the way
     * @return what was written
     */
    static ContentManifest.Image write(
            CommandRunner commands,
            Path tree,
            ImageFormat format,
            UUID uuid,
            long epochSeconds,
            Path work,
            Path file)
            throws IOException, InterruptedException {
        Path bare =
                switch (format.layout()) {
                    case PLAIN -> file;
                    case KATA -> work.resolve("file-system");
                };
        switch (format.fileSystem()) {
            case EROFS ->
                    ErofsImage.write(
                            commands, tree, bare, uuid, epochSeconds, format.compression());
            case EXT4 -> Ext4Image.write(commands, tree, bare, uuid, epochSeconds);
        }
        long fileSystemBytes = Files.size(bare);
        if (format.layout() == ImageFormat.Layout.KATA) {
            KataLayout.write(bare, file, format.alignMib(), uuid);
            Files.delete(bare);
        }
        return new ContentManifest.Image(
                format, uuid, fileSystemBytes, Files.size(file), Digests.sha256(file));
    }
}
