// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say which image is meant. */
final class ImageOptions {
    @Option(
            names = "--output",
            required = true,
            paramLabel = "DIR",
            description = "Folder of the image; replaced as a whole.")
    private Path output = Path.of("");

    @Option(
            names = "--agent-lib",
            required = true,
            paramLabel = "DIR",
            description = "Folder with the jars of the agent.")
    private Path agentJars = Path.of("");

    @Option(
            names = "--jdk",
            paramLabel = "DIR",
            description = "Home of the JDK whose runtime the guest gets (default: our own).")
    private @Nullable Path jdk;

    @Option(
            names = "--cache",
            paramLabel = "DIR",
            description = "Folder that keeps downloaded packages (default: DIR.cache of --output).")
    private @Nullable Path cache;

    @Option(
            names = "--kernel-package",
            paramLabel = "NAME",
            description = "Debian package of the guest's kernel (default: ${DEFAULT-VALUE}).")
    private String kernelPackage = GuestImage.Request.DEFAULT_KERNEL_PACKAGE;

    /** Used by picocli. */
    ImageOptions() {}

    /** {@return what these options ask for} */
    GuestImage.Request request() {
        Path place = output.toAbsolutePath().normalize();
        Path home = jdk == null ? Path.of(System.getProperty("java.home", "/")) : jdk;
        Path packages =
                cache == null ? place.resolveSibling(place.getFileName() + ".cache") : cache;
        return new GuestImage.Request(
                place,
                agentJars.toAbsolutePath().normalize(),
                home.toAbsolutePath().normalize(),
                packages.toAbsolutePath().normalize(),
                kernelPackage);
    }
}
