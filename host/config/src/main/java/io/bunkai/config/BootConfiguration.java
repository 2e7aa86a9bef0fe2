// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.nio.file.Path;
import java.util.List;

/**
 * What the guest boots.
 *
 * @param kernel the guest's kernel; an initial RAM disk with its modules is part of the kernel's
 *     build and not of the configuration
 * @param root where the guest's root file system comes from
 * @param kernelParameters added to the kernel's command line, one parameter each
 */
public record BootConfiguration(Path kernel, Root root, List<String> kernelParameters) {
    public BootConfiguration {
        kernelParameters = List.copyOf(kernelParameters);
    }

    /** Where the guest's root file system comes from. */
    public sealed interface Root {
        /**
         * A disk image, attached as a read-only disk.
         *
         * @param path the image
         * @param fileSystem the file system inside: {@code erofs}, {@code ext4} or {@code xfs}
         */
        record Image(Path path, String fileSystem) implements Root {}

        /**
         * An initial RAM disk that the guest never leaves.
         *
         * @param path the archive
         */
        record InitialRamDisk(Path path) implements Root {}

        /** {@return the file that has to be there} */
        Path path();
    }
}
