// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.vmm.Disk;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A root file system that is a block device, or an image in a file: what containerd's snapshotters
 * {@code devmapper} and {@code blockfile} ask to have mounted. The host mounts it nowhere; the
 * guest gets it as a disk.
 *
 * @param source the device's node, or the file
 * @param kind which of the two
 * @param fileSystem its type
 * @param options of the mount in the guest
 */
record RootVolume(Path source, Disk.Kind kind, String fileSystem, List<String> options) {
    private static final String LOOP = "loop";

    /** What is not on one disk. */
    private static final Set<String> OF_FOLDERS = Set.of("bind", "overlay", "none", "");

    RootVolume {
        options = List.copyOf(options);
    }

    /** {@return the root file system of a bundle, if it is one} */
    static Optional<RootVolume> of(BundleRequest request, BlockNodes nodes) {
        if (request.rootMounts().size() != 1) {
            return Optional.empty();
        }
        BundleRequest.RootMount mount = request.rootMounts().getFirst();
        if (OF_FOLDERS.contains(mount.type())
                || mount.options().contains("bind")
                || mount.options().contains("rbind")
                || !mount.source().startsWith("/")
                || mount.source().indexOf('\0') >= 0) {
            return Optional.empty();
        }
        Path source = Path.of(mount.source());
        List<String> options =
                mount.options().stream().filter(option -> !option.equals(LOOP)).toList();
        return nodes.at(source)
                .map(node -> new RootVolume(node.path(), Disk.Kind.DEVICE, mount.type(), options))
                .or(() ->
                        mount.options().contains(LOOP) && Files.isRegularFile(source)
                                ? Optional.of(
                                        new RootVolume(
                                                source, Disk.Kind.FILE, mount.type(), options))
                                : Optional.empty());
    }

    boolean isReadOnly() {
        return options.contains("ro");
    }
}
