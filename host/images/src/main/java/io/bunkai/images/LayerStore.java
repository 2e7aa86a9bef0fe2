// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.FileStatus;
import io.bunkai.linux.FileType;
import io.bunkai.oci.Digest;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Layers that somebody else has unpacked, as disks: a directory of overlayfs, as containerd keeps
 * one for each layer of an image, becomes a read-only EROFS disk.
 *
 * <p>A single directory keeps the markers by which an overlay hides what is in lower ones, so its
 * disk may have any place in an overlay. Several are merged and have no markers left: their disk is
 * the bottom of an overlay, or all of it.
 *
 * <p>Kept disks are found by what the kernel says of the directories themselves: device, inode,
 * time of birth, of change and of modification. A directory that was made anew under the same path
 * has another disk. A change deeper in a directory goes unnoticed, so only those that are finished
 * may have a kept disk. Beneath the store's root: {@code disks/}, {@code staging/}, {@code lock},
 * as in an {@link ImageStore}.
 *
 * <p>What is in the directories is not trusted, how they came to their place is. Thread-safe. Holds
 * nothing open between calls.
 */
public final class LayerStore {
    /** Raised whenever the same directories would give another disk. */
    static final int BUILDER_VERSION = 1;

    private final Staging staging;
    private final KeptDisks disks;
    private final UnpackLimits limits;

    /** Opens a store with the default limits, see {@link #LayerStore(Path, UnpackLimits)}. */
    public LayerStore(Path root) {
        this(root, UnpackLimits.DEFAULTS);
    }

    /**
     * Opens a store and removes what a killed process left in it.
     *
     * @param root its directory; made if it does not exist, readable by its owner only
     * @param limits what the directories of one disk may demand together
     * @throws Fault UNAVAILABLE if it cannot be used
     */
    public LayerStore(Path root, UnpackLimits limits) {
        this.limits = limits;
        try {
            Files.createDirectories(root);
            Path real = root.toRealPath();
            this.staging = new Staging(real);
            this.disks = new KeptDisks(real, staging, BUILDER_VERSION);
        } catch (IOException e) {
            throw Fault.unavailable("the layer store %s cannot be used", root).causedBy(e);
        }
    }

    /**
     * {@return the disk of directories that do not change any more} It is made the first time, at
     * most once even if several threads or processes ask, and kept. Nobody may write to it.
     *
     * @param directories lowest first; usually one
     * @throws Fault NOT_FOUND if one does not exist; INVALID_ARGUMENT if one is no directory, or
     *     there is none; UNIMPLEMENTED if a file is a reference into another layer; ABORTED if one
     *     changed meanwhile; RESOURCE_EXHAUSTED if they go beyond a limit or the disk is full;
     *     DEADLINE_EXCEEDED, CANCELLED; UNAVAILABLE if the store or a directory cannot be read or
     *     written. Nothing is stored then
     */
    public Path disk(List<Path> directories, Deadline deadline) {
        Digest key = keyOf(directories);
        try {
            return disks.disk(
                    key,
                    deadline,
                    (mountPoint, disk) -> {
                        try (Fd output = create(disk)) {
                            pack(directories, key, mountPoint, output, deadline);
                        }
                        checkUnchanged(directories, key, null);
                    });
        } catch (IOException e) {
            throw KeptDisks.failure("the disk of " + directories.getLast() + " is not made", e);
        }
    }

    /**
     * Makes a disk of directories that may still change later, for one use.
     *
     * @param directories lowest first; usually one
     * @param disk a file that does not exist yet. The caller owns and deletes it; after a failure
     *     there is none
     * @throws Fault ALREADY_EXISTS if the file exists, NOT_FOUND if its directory does not, and as
     *     {@link #disk}
     */
    public void write(List<Path> directories, Path disk, Deadline deadline) {
        Digest key = keyOf(directories);
        try (Fd output = create(disk)) {
            boolean written = false;
            try {
                write(directories, key, disk, output, deadline);
                written = true;
            } finally {
                if (!written) {
                    Files.deleteIfExists(disk);
                }
            }
        } catch (IOException e) {
            throw KeptDisks.failure("the disk " + disk + " is not made", e);
        }
    }

    private void write(List<Path> directories, Digest key, Path disk, Fd output, Deadline deadline)
            throws IOException {
        staging.make(
                "write-" + UUID.randomUUID(),
                deadline,
                mountPoint -> {
                    Files.createDirectories(mountPoint);
                    pack(directories, key, mountPoint, output, deadline);
                });
        if (!ErofsSuperBlock.isDiskOf(key, disk)) {
            throw Fault.internal("the process that packs layers left an incomplete disk");
        }
    }

    private void pack(
            List<Path> directories, Digest key, Path mountPoint, Fd output, Deadline deadline)
            throws IOException {
        List<Path> real = new ArrayList<>();
        for (Path directory : directories) {
            real.add(directory.toRealPath());
        }
        try {
            PackingChild.pack(
                    real, ErofsSuperBlock.uuidOf(key), limits, mountPoint, output, deadline);
        } catch (Fault e) {
            checkUnchanged(directories, key, e); // which explains the child's trouble better
            throw e;
        }
    }

    private static Fd create(Path disk) throws ErrnoException {
        try {
            return Fd.open(disk, Fd.O_RDWR | Fd.O_CREAT | Fd.O_EXCL, 0600);
        } catch (ErrnoException e) {
            switch (e.errno()) {
                case Errno.EEXIST -> throw Fault.alreadyExists("the disk %s exists", disk);
                case Errno.ENOENT, Errno.ENOTDIR ->
                        throw Fault.notFound("the directory of the disk %s does not exist", disk)
                                .causedBy(e);
                default -> throw e;
            }
        }
    }

    private static void checkUnchanged(
            List<Path> directories, Digest key, @Nullable Throwable trouble) {
        if (!keyOf(directories).equals(key)) {
            Fault fault =
                    Fault.of(
                            FaultCode.ABORTED,
                            "%s changed while its disk was made",
                            directories.getLast());
            throw trouble == null ? fault : fault.causedBy(trouble);
        }
    }

    /** {@return what stands for these very directories, made by this version} */
    private static Digest keyOf(List<Path> directories) {
        if (directories.isEmpty()) {
            throw Fault.invalidArgument("there is no directory to make a disk of");
        }
        ByteArrayOutputStream identities = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(identities)) {
            out.writeInt(BUILDER_VERSION);
            out.writeInt(directories.size());
            for (Path directory : directories) {
                FileStatus status = statusOf(directory);
                out.writeInt(status.deviceMajor());
                out.writeInt(status.deviceMinor());
                out.writeLong(status.inode());
                writeTime(out, status.born());
                writeTime(out, status.changed());
                writeTime(out, status.modified());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("memory cannot be written", e);
        }
        return Digest.of(identities.toByteArray());
    }

    private static void writeTime(DataOutputStream out, @Nullable Instant time) throws IOException {
        out.writeBoolean(time != null);
        if (time != null) {
            out.writeLong(time.getEpochSecond());
            out.writeInt(time.getNano());
        }
    }

    private static FileStatus statusOf(Path directory) {
        FileStatus status;
        try {
            status = FileStatus.of(directory);
        } catch (ErrnoException e) {
            throw switch (e.errno()) {
                case Errno.ENOENT, Errno.ENOTDIR ->
                        Fault.notFound("the layer %s does not exist", directory)
                                .withHint("have the image unpacked again, as: ctr images mount")
                                .causedBy(e);
                default -> Fault.unavailable("the layer %s cannot be read", directory).causedBy(e);
            };
        }
        if (status.type() != FileType.DIRECTORY) {
            throw Fault.invalidArgument("the layer %s is no directory", directory)
                    .withHint("name the directory that has the layer's files in it");
        }
        return status;
    }
}
