// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.SignalRequest;
import io.bunkai.linux.Signals;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "kill", description = "Send a signal to the processes of containers.")
final class KillCommand implements Callable<Integer> {
    private final Bunkai root;

    @Option(
            names = {"-s", "--signal"},
            paramLabel = "SIGNAL",
            defaultValue = "KILL",
            description = "By name or number (default: ${DEFAULT-VALUE}).")
    private String signal = "";

    @Parameters(
            paramLabel = "CONTAINER",
            arity = "1..*",
            description = "Ids, the beginnings of ids, or names.")
    private List<String> containers = new ArrayList<>();

    KillCommand(Bunkai root) {
        this.root = root;
    }

    @Override
    public Integer call() {
        int number = Signals.number(signal);
        PrintStream out = root.surroundings().out();
        try (Daemon daemon = root.connect()) {
            return root.forEach(
                    containers,
                    container -> {
                        daemon.call(
                                ControlMethods.SIGNAL,
                                SignalRequest.newBuilder()
                                        .setContainer(container)
                                        .setSignal(number)
                                        .build());
                        out.println(container);
                        out.flush();
                    });
        }
    }
}
