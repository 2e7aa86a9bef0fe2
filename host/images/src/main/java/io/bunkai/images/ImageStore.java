// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.oci.Digest;
import io.bunkai.oci.Platform;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The images of this machine as disks. An image is unpacked the first time it is asked for, at most
 * once even if several threads or processes ask, and kept under the digest of its config and the
 * version of the disk's format.
 *
 * <p>Beneath its root: {@code disks/} with one file per image, {@code layouts/} with what the
 * embedded image is made from, {@code staging/} with what is being made, {@code lock}. What a
 * killed process left in staging is removed when a store is opened, and what it left half-done is
 * never used: disks appear by rename, after their data has reached the medium.
 *
 * <p>Thread-safe. Holds nothing open between calls.
 */
public final class ImageStore {
    /** Raised whenever the same image would give another disk. */
    static final int BUILDER_VERSION = 1;

    private static final Path DEFAULT_BUSYBOX = Path.of("/bin/busybox");
    private static final String DISK = "disk";
    private static final String MOUNT_POINT = "root";

    private final Path disks;
    private final Path staging;
    private final Path layouts;
    private final StoreLocks locks;
    private final Settings settings;

    /**
     * What a store may be told.
     *
     * @param limits what an image may demand
     * @param busybox the static busybox that the embedded image is made from
     */
    public record Settings(UnpackLimits limits, Path busybox) {
        /** Debian's busybox and the default limits. */
        public static final Settings DEFAULTS =
                new Settings(UnpackLimits.DEFAULTS, DEFAULT_BUSYBOX);
    }

    /** Opens a store with the default settings, see {@link #ImageStore(Path, Settings)}. */
    public ImageStore(Path root) {
        this(root, Settings.DEFAULTS);
    }

    /**
     * Opens a store and removes what a killed process left in it.
     *
     * @param root its directory; made if it does not exist, readable by its owner only
     * @throws Fault UNAVAILABLE if it cannot be used
     */
    public ImageStore(Path root, Settings settings) {
        this.settings = settings;
        try {
            Files.createDirectories(root);
            Path real = root.toRealPath();
            this.disks = privateDirectory(real.resolve("disks"));
            this.staging = privateDirectory(real.resolve("staging"));
            this.layouts = privateDirectory(real.resolve("layouts"));
            this.locks = StoreLocks.of(real.resolve("lock"));
            removeLeftovers();
        } catch (IOException e) {
            throw Fault.unavailable("the image store %s cannot be used", root).causedBy(e);
        }
    }

    private static Path privateDirectory(Path path) throws IOException {
        if (!Files.isDirectory(path)) {
            Files.createDirectories(
                    path,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
        }
        return path;
    }

    private void removeLeftovers() throws IOException {
        try (DirectoryStream<Path> leftovers = Files.newDirectoryStream(staging)) {
            for (Path leftover : leftovers) {
                // Whoever makes an image holds its lock, so a free lock means that nobody does.
                Optional<StoreLocks.Held> free =
                        locks.tryAcquire(leftover.getFileName().toString());
                if (free.isPresent()) {
                    try (StoreLocks.Held _ = free.get()) {
                        removeTree(leftover);
                    }
                }
            }
        }
    }

    /**
     * Makes an image ready to be run. Fast if it has been asked for before: only its documents are
     * read then.
     *
     * @throws Fault NOT_FOUND if there is no such image; INVALID_ARGUMENT if it is damaged or
     *     malicious; UNIMPLEMENTED if it is of an unsupported type; RESOURCE_EXHAUSTED if it goes
     *     beyond a limit or the disk is full; FAILED_PRECONDITION if it is for another platform or
     *     is not the only one; DEADLINE_EXCEEDED, CANCELLED; UNAVAILABLE if the store or the source
     *     cannot be read or written. Nothing of the image is stored then
     */
    public ContainerImage resolve(ImageReference reference, Deadline deadline) {
        return switch (reference) {
            case ImageReference.Embedded embedded ->
                    resolve(
                            embeddedLayout(deadline),
                            Optional.empty(),
                            embedded.toString(),
                            deadline);
            case ImageReference.OnDisk(Path path, Optional<String> tag) ->
                    resolve(path, tag, reference.toString(), deadline);
        };
    }

    private ContainerImage resolve(
            Path path, Optional<String> tag, String name, Deadline deadline) {
        try (ImageSource source =
                ImageSource.open(path, tag, settings.limits(), Platform.ofThisMachine())) {
            Path disk = disks.resolve(source.id().hex() + "-v" + BUILDER_VERSION + ".erofs");
            if (!isUsable(source.id(), disk)) {
                make(source, disk, deadline);
            }
            return new ContainerImage(
                    source.id(), name, source.config(), disk, ByteSize.ofBytes(Files.size(disk)));
        } catch (IOException e) {
            throw failure("the image " + name + " cannot be made ready", e);
        }
    }

    private static boolean isUsable(Digest image, Path disk) throws IOException {
        try {
            return ErofsSuperBlock.isDiskOf(image, disk);
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    private void make(ImageSource source, Path disk, Deadline deadline) throws IOException {
        String name = source.id().hex();
        try (StoreLocks.Held _ = locks.acquire(name, deadline)) {
            if (isUsable(source.id(), disk)) {
                return; // by somebody who was faster
            }
            Path work = staging.resolve(name);
            removeTree(work);
            Files.createDirectories(work.resolve(MOUNT_POINT));
            try {
                Path made = work.resolve(DISK);
                UnpackingChild.unpack(
                        source,
                        settings.limits(),
                        Confinement.ofThisProcess(),
                        work.resolve(MOUNT_POINT),
                        made,
                        deadline);
                publish(source.id(), made, disk);
            } finally {
                removeTree(work);
            }
        }
    }

    private void publish(Digest image, Path made, Path disk) throws IOException {
        if (!ErofsSuperBlock.isDiskOf(image, made)) {
            throw Fault.internal("the process that unpacks images left an incomplete disk");
        }
        sync(made);
        Files.move(made, disk, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        sync(disks);
    }

    private static void sync(Path fileOrDirectory) throws IOException {
        try (FileChannel channel = FileChannel.open(fileOrDirectory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static void syncTree(Path root) throws IOException {
        try (Stream<Path> tree = Files.walk(root)) {
            for (Path path : (Iterable<Path>) tree::iterator) {
                sync(path);
            }
        }
    }

    /** {@return the layout of the embedded image, made if the busybox on this machine is new} */
    private Path embeddedLayout(Deadline deadline) {
        String name =
                "busybox-"
                        + BusyboxImage.digestOf(settings.busybox()).abbreviated()
                        + "-v"
                        + BUILDER_VERSION;
        Path layout = layouts.resolve(name);
        if (Files.isDirectory(layout)) {
            return layout;
        }
        try (StoreLocks.Held _ = locks.acquire(name, deadline)) {
            if (!Files.isDirectory(layout)) {
                Path work = staging.resolve(name);
                removeTree(work);
                try {
                    BusyboxImage.write(work, settings.busybox());
                    syncTree(work);
                    Files.move(work, layout, StandardCopyOption.ATOMIC_MOVE);
                } finally {
                    removeTree(work);
                }
            }
            return layout;
        } catch (IOException e) {
            throw failure("the embedded image cannot be made", e);
        }
    }

    static Fault failure(String what, IOException cause) {
        String text = String.valueOf(cause.getMessage());
        return text.contains("No space left") || text.contains("quota")
                ? Fault.resourceExhausted("%s: the disk is full", what).causedBy(cause)
                : Fault.unavailable("%s", what).causedBy(cause);
    }

    private static void removeTree(Path root) throws IOException {
        if (!Files.exists(root)) {
            return;
        }
        Files.walkFileTree(
                root,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                            throws IOException {
                        Files.delete(file);
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult postVisitDirectory(
                            Path directory, @Nullable IOException failure) throws IOException {
                        if (failure != null) {
                            throw failure;
                        }
                        Files.delete(directory);
                        return FileVisitResult.CONTINUE;
                    }
                });
    }
}
