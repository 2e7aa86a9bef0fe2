// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Builds a kernel. */
@Command(
        name = "build",
        description = {
            "Build a kernel, unless it has been built, and print the folder that it is in.",
            "'build default' builds the one that machines boot if nobody names another, and"
                    + " installs it."
        })
final class BuildCommand implements Callable<Integer> {
    private static final String DEFAULT = "default";

    private final KernelMain.Surroundings surroundings;

    @Mixin private KernelOptions kernel = new KernelOptions();
    @Mixin private WorkOptions work = new WorkOptions();
    @Mixin private InstallOptions installation = new InstallOptions();

    @Parameters(
            arity = "0..1",
            paramLabel = "default",
            description = "The kernel that machines boot if nobody names another.")
    private @Nullable String which;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

    BuildCommand(KernelMain.Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws Exception {
        boolean isDefault = DEFAULT.equals(which);
        List<String> given = kernel.given();
        if (which != null && !isDefault) {
            throw new CommandLine.ParameterException(
                    spec.commandLine(), "there is no kernel '%s', only 'default'".formatted(which));
        }
        if (isDefault && !given.isEmpty()) {
            throw new CommandLine.ParameterException(
                    spec.commandLine(),
                    "the default kernel is what it is: %s cannot be given with it"
                            .formatted(String.join(", ", given)));
        }
        KernelRequest request = kernel.request(surroundings.environment());
        if (isDefault) {
            request = KernelRequest.ofDefault();
        }
        Path folder =
                work.run(
                        surroundings,
                        request,
                        (build, tools, places, progress) -> {
                            KernelManifest manifest = build.build(tools);
                            Path finished = places.cache().result(manifest.inputs());
                            return isDefault
                                    ? InstallCommand.install(
                                            installation.kernels(), finished, manifest, progress)
                                    : finished;
                        });
        surroundings.out().println(folder);
        return KernelMain.OK;
    }
}
