// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Disks of folders for tests: files that name the folders. */
public final class FakeLayers implements LayerSource {
    private final Path store;

    FakeLayers(Path store) {
        this.store = store;
    }

    @Override
    public List<Path> disks(List<List<Path>> stacks) {
        List<Path> disks = new ArrayList<>();
        for (List<Path> stack : stacks) {
            Path disk = store.resolve("layer" + Integer.toHexString(stack.hashCode()));
            write(stack, disk);
            disks.add(disk);
        }
        return disks;
    }

    @Override
    public void write(List<Path> folders, Path disk) {
        try {
            Files.createDirectories(disk.getParent());
            Files.writeString(disk, folders.toString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@return the folders that a disk was made of} */
    public String contentOf(Path disk) {
        try {
            return Files.readString(disk);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
