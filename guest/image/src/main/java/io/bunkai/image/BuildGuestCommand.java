// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import io.bunkai.base.ByteSize;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Builds everything that a guest is booted from. */
@Command(
        name = "build-guest",
        mixinStandardHelpOptions = true,
        description =
                "Build a folder with kernel, initramfs and image, unless the one that is there is"
                        + " current.")
final class BuildGuestCommand implements Callable<Integer> {
    @Mixin private ImageOptions options = new ImageOptions();

    @Option(names = "--force", description = "Build even if the image is current.")
    private boolean force;

    @Option(
            names = "--update",
            description = "Build also if apt offers other versions of the packages used.")
    private boolean update;

    @Option(names = "--quiet", description = "Print nothing but failures.")
    private boolean quiet;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

    /** Used by picocli. */
    BuildGuestCommand() {}

    @Override
    public Integer call() throws Exception {
        Interruptible.run(this::build);
        return ImageMain.OK;
    }

    private void build() throws Exception {
        PrintWriter err = spec.commandLine().getErr();
        long start = System.nanoTime();
        GuestImage.Progress progress =
                what -> {
                    if (!quiet) {
                        err.printf("guest image: %s (%.1f s)%n", what, seconds(start));
                        err.flush();
                    }
                };
        GuestImage image = new GuestImage(options.request(), progress);
        if (!force && image.staleReason(update).isEmpty()) {
            progress.step("is current");
            return;
        }
        ImageManifest manifest = image.build();
        long bytes =
                manifest.files().values().stream().mapToLong(ImageManifest.Content::bytes).sum();
        progress.step(
                "done, kernel %s, %s".formatted(manifest.kernelRelease(), ByteSize.ofBytes(bytes)));
    }

    private static double seconds(long start) {
        return Duration.ofNanos(System.nanoTime() - start).toMillis() / 1000.0;
    }
}
