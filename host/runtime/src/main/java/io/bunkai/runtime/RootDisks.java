// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The disks of a root file system in a machine, and how the guest makes one tree of them: each is
 * mounted, a tmpfs takes what the container writes, and an overlay is laid over all of them.
 *
 * @param wishes the disks
 * @param storages what the agent mounts, in this order
 */
record RootDisks(List<MachineAssembly.DiskWish> wishes, List<Plan.Storage> storages) {
    /** Disks of one machine; a root file system of more layers has its lowest on one disk. */
    static final int MOST = 16;

    /** The slot of the first of them. */
    static final int FIRST_SLOT = 5;

    RootDisks {
        wishes = List.copyOf(wishes);
        storages = List.copyOf(storages);
    }

    /**
     * Lays disks over each other.
     *
     * @param disks lowest first, at most {@link #MOST}
     * @param home where the container's mount points are in the guest
     */
    static RootDisks of(List<Path> disks, String home) {
        List<MachineAssembly.DiskWish> wishes = new ArrayList<>();
        List<Plan.Storage> storages = new ArrayList<>();
        List<String> lower = new ArrayList<>(); // top first, as the kernel wants them
        for (int i = 0; i < disks.size(); i++) {
            boolean alone = disks.size() == 1;
            String mountPoint = home + (alone ? "/lower" : "/lower" + i);
            int slot = FIRST_SLOT + i;
            wishes.add(
                    MachineAssembly.DiskWish.image(
                            alone ? "image" : "layer" + i, disks.get(i), slot));
            storages.add(
                    new Plan.Storage(
                            "blk", "%02x".formatted(slot), "erofs", List.of("ro"), mountPoint));
            lower.addFirst(mountPoint);
        }
        storages.addAll(over(lower, home));
        return new RootDisks(wishes, storages);
    }

    /**
     * One disk with a whole file system. If it can be written to, it is the root itself and keeps
     * what the container writes; else memory is laid over it.
     *
     * @param home where the container's mount points are in the guest
     */
    static RootDisks of(RootVolume volume, String home) {
        MachineAssembly.DiskWish wish =
                new MachineAssembly.DiskWish(
                        "volume", volume.source(), FIRST_SLOT, volume.isReadOnly(), volume.kind());
        String mountPoint = volume.isReadOnly() ? home + "/lower" : rootOf(home);
        List<Plan.Storage> storages = new ArrayList<>();
        storages.add(
                new Plan.Storage(
                        "blk",
                        "%02x".formatted(FIRST_SLOT),
                        volume.fileSystem(),
                        volume.options(),
                        mountPoint));
        if (volume.isReadOnly()) {
            storages.addAll(over(List.of(mountPoint), home));
        }
        return new RootDisks(List.of(wish), storages);
    }

    /**
     * {@return what makes a container's root of trees that are mounted already: memory to write to,
     * above them}
     *
     * @param lower where they are in the guest, top first
     */
    static List<Plan.Storage> over(List<String> lower, String home) {
        String writable = home + "/rw";
        return List.of(
                new Plan.Storage("ephemeral", "tmpfs", "tmpfs", List.of(), writable),
                new Plan.Storage(
                        "overlayfs",
                        "overlay",
                        "overlay",
                        List.of(
                                "lowerdir=" + String.join(":", lower),
                                "upperdir=" + writable + "/upper",
                                "workdir=" + writable + "/work"),
                        rootOf(home)));
    }

    /** {@return where the tree is in the guest} */
    static String rootOf(String home) {
        return home + "/rootfs";
    }
}
