// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import io.bunkai.base.Deadline;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A folder for one test, with a short name: a unix socket's path has to fit into 108 bytes, and
 * folders that build tools or JUnit make are often too deep for that. Owned by the test; closing it
 * deletes it.
 */
public final class TestRoot implements AutoCloseable {
    private static final int NAME_LENGTH = 6;
    private static final String LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

    /** So long others may still be busy in the folder when it is deleted. */
    private static final Duration OTHERS_PATIENCE = Duration.ofSeconds(10);

    private final Path path;

    private TestRoot(Path path) {
        this.path = path;
    }

    /**
     * {@return a new, empty folder that only this user can enter}
     *
     * @throws UncheckedIOException if it cannot be made
     */
    public static TestRoot create() {
        SecureRandom random = new SecureRandom();
        StringBuilder name = new StringBuilder("bk-");
        for (int i = 0; i < NAME_LENGTH; i++) {
            name.append(LETTERS.charAt(random.nextInt(LETTERS.length())));
        }
        try {
            return new TestRoot(
                    Files.createDirectory(
                            Path.of("/tmp").toRealPath().resolve(name.toString()),
                            PosixFilePermissions.asFileAttribute(
                                    PosixFilePermissions.fromString("rwx------"))));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@return the folder, absolute and without links in it} */
    public Path path() {
        return path;
    }

    /** {@return the path of this name in the folder; nothing is created} */
    public Path resolve(String name) {
        return path.resolve(name);
    }

    /**
     * Deletes the folder and all in it. Links are deleted, not followed. What a thread of the test
     * still creates or deletes there, since a machine's end is being put away, is waited for.
     *
     * @throws IllegalStateException if something is still mounted in it; nothing is deleted then,
     *     since it would be deleted from the mounted file system
     * @throws UncheckedIOException if something cannot be deleted, or somebody goes on writing
     *     there
     */
    @Override
    public void close() {
        List<String> mounts = MountTable.pointsBeneath(path);
        if (!mounts.isEmpty()) {
            throw new IllegalStateException(
                    path + " was not deleted: still mounted are " + String.join(", ", mounts));
        }
        Deadline deadline = Deadline.after(OTHERS_PATIENCE);
        while (true) {
            try {
                if (Files.exists(path)) {
                    Files.walkFileTree(path, new Deletion());
                }
                return;
            } catch (NoSuchFileException | DirectoryNotEmptyException e) {
                if (deadline.hasPassed()) {
                    throw new UncheckedIOException(e);
                }
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static final class Deletion extends SimpleFileVisitor<Path> {
        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException failure)
                throws IOException {
            if (failure != null) {
                throw failure;
            }
            Files.delete(folder);
            return FileVisitResult.CONTINUE;
        }
    }
}
