// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.oci.Platform;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.stream.Stream;

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

    private final Staging staging;
    private final KeptDisks disks;
    private final Path layouts;
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
            this.staging = new Staging(real);
            this.disks = new KeptDisks(real, staging, BUILDER_VERSION);
            this.layouts = Staging.privateDirectory(real.resolve("layouts"));
        } catch (IOException e) {
            throw Fault.unavailable("the image store %s cannot be used", root).causedBy(e);
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
            Path disk =
                    disks.disk(
                            source.id(),
                            deadline,
                            (mountPoint, made) ->
                                    UnpackingChild.unpack(
                                            source, settings.limits(), mountPoint, made, deadline));
            return new ContainerImage(
                    source.id(),
                    name,
                    source.config(),
                    disk,
                    ByteSize.ofBytes(ErofsSuperBlock.bytesOf(disk)));
        } catch (IOException e) {
            throw KeptDisks.failure("the image " + name + " cannot be made ready", e);
        }
    }

    private static void syncTree(Path root) throws IOException {
        try (Stream<Path> tree = Files.walk(root)) {
            for (Path path : (Iterable<Path>) tree::iterator) {
                KeptDisks.sync(path);
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
        try {
            staging.make(
                    name,
                    deadline,
                    work -> {
                        if (!Files.isDirectory(layout)) { // or else somebody was faster
                            BusyboxImage.write(work, settings.busybox());
                            syncTree(work);
                            Files.move(work, layout, StandardCopyOption.ATOMIC_MOVE);
                        }
                    });
            return layout;
        } catch (IOException e) {
            throw KeptDisks.failure("the embedded image cannot be made", e);
        }
    }
}
