// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Installs a kernel. */
@Command(
        name = "install",
        description =
                "Put a kernel that was built with the same options where machines find it, and"
                        + " print the folder.")
final class InstallCommand implements Callable<Integer> {
    private final KernelMain.Surroundings surroundings;

    @Mixin private KernelOptions kernel = new KernelOptions();
    @Mixin private WorkOptions work = new WorkOptions();
    @Mixin private InstallOptions installation = new InstallOptions();

    InstallCommand(KernelMain.Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws Exception {
        Path folder =
                work.run(
                        surroundings,
                        kernel.request(surroundings.environment()),
                        (build, tools, places, progress) -> {
                            KernelManifest manifest = build.built(tools);
                            return install(
                                    installation.kernels(),
                                    places.cache().result(manifest.inputs()),
                                    manifest,
                                    progress);
                        });
        surroundings.out().println(folder);
        return KernelMain.OK;
    }

    /** {@return the folder that the kernel is in now} */
    static Path install(
            InstalledKernels kernels, Path finished, KernelManifest manifest, Progress progress)
            throws IOException {
        Path folder =
                InstalledKernels.of(kernels.directory(), Architecture.of(manifest.architecture()));
        InstalledKernels target = new InstalledKernels(folder);
        if (target.has(manifest)) {
            progress.step("%s is installed in %s".formatted(manifest.name(), folder));
        } else {
            target.install(finished, manifest);
            progress.step("installed %s in %s".formatted(manifest.name(), folder));
        }
        return folder;
    }
}
