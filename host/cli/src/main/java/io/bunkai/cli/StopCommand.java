// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.StopRequest;
import io.bunkai.base.Fault;
import io.bunkai.linux.Signals;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "stop", description = "Ask containers to end, and kill those that do not.")
final class StopCommand implements Callable<Integer> {
    /** On top of the caller's patience: for the kill and for taking the machine down. */
    private static final Duration TEARDOWN = Duration.ofSeconds(60);

    private static final long LONGEST_SECONDS = Duration.ofMillis(Integer.MAX_VALUE).toSeconds();

    private final Bunkai root;

    @Option(
            names = {"-t", "--time", "--timeout"},
            paramLabel = "SECONDS",
            description = "Kill after this long (default: ${DEFAULT-VALUE}).",
            defaultValue = "10")
    private long seconds;

    @Option(
            names = {"-s", "--signal"},
            paramLabel = "SIGNAL",
            description = "Instead of the image's stop signal, or TERM.")
    private @Nullable String signal;

    @Parameters(
            paramLabel = "CONTAINER",
            arity = "1..*",
            description = "Ids, the beginnings of ids, or names.")
    private List<String> containers = new ArrayList<>();

    StopCommand(Bunkai root) {
        this.root = root;
    }

    @Override
    public Integer call() {
        if (seconds < 0 || seconds > LONGEST_SECONDS) {
            throw Fault.invalidArgument("%d seconds are no time to wait", seconds)
                    .withHint("write a number from 0 to %d", LONGEST_SECONDS);
        }
        int number = signal == null ? 0 : Signals.number(signal);
        PrintStream out = root.surroundings().out();
        try (Daemon daemon = root.connect()) {
            return root.forEach(
                    containers,
                    container -> {
                        daemon.call(
                                ControlMethods.STOP,
                                StopRequest.newBuilder()
                                        .setContainer(container)
                                        .setSignal(number)
                                        .setTimeoutMs((int) Duration.ofSeconds(seconds).toMillis())
                                        .build(),
                                Duration.ofSeconds(seconds).plus(TEARDOWN));
                        out.println(container);
                        out.flush();
                    });
        }
    }
}
