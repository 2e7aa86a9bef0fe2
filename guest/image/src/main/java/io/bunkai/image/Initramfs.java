// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Writes the initramfs: busybox, the drivers to reach the root disk, and the script that does. */
final class Initramfs {
    /** What has to be there before the root disk can be read, and before the agent starts. */
    static final List<String> BOOT_MODULES =
            List.of("virtio_pci", "virtio_blk", "erofs", "virtio_console", "overlay");

    private Initramfs() {}

    /**
     * Writes an archive that depends on nothing but its content.
     *
     * @param target the file to write
     * @param busybox a statically linked busybox
     * @param modules kernel modules, in the order to load them
     * @param epochSeconds the time of every entry
     */
    static void write(Path target, Path busybox, List<Path> modules, long epochSeconds)
            throws IOException {
        StringBuilder order = new StringBuilder();
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(target));
                CpioWriter archive = new CpioWriter(out, epochSeconds)) {
            archive.directory("bin", 0755);
            archive.file("bin/busybox", 0755, Files.readAllBytes(busybox));
            archive.directory("dev", 0755);
            archive.characterDevice("dev/console", 0600, 5, 1);
            archive.file("init", 0755, Resources.read("initramfs/init"));
            archive.directory("modules", 0755);
            for (Path module : modules) {
                String name = String.valueOf(module.getFileName());
                archive.file("modules/" + name, 0644, Files.readAllBytes(module));
                order.append(name).append('\n');
            }
            archive.file("modules/order", 0644, order.toString().getBytes(StandardCharsets.UTF_8));
            archive.file("mounts", 0644, Resources.read("initramfs/mounts"));
            archive.directory("proc", 0755);
            archive.directory("root", 0755);
            archive.directory("sys", 0755);
        }
    }
}
