// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import io.bunkai.base.Closer;
import io.bunkai.base.Fault;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Renames;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;

/**
 * A folder that appears complete or not at all. While it is being filled it lies beside its final
 * place under another name; until {@link #publish} is called, closing this leaves no trace but an
 * empty lock file. One builder at a time: a second one, also in another process, waits in {@link
 * #open}.
 */
final class OutputDirectory implements AutoCloseable {
    private final Path target;
    private final Path staging;
    private final Closer owned;

    private OutputDirectory(Path target, Path staging, Closer owned) {
        this.target = target;
        this.staging = staging;
        this.owned = owned;
    }

    /** Waits until nobody else builds {@code target}, and removes what a killed builder left. */
    static OutputDirectory open(Path target) throws IOException {
        Path place = target.toAbsolutePath().normalize();
        Path parent = place.getParent();
        if (parent == null) {
            throw Fault.invalidArgument("%s cannot be a folder for the guest image", target);
        }
        Files.createDirectories(parent);
        String prefix = "." + place.getFileName() + ".";
        try (Closer undo = new Closer()) {
            FileChannel lock =
                    undo.own(
                            FileChannel.open(
                                    parent.resolve(prefix + "lock"),
                                    StandardOpenOption.CREATE,
                                    StandardOpenOption.WRITE));
            lock.lock();
            removeLeftovers(parent, prefix + "staging-");
            Path staging = Files.createTempDirectory(parent, prefix + "staging-");
            undo.onClose(() -> Trees.delete(staging));
            return new OutputDirectory(place, staging, undo.release());
        }
    }

    /** {@return the folder to put the results into} */
    Path results() throws IOException {
        return Files.createDirectories(staging.resolve("results"));
    }

    /** {@return a folder for what is needed on the way and thrown away} */
    Path work() throws IOException {
        return Files.createDirectories(staging.resolve("work"));
    }

    /** Puts the results in their place in one step; what was there before is deleted. */
    void publish() throws IOException {
        Path results = results();
        if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
            replace(results);
        } else {
            Files.move(results, target, StandardCopyOption.ATOMIC_MOVE);
        }
    }

    /**
     * Puts files beside each other where the target is, the last one last; the target is one of
     * them.
     */
    void publishFiles(List<String> names) throws IOException {
        if (Files.isDirectory(target)) {
            throw Fault.failedPrecondition("%s is a folder, and a file is to be written", target)
                    .withHint("name the file with --output");
        }
        for (String name : names) {
            Files.move(
                    results().resolve(name),
                    target.resolveSibling(name),
                    StandardCopyOption.ATOMIC_MOVE);
        }
    }

    private void replace(Path results) throws IOException {
        try {
            Renames.exchange(results, target);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EINVAL && e.errno() != Errno.ENOSYS) {
                throw e;
            }
            // This file system cannot exchange: for a moment there is no image, but never half of
            // one.
            Files.move(target, staging.resolve("former"), StandardCopyOption.ATOMIC_MOVE);
            Files.move(results, target, StandardCopyOption.ATOMIC_MOVE);
        }
    }

    private static void removeLeftovers(Path parent, String prefix) throws IOException {
        try (Stream<Path> entries = Files.list(parent)) {
            for (Path entry : (Iterable<Path>) entries::iterator) {
                if (String.valueOf(entry.getFileName()).startsWith(prefix)) {
                    Trees.delete(entry);
                }
            }
        }
    }

    @Override
    public void close() {
        owned.close();
    }
}
