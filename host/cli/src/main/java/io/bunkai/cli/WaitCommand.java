// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.WaitRequest;
import io.bunkai.api.control.WaitResponse;
import io.bunkai.base.Fault;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(name = "wait", description = "Wait until containers have ended; print their exit status.")
final class WaitCommand implements Callable<Integer> {
    private final Bunkai root;

    @Parameters(
            paramLabel = "CONTAINER",
            arity = "1..*",
            description = "Ids, the beginnings of ids, or names.")
    private List<String> containers = new ArrayList<>();

    WaitCommand(Bunkai root) {
        this.root = root;
    }

    @Override
    public Integer call() {
        PrintStream out = root.surroundings().out();
        try (Daemon daemon = root.connect()) {
            return root.forEach(
                    containers,
                    container -> {
                        WaitResponse end =
                                daemon.await(
                                        ControlMethods.WAIT,
                                        WaitRequest.newBuilder().setContainer(container).build());
                        if (!end.getError().isEmpty()) {
                            throw Fault.unavailable(
                                            "the machine of container %s was lost", container)
                                    .causedBy(new IOException(end.getError()));
                        }
                        out.println(end.getExitCode());
                        out.flush();
                    });
        }
    }
}
