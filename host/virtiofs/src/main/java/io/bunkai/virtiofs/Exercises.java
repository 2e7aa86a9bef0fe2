// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;

import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** All that is measured, and what it needs to find in the shared directory. */
final class Exercises {
    private static final int PIECE_BYTES = 1 << 20;
    private static final int NAMES = 100;
    private static final int FILES = 1000;
    private static final long FILE_BYTES = 64L << 20;
    private static final int LISTING_BYTES = 32 * 1024;

    private Exercises() {}

    /** Makes what the exercises need. */
    static void fill(Path share) throws IOException {
        byte[] piece = new byte[PIECE_BYTES];
        Arrays.fill(piece, (byte) 'b');
        try (var data = Files.newOutputStream(share.resolve("data"))) {
            for (long done = 0; done < FILE_BYTES; done += piece.length) {
                data.write(piece);
            }
        }
        fillFolders(share, FILES);
    }

    /** Makes as little as the exercises can do with: a file of holes, and few others. */
    static void fillSmall(Path share) throws IOException {
        try (var data = FileChannel.open(share.resolve("data"), CREATE, WRITE)) {
            data.write(ByteBuffer.allocate(1), FILE_BYTES - 1);
        }
        fillFolders(share, NAMES);
    }

    private static void fillFolders(Path share, int files) throws IOException {
        Path many = Files.createDirectory(share.resolve("many"));
        for (int i = 0; i < files; i++) {
            Files.createFile(many.resolve("file-" + i));
        }
        Files.createDirectory(share.resolve("new"));
    }

    /** Makes the exercise for one server, which numbers its files itself. */
    interface Preparation {
        Exercise with(GuestMount mount, int depth) throws IOException;
    }

    /** {@return all of them, by name} */
    static Map<String, Preparation> all() {
        Map<String, Preparation> all = new LinkedHashMap<>();
        all.put("getattr", (mount, _) -> Exercise.getattr(mount.lookup(1, "data").node()));
        all.put(
                "lookup",
                (mount, _) -> Exercise.lookup(mount.lookup(1, "many").node(), "file-", NAMES));
        all.put("lookup-missing", (mount, _) -> Exercise.missing(mount.lookup(1, "many").node()));
        for (int size : new int[] {4096, 128 << 10, 1 << 20}) {
            all.put("read-" + text(size), (mount, _) -> transfer(mount, false, size));
            all.put("write-" + text(size), (mount, _) -> transfer(mount, true, size));
        }
        all.put("open-release", (mount, _) -> Exercise.open(mount.lookup(1, "data").node()));
        all.put(
                "create-unlink",
                (mount, _) -> Exercise.create(mount, mount.lookup(1, "new").node(), 0100644));
        all.put("readdirplus-1000", (mount, depth) -> listing(mount, depth));
        return all;
    }

    private static String text(int size) {
        return size < 1 << 20 ? size / 1024 + "k" : size / (1 << 20) + "m";
    }

    private static Exercise transfer(GuestMount mount, boolean writes, int size)
            throws IOException {
        long node = mount.lookup(1, "data").node();
        return Exercise.transfer(writes, node, mount.open(node, Fd.O_RDWR), size, FILE_BYTES);
    }

    private static Exercise listing(GuestMount mount, int depth) throws IOException {
        long node = mount.lookup(1, "many").node();
        long[] handles = new long[depth];
        for (int i = 0; i < depth; i++) {
            handles[i] = mount.opendir(node);
        }
        return Exercise.readdirplus(node, handles, LISTING_BYTES);
    }

    /** {@return how often the exercise was done} */
    static long drive(Lane lane, Exercise exercise, int depth, long nanos) throws ErrnoException {
        long end = System.nanoTime() + nanos;
        long done = 0;
        int busy = depth;
        boolean over = false;
        for (int slot = 0; slot < depth; slot++) {
            exercise.begin(lane, slot);
        }
        lane.submit();
        while (busy > 0) {
            int slot = lane.take();
            if (slot == Lane.NONE) {
                lane.submit();
                lane.await();
                continue;
            }
            if (!exercise.goesOn(lane, slot)) {
                done++;
                over = over || ((done & 15) == 0 && System.nanoTime() >= end);
                if (over) {
                    busy--;
                } else {
                    exercise.begin(lane, slot);
                }
            }
        }
        return done;
    }
}
