// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where the things of a store are made before they appear under their names, each by one thread of
 * one process at a time: {@code staging/} and {@code lock} beneath the store's root. What a killed
 * process left is removed when the store is opened.
 *
 * <p>Thread-safe. Holds nothing open between calls.
 */
final class Staging {
    private final Path staging;
    private final StoreLocks locks;

    /** What is done in a directory of its own. */
    @FunctionalInterface
    interface Work {
        /**
         * Does it.
         *
         * @param directory may be made and filled, and is removed afterwards with all in it
         */
        void in(Path directory) throws IOException;
    }

    /** Removes what a killed process left beneath this root. */
    Staging(Path root) throws IOException {
        this.staging = privateDirectory(root.resolve("staging"));
        this.locks = StoreLocks.of(root.resolve("lock"));
        removeLeftovers();
    }

    /** {@return the directory, made if it does not exist, for its owner only} */
    static Path privateDirectory(Path path) throws IOException {
        if (!Files.isDirectory(path)) {
            Files.createDirectories(
                    path,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
        }
        return path;
    }

    private void removeLeftovers() throws IOException {
        try (DirectoryStream<Path> leftovers = Files.newDirectoryStream(staging)) {
            for (Path leftover : leftovers) {
                // Whoever makes an image holds its lock, so a free lock means that nobody does.
                Optional<StoreLocks.Held> free =
                        locks.tryAcquire(leftover.getFileName().toString());
                if (free.isPresent()) {
                    try (StoreLocks.Held _ = free.get()) {
                        removeTree(leftover);
                    }
                }
            }
        }
    }

    /**
     * Does work under a name, while nobody else does work under the same.
     *
     * @throws Fault DEADLINE_EXCEEDED if somebody else does for too long, CANCELLED if interrupted
     */
    void make(String name, Deadline deadline, Work work) throws IOException {
        try (StoreLocks.Held _ = locks.acquire(name, deadline)) {
            Path directory = staging.resolve(name);
            removeTree(directory);
            try {
                work.in(directory);
            } finally {
                removeTree(directory);
            }
        }
    }

    private static void removeTree(Path root) throws IOException {
        if (!Files.exists(root)) {
            return;
        }
        Files.walkFileTree(
                root,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                            throws IOException {
                        Files.delete(file);
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult postVisitDirectory(
                            Path directory, @Nullable IOException failure) throws IOException {
                        if (failure != null) {
                            throw failure;
                        }
                        Files.delete(directory);
                        return FileVisitResult.CONTINUE;
                    }
                });
    }
}
