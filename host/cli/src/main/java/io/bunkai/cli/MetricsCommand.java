// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.MetricsRequest;
import java.io.PrintStream;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

@Command(
        name = "metrics",
        description = {
            "Print what the daemon can tell of all containers, for Prometheus.",
            "The same is served over HTTP at the socket run/metrics.sock: docs/metrics.md."
        })
final class MetricsCommand implements Callable<Integer> {
    private final Bunkai root;

    MetricsCommand(Bunkai root) {
        this.root = root;
    }

    @Override
    public Integer call() {
        try (Daemon daemon = root.connect()) {
            PrintStream out = root.surroundings().out();
            out.print(
                    daemon.call(ControlMethods.METRICS, MetricsRequest.getDefaultInstance())
                            .getText());
            out.flush();
        }
        return ExitCode.OK.number();
    }
}
