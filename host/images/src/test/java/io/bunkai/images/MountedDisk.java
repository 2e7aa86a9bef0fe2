// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A disk that this host's kernel shows as files, as long as this is open. */
final class MountedDisk implements AutoCloseable {
    private final Path directory;

    private MountedDisk(Path directory) {
        this.directory = directory;
    }

    static MountedDisk of(Path disk, Path mountPoint) {
        try {
            Files.createDirectories(mountPoint);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Command.run("mount", "-t", "erofs", "-o", "loop,ro,noatime", disk, mountPoint);
        return new MountedDisk(mountPoint);
    }

    Path directory() {
        return directory;
    }

    @Override
    public void close() {
        Command.run("umount", directory);
    }
}
