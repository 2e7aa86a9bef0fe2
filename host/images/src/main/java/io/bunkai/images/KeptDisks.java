// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.oci.Digest;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * The disks of a store, each under the digest that tells what it was made from and the version of
 * what made it: {@code disks/} beneath the store's root. A disk is made at most once, even if
 * several threads or processes ask, and appears by rename after its data has reached the medium.
 *
 * <p>Thread-safe. Holds nothing open between calls.
 */
final class KeptDisks {
    private static final String DISK = "disk";
    private static final String MOUNT_POINT = "root";

    private final Path disks;
    private final Staging staging;
    private final int version;

    /** Makes a disk. */
    @FunctionalInterface
    interface Builder {
        /**
         * Makes it.
         *
         * @param mountPoint an empty directory
         * @param disk the file to make
         */
        void build(Path mountPoint, Path disk) throws IOException;
    }

    /**
     * @param version raised whenever the same source would give another disk
     */
    KeptDisks(Path root, Staging staging, int version) throws IOException {
        this.disks = Staging.privateDirectory(root.resolve("disks"));
        this.staging = staging;
        this.version = version;
    }

    /** {@return the disk with this id, built if there is none that is usable} */
    Path disk(Digest id, Deadline deadline, Builder builder) throws IOException {
        Path disk = disks.resolve(id.hex() + "-v" + version + ".erofs");
        if (!isUsable(id, disk)) {
            staging.make(
                    id.hex(),
                    deadline,
                    work -> {
                        if (!isUsable(id, disk)) { // or else somebody was faster
                            make(id, work, builder, disk);
                        }
                    });
        }
        return disk;
    }

    private static boolean isUsable(Digest id, Path disk) throws IOException {
        try {
            return ErofsSuperBlock.isDiskOf(id, disk);
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    private void make(Digest id, Path work, Builder builder, Path disk) throws IOException {
        Path mountPoint = Files.createDirectories(work.resolve(MOUNT_POINT));
        Path made = work.resolve(DISK);
        builder.build(mountPoint, made);
        if (!ErofsSuperBlock.isDiskOf(id, made)) {
            throw Fault.internal("the process that makes disks left an incomplete one");
        }
        sync(made);
        Files.move(made, disk, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        sync(disks);
    }

    /** Waits until a file's data, or a directory's names, have reached the medium. */
    static void sync(Path fileOrDirectory) throws IOException {
        try (FileChannel channel = FileChannel.open(fileOrDirectory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /**
     * {@return what a failure to read or write a store's files is to the caller}
     *
     * @param what what does not happen now, as a sentence
     */
    static Fault failure(String what, IOException cause) {
        String text = String.valueOf(cause.getMessage());
        return text.contains("No space left") || text.contains("quota")
                ? Fault.resourceExhausted("%s: the disk is full", what).causedBy(cause)
                : Fault.unavailable("%s", what).causedBy(cause);
    }
}
