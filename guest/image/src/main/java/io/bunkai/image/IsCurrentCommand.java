// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Says whether an image has to be built. */
@Command(
        name = "is-current",
        mixinStandardHelpOptions = true,
        description = "Print 'current' (status 0), or why the image has to be built (status 3).")
final class IsCurrentCommand implements Callable<Integer> {
    @Mixin private ImageOptions options = new ImageOptions();

    @Option(
            names = "--update",
            description = "Also ask apt whether it would choose other packages today.")
    private boolean update;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

    /** Used by picocli. */
    IsCurrentCommand() {}

    @Override
    public Integer call() throws Exception {
        GuestImage image = new GuestImage(options.request(), _ -> {});
        Optional<String> reason = image.staleReason(update);
        spec.commandLine().getOut().println(reason.map("stale: "::concat).orElse("current"));
        spec.commandLine().getOut().flush();
        return reason.isPresent() ? ImageMain.STALE : ImageMain.OK;
    }
}
