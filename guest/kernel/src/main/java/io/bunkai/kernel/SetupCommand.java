// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Prepares a build. */
@Command(
        name = "setup",
        description = "Prepare source and configuration, and print the folder they are used in.")
final class SetupCommand implements Callable<Integer> {
    private final KernelMain.Surroundings surroundings;

    @Mixin private KernelOptions kernel = new KernelOptions();
    @Mixin private WorkOptions work = new WorkOptions();

    SetupCommand(KernelMain.Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws Exception {
        Path folder =
                work.run(
                        surroundings,
                        kernel.request(surroundings.environment()),
                        (build, tools, _, _) -> build.setup(tools));
        surroundings.out().println(folder);
        return KernelMain.OK;
    }
}
