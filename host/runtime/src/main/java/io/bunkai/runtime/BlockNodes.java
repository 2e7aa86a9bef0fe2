// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import io.bunkai.base.Fault;
import io.bunkai.linux.Errno;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.FileStatus;
import io.bunkai.linux.FileType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The host's block devices. Nothing is opened: what a node is, is read off it.
 *
 * @param sys where sysfs is
 * @param dev where the kernel makes the nodes of devices
 */
record BlockNodes(Path sys, Path dev) {
    /** Those of this host. */
    static final BlockNodes OF_HOST = new BlockNodes(Path.of("/sys"), Path.of("/dev"));

    private static final String NAME = "DEVNAME=";

    /**
     * A block device.
     *
     * @param path of its node, without symbolic links
     * @param permissions of the node, as are its owners
     */
    record Node(Path path, long major, long minor, int permissions, int uid, int gid) {}

    /**
     * {@return the block device that a path leads to; empty if it leads to nothing, or to something
     * else}
     */
    Optional<Node> at(Path path) {
        try {
            Path real = path.toRealPath();
            FileStatus status = FileStatus.of(real);
            return status.type() == FileType.BLOCK_DEVICE
                    ? Optional.of(
                            new Node(
                                    real,
                                    Integer.toUnsignedLong(status.specialMajor()),
                                    Integer.toUnsignedLong(status.specialMinor()),
                                    status.permissions(),
                                    status.uid(),
                                    status.gid()))
                    : Optional.empty();
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENOENT) {
                return Optional.empty();
            }
            throw Fault.failedPrecondition("%s cannot be looked at", path).causedBy(e);
        } catch (IOException e) {
            return Optional.empty(); // whoever needs it says that it is not there
        }
    }

    /**
     * {@return the block device with these numbers}
     *
     * @throws Fault NOT_FOUND if the host has none, or no node for it
     */
    Node numbered(long major, long minor) {
        Path uevent = sys.resolve("dev/block/" + major + ":" + minor + "/uevent");
        try {
            return Files.readAllLines(uevent).stream()
                    .filter(line -> line.startsWith(NAME))
                    .map(line -> dev.resolve(line.substring(NAME.length())))
                    .flatMap(node -> at(node).stream())
                    .filter(node -> node.major() == major && node.minor() == minor)
                    .findFirst()
                    .orElseThrow(() -> missing(major, minor));
        } catch (IOException e) {
            throw missing(major, minor).causedBy(e);
        }
    }

    private Fault missing(long major, long minor) {
        return Fault.notFound("the host has no block device %d:%d in %s", major, minor, dev)
                .withHint("see /sys/dev/block, and plug it or remove it from the container");
    }
}
