// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.nio.file.Path;

/**
 * What the installation provides, used where the configuration names nothing else: a source tree
 * and an installed node differ in it.
 *
 * @param hypervisor the QEMU binary
 * @param kernel the guest's kernel
 * @param image the disk image with the guest's root file system
 * @param imageFileSystem the file system inside that image: {@code erofs}, {@code ext4} or {@code
 *     xfs}
 * @param fileServer the program that serves folders of the host to guests
 */
public record Defaults(
        Path hypervisor, Path kernel, Path image, String imageFileSystem, Path fileServer) {
    /** Where Debian and its relatives put QEMU. */
    public static final Path SYSTEM_QEMU = Path.of("/usr/bin/qemu-system-x86_64");

    /** {@return the defaults for a guest image built by this project} */
    public static Defaults of(Path kernel, Path image, Path fileServer) {
        return new Defaults(SYSTEM_QEMU, kernel, image, "erofs", fileServer);
    }
}
