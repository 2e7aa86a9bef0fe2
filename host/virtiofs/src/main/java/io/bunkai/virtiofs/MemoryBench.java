// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** How much memory and how many descriptors a server takes for files that its guest knows. */
final class MemoryBench {
    private static final int PER_FOLDER = 10_000;
    private static final int LISTING_BYTES = 32 * 1024;

    /** The JVM gives the memory of compiling back after some seconds of rest. */
    private static final long REST_SECONDS = 12;

    private final BenchPeer peer;
    private final long[] nodes;
    private int known;

    MemoryBench(BenchPeer peer, int files) {
        this.peer = peer;
        this.nodes = new long[files + files / PER_FOLDER + 1];
    }

    /** Makes that many files, in folders. */
    static void fill(Path share, int files) throws IOException {
        Path folder = share;
        for (int i = 0; i < files; i++) {
            if (i % PER_FOLDER == 0) {
                folder = Files.createDirectory(share.resolve("folder-" + i / PER_FOLDER));
            }
            Files.createFile(folder.resolve("a file of some length " + i));
        }
    }

    void run() throws IOException {
        report("at rest");
        long root = peer.mount.opendir(GuestMount.ROOT);
        list(GuestMount.ROOT, root);
        for (int i = 0, folders = known; i < folders; i++) {
            long handle = peer.mount.opendir(nodes[i]);
            list(nodes[i], handle);
            peer.mount.releasedir(nodes[i], handle);
        }
        report("with " + known + " files known");
        for (int i = known - 1; i >= 0; i--) {
            peer.mount.forget(nodes[i], 1);
        }
        report("when they are forgotten");
    }

    private void report(String when) throws IOException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(REST_SECONDS);
        while (System.nanoTime() < end) {
            LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1));
        }
        System.out.printf(
                Locale.ROOT,
                "%-12s %-28s %8d KiB PSS %7d descriptors%n",
                peer.name,
                when,
                peer.memoryKib(),
                peer.descriptors());
    }

    private void list(long node, long handle) throws IOException {
        Listing.list(
                peer.mount,
                node,
                handle,
                LISTING_BYTES,
                (found, _) -> {
                    if (found != 0) {
                        nodes[known] = found;
                        known++;
                    }
                });
    }
}
