// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.InspectRequest;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(name = "inspect", description = "Print everything known about a container as JSON.")
final class InspectCommand implements Callable<Integer> {
    private final Bunkai root;

    @Parameters(paramLabel = "CONTAINER", description = "Id, the beginning of an id, or name.")
    private String container = "";

    InspectCommand(Bunkai root) {
        this.root = root;
    }

    @Override
    public Integer call() {
        try (Daemon daemon = root.connect()) {
            Json.print(
                    root.surroundings().out(),
                    daemon.call(
                                    ControlMethods.INSPECT,
                                    InspectRequest.newBuilder().setContainer(container).build())
                            .getJson());
            return ExitCode.OK.number();
        }
    }
}
