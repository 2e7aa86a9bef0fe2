// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The agent's AOT caches, kept by what they were trained with: runtime, jars, options and the time
 * that the files have. Two trainings never give the same bytes, so an image is the same twice only
 * if its cache comes from here.
 */
final class AotStore {
    private static final int KEPT = 4;
    private static final String SUFFIX = ".aot";
    private static final String DIGEST_SUFFIX = ".sha256";

    private final Path folder;
    private final AotTraining training;
    private final RootTree tree;
    private final long epochSeconds;

    /**
     * One cache.
     *
     * @param key digest of what it was trained with
     * @param bytes its size
     * @param sha256 its digest
     */
    record Entry(String key, long bytes, String sha256) {}

    /** Keeps caches in this folder, for this tree. */
    AotStore(Path folder, AotTraining training, RootTree tree, long epochSeconds) {
        this.folder = folder;
        this.training = training;
        this.tree = tree;
        this.epochSeconds = epochSeconds;
    }

    /**
     * Puts a cache into the tree: a kept one, else one that is trained now and kept.
     *
     * @return what is in the tree
     */
    Entry provide() throws IOException, InterruptedException {
        Files.createDirectories(folder);
        String key = key();
        Path kept = folder.resolve(key + SUFFIX);
        Path digest = folder.resolve(key + DIGEST_SUFFIX);
        Path place = tree.resolve(RootTree.AOT_CACHE);
        if (Files.exists(kept)
                && Files.exists(digest)
                && Files.readString(digest).equals(Digests.sha256(kept))) {
            tree.copy(kept, RootTree.AOT_CACHE, 0644);
            Files.setLastModifiedTime(kept, FileTime.from(java.time.Instant.now()));
        } else {
            training.run();
            tree.setPermissions(RootTree.AOT_CACHE, 0644);
            keep(place, kept, digest);
            prune();
        }
        return new Entry(key, Files.size(place), Digests.sha256(place));
    }

    private String key() throws IOException {
        StringBuilder text = new StringBuilder("time " + epochSeconds + "\n");
        text.append("training " + Digests.sha256(training.script()) + "\n");
        for (Map.Entry<String, String> file :
                TreeListing.of(tree.resolve(RootTree.HOME)).files().entrySet()) {
            text.append(file.getKey() + " " + file.getValue() + "\n");
        }
        return Digests.sha256(text.toString());
    }

    private void keep(Path trained, Path kept, Path digest) throws IOException {
        Path staged = Files.createTempFile(folder, ".new-", SUFFIX);
        try {
            Files.copy(trained, staged, StandardCopyOption.REPLACE_EXISTING);
            Files.deleteIfExists(digest);
            Files.move(staged, kept, StandardCopyOption.ATOMIC_MOVE);
            Files.writeString(digest, Digests.sha256(kept));
        } catch (FileAlreadyExistsException e) {
            // another builder was as fast
        } finally {
            Files.deleteIfExists(staged);
        }
    }

    /** The oldest go: with each change of the agent there is a new one. */
    private void prune() throws IOException {
        List<Path> caches = new ArrayList<>();
        try (Stream<Path> all = Files.list(folder)) {
            all.filter(file -> file.toString().endsWith(SUFFIX)).forEach(caches::add);
        }
        caches.sort(Comparator.comparingLong(AotStore::modified).reversed());
        for (Path cache : caches.subList(Math.min(KEPT, caches.size()), caches.size())) {
            String name = String.valueOf(cache.getFileName());
            Files.deleteIfExists(
                    folder.resolve(
                            name.substring(0, name.length() - SUFFIX.length()) + DIGEST_SUFFIX));
            Files.deleteIfExists(cache);
        }
    }

    private static long modified(Path file) {
        try {
            return Files.getLastModifiedTime(file).toMillis();
        } catch (IOException e) {
            return 0;
        }
    }
}
