// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import io.bunkai.base.Deadline;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A folder on a file system of its own that is full when a test wants it to be: what is written
 * there fails as it does on a full disk, since it is one. Needs root. Owned by the test; closing it
 * unmounts it, with all that is in it.
 */
public final class SmallDisk implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int PAGE_BYTES = 4096;

    private final Path folder;
    private final Path filler;

    private SmallDisk(Path folder) {
        this.folder = folder;
        this.filler = folder.resolve(".filler");
    }

    /** {@return a file system of this size, mounted on a folder, which is made} */
    public static SmallDisk on(Path folder, int kib) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        run("mount", "-t", "tmpfs", "-o", "size=" + kib + "k,mode=700", "tmpfs", folder.toString());
        return new SmallDisk(folder);
    }

    private static void run(String... command) {
        CommandRun.of(command).run(Deadline.after(PATIENCE)).expectSuccess();
    }

    /** Fills it up: no page is left. Files can still be made and removed. Idempotent. */
    public void fill() {
        try (OutputStream out =
                Files.newOutputStream(
                        filler,
                        java.nio.file.StandardOpenOption.CREATE,
                        java.nio.file.StandardOpenOption.APPEND)) {
            while (true) {
                out.write(new byte[PAGE_BYTES]);
            }
        } catch (IOException e) {
            if (!String.valueOf(e.getMessage()).contains("No space left")) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Makes room again. Idempotent. */
    public void drain() {
        try {
            Files.deleteIfExists(filler);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Takes it out of the way although files on it are open: it goes when they are closed. */
    public void detach() {
        run("umount", "-l", folder.toString());
    }

    /**
     * Unmounts it; waits for those who are just about to close a file there.
     *
     * @throws AssertionError if somebody keeps one open
     */
    @Override
    public void close() {
        try {
            Await.until(
                    "all files on " + folder + " to be closed",
                    Deadline.after(PATIENCE),
                    () ->
                            CommandRun.of("umount", folder.toString())
                                            .run(Deadline.after(PATIENCE))
                                            .exitCode()
                                    == 0);
        } catch (AssertionError e) {
            detach(); // a test that has failed leaves no mount
            throw e;
        }
    }
}
