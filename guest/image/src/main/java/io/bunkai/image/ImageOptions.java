// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import io.bunkai.base.Fault;
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

    /**
     * {@return the time of every file in an image}
     *
     * @param variable what SOURCE_DATE_EPOCH is set to, or null
     * @throws Fault INVALID_ARGUMENT if that is no time
     * @spec https://reproducible-builds.org/specs/source-date-epoch/ SOURCE_DATE_EPOCH
     */
    static long epochSeconds(@Nullable String variable) {
        if (variable == null || variable.isEmpty()) {
            return GuestImage.Request.DEFAULT_TIME;
        }
        try {
            long seconds = Long.parseLong(variable);
            if (seconds >= 0 && seconds <= Integer.MAX_VALUE) {
                return seconds;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw Fault.invalidArgument("SOURCE_DATE_EPOCH is '%s'", variable)
                .withHint("set it to seconds since 1970, from 0 to %d", Integer.MAX_VALUE);
    }

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
                kernelPackage,
                epochSeconds(System.getenv("SOURCE_DATE_EPOCH")));
    }
}
