// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.linux.Mounts;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** File systems on which a share is counted. Needs root, loop devices and mkfs.xfs. */
enum CountedPlace {
    DISK,
    MEMORY,
    XFS,
    OVERLAY;

    private static final long XFS_BYTES = 400L << 20; // less than 300 MiB is refused

    private static @Nullable Path mounts;

    /** Mounts what is not there already. */
    static void mount(Path folder) throws Exception {
        mounts = folder.toRealPath();
        Path image = mounts.resolve("image");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(XFS_BYTES);
        }
        run("mkfs.xfs", "-q", image.toString());
        Path xfs = Files.createDirectory(XFS.path());
        run("mount", "-o", "loop,allocsize=4k", image.toString(), xfs.toString());
        Path lower = Files.createDirectory(mounts.resolve("lower"));
        Path upper = Files.createDirectory(mounts.resolve("upper"));
        Path work = Files.createDirectory(mounts.resolve("work"));
        Mounts.mount(
                "overlay",
                Files.createDirectory(OVERLAY.path()),
                "overlay",
                0,
                "lowerdir=%s,upperdir=%s,workdir=%s".formatted(lower, upper, work));
    }

    /** What was served keeps its root open as long as the process lives. */
    static void unmount() throws IOException {
        for (CountedPlace place : List.of(XFS, OVERLAY)) {
            Mounts.unmount(place.path(), Mounts.MNT_DETACH);
        }
    }

    private static void run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
    }

    Path path() {
        return switch (this) {
            case DISK -> Path.of("/tmp");
            case MEMORY -> Path.of("/dev/shm");
            case XFS -> Objects.requireNonNull(mounts).resolve("xfs");
            case OVERLAY -> Objects.requireNonNull(mounts).resolve("overlay");
        };
    }

    /** {@return what may be taken beyond the limit: a block to find the pieces of each file} */
    long maps(int files) {
        return this == MEMORY ? 0 : files * 4096L;
    }
}
