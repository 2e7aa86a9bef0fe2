// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import io.bunkai.base.ByteSize;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Builds an image. */
@Command(
        name = "build",
        mixinStandardHelpOptions = true,
        description = "Build the guest image, unless the one that is there is current.")
final class BuildCommand implements Callable<Integer> {
    private static final long CLEANUP_SECONDS = 20;

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
    BuildCommand() {}

    @Override
    public Integer call() throws Exception {
        CountDownLatch done = new CountDownLatch(1);
        Thread builder = Thread.currentThread();
        // Ctrl-C and SIGTERM: the builder is interrupted and the process waits until it cleaned up.
        AtomicBoolean ending = new AtomicBoolean();
        Thread hook =
                new Thread(
                        () -> {
                            ending.set(true);
                            builder.interrupt();
                            await(done);
                        },
                        "interrupt the build");
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            build();
            return ImageMain.OK;
        } catch (IOException | RuntimeException e) {
            // Whatever fails while the process is ending fails because of that.
            throw ending.get() ? interrupted(e) : e;
        } finally {
            done.countDown();
            removeHook(hook);
        }
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

    private static InterruptedException interrupted(Exception cause) {
        InterruptedException interruption = new InterruptedException("the build was interrupted");
        interruption.initCause(cause);
        return interruption;
    }

    private static double seconds(long start) {
        return Duration.ofNanos(System.nanoTime() - start).toMillis() / 1000.0;
    }

    private static void await(CountDownLatch done) {
        try {
            if (!done.await(CLEANUP_SECONDS, TimeUnit.SECONDS)) {
                System.err.println("guest image: gave up waiting for the cleanup");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void removeHook(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The process is ending already: the hook is what ended the build.
        }
    }
}
