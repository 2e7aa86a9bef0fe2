// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say how a kernel is built. */
final class WorkOptions {
    @Option(
            names = {"-f", "--force"},
            description = "Begin anew even if it is prepared, or built, already.")
    private boolean force;

    @Option(names = "-d", description = "Print every program that is run.")
    private boolean trace;

    @Option(
            names = {"-j", "--jobs"},
            paramLabel = "N",
            description = "How many compilers run at once (default: one for each processor).")
    private int jobs = Runtime.getRuntime().availableProcessors();

    @Option(
            names = "--cache",
            paramLabel = "DIR",
            description = "Keep sources, unfinished builds and kernels here.")
    private @Nullable Path cache;

    @Option(
            names = "--no-install",
            description = "Install no packages; say which are missing instead.")
    private boolean noInstall;

    @Option(names = "--quiet", description = "Print nothing but failures.")
    private boolean quiet;

    /** Used by picocli. */
    WorkOptions() {}

    /** Something done with a build. */
    interface Work<T> {
        T with(KernelBuild build, BuildTools tools, Places places, Progress progress)
                throws IOException, InterruptedException;
    }

    /** Where things are. */
    record Places(KernelCache cache) {}

    /** Does something with the build of a request, in a way that signals can end. */
    <T> T run(KernelMain.Surroundings surroundings, KernelRequest request, Work<T> work)
            throws Exception {
        Map<String, String> environment = surroundings.environment();
        Path root = cache == null ? KernelCache.defaultRoot(environment) : cache;
        KernelCache kept = new KernelCache(root.toAbsolutePath().normalize());
        PrintWriter err = surroundings.err();
        ConsoleProgress console = new ConsoleProgress(err, isTerminal(environment));
        Progress progress = quiet ? SILENT : console;
        BuildTools given = surroundings.neededTools();
        BuildTools tools = given == null ? new BuildTools(surroundings.tools()) : given;
        String forbidden = environment.getOrDefault("BUNKAI_NO_INSTALL", "");
        KernelBuild.Settings settings =
                new KernelBuild.Settings(
                        Math.max(1, jobs),
                        !noInstall && forbidden.isEmpty(),
                        force,
                        trace,
                        KernelBuild.Settings.epoch(environment));
        KernelBuild build =
                new KernelBuild(request, kept, surroundings.tools(), progress, settings);
        try {
            return Interruptible.run(() -> work.with(build, tools, new Places(kept), progress));
        } finally {
            console.endLine();
        }
    }

    private static final Progress SILENT =
            new Progress() {
                @Override
                public void step(String what) {
                    // nothing is wanted
                }

                @Override
                public void detail(String what) {
                    // nothing is wanted
                }
            };

    private static boolean isTerminal(Map<String, String> environment) throws IOException {
        Path stderr = Path.of("/proc/self/fd/2");
        if (environment.getOrDefault("TERM", "dumb").equals("dumb") || !Files.exists(stderr)) {
            return false;
        }
        String target = Files.readSymbolicLink(stderr).toString();
        return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
    }
}
