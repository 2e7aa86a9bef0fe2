// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where kernels are installed. */
final class InstallOptions {
    /** Where an installed node has them. */
    private static final Path INSTALLED = Path.of("/opt/bunkai/share/kernel");

    @Option(
            names = "--install-dir",
            paramLabel = "DIR",
            description = "Folder of kernels (default: the one that machines boot from).")
    private @Nullable Path directory;

    /** Used by picocli. */
    InstallOptions() {}

    /** {@return the kernels of the folder; by default the one beside the guest's image} */
    InstalledKernels kernels() {
        if (directory != null) {
            return new InstalledKernels(directory.toAbsolutePath().normalize());
        }
        String guest = System.getProperty("bunkai.guest");
        return new InstalledKernels(
                guest == null ? INSTALLED : Path.of(guest).resolveSibling("kernel"));
    }
}
