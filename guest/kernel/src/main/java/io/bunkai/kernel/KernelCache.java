// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Closer;
import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;

/**
 * What is kept between builds, by the digest of what it was made from: downloaded archives,
 * unpacked sources, build folders that are not done, and kernels. All of it can be deleted when no
 * build runs.
 *
 * @param root its folder
 */
record KernelCache(Path root) {
    /** A source tree takes 1.4 GiB, a build folder less than one. */
    static final ByteSize ROOM = ByteSize.ofMib(3 * 1024L);

    /** {@return where this user's cache is} */
    static Path defaultRoot(Map<String, String> environment) {
        String named = environment.getOrDefault("BUNKAI_CACHE", "");
        if (!named.isEmpty()) {
            return Path.of(named, "kernel");
        }
        String general = environment.getOrDefault("XDG_CACHE_HOME", "");
        Path base =
                general.isEmpty()
                        ? Path.of(environment.getOrDefault("HOME", "/root"), ".cache")
                        : Path.of(general);
        return base.resolve("bunkai/kernel");
    }

    Path downloads() throws IOException {
        return Files.createDirectories(root.resolve("downloads"));
    }

    Path sources() throws IOException {
        return Files.createDirectories(root.resolve("sources"));
    }

    /** {@return the folder that make works in for a kernel of these inputs} */
    Path build(String key) throws IOException {
        return Files.createDirectories(root.resolve("builds").resolve(key));
    }

    /** {@return the folder of the finished kernel of these inputs, which may be missing} */
    Path result(String key) {
        return root.resolve("results").resolve(key);
    }

    Path logs() throws IOException {
        return Files.createDirectories(root.resolve("logs"));
    }

    /**
     * Waits until nobody else, in whatever process, works at the same.
     *
     * @param waiting is called if there is somebody to wait for
     * @return the lock, which the caller closes
     */
    Closer lock(String name, Runnable waiting) throws IOException {
        Path locks = Files.createDirectories(root.resolve("locks"));
        try (Closer undo = new Closer()) {
            FileChannel file =
                    undo.own(
                            FileChannel.open(
                                    locks.resolve(name),
                                    StandardOpenOption.CREATE,
                                    StandardOpenOption.WRITE));
            FileLock lock = file.tryLock();
            if (lock == null) {
                waiting.run();
                file.lock();
            }
            return undo.release();
        }
    }

    /**
     * Looks for room before hours of work end in a full disk.
     *
     * @throws Fault RESOURCE_EXHAUSTED if there is less than {@code needed}
     */
    void requireRoom(ByteSize needed) throws IOException {
        Files.createDirectories(root);
        ByteSize free = ByteSize.ofBytes(Files.getFileStore(root).getUsableSpace());
        if (free.compareTo(needed) < 0) {
            throw Fault.resourceExhausted("there is no room to build a kernel in %s", root)
                    .causedBy(
                            Fault.resourceExhausted(
                                    "%s are free, source and objects take %s", free, needed))
                    .withHint("make room, or name another folder with --cache");
        }
    }
}
