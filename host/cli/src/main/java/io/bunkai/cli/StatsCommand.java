// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.ContainerStats;
import io.bunkai.api.control.StatsRequest;
import io.bunkai.base.Fault;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "stats",
        description = {
            "Show what containers use, again and again.",
            "The guest counts processor, memory, processes, network and disks; the file server FILE"
                    + " I/O, REQUESTS, and those that had to wait for a limit: how many, how long"
                    + " all together, and how many wait now. HOST is what all of the machine"
                    + " costs. What is not known is -."
        })
final class StatsCommand implements Callable<Integer> {
    /** Moves the cursor to the first place of an empty screen. */
    private static final String CLEAR = "\u001b[2J\u001b[H";

    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final BigDecimal SHORTEST = new BigDecimal("0.1");
    private static final BigDecimal LONGEST = new BigDecimal(3600);
    private static final int MILLI_DIGITS = 3;

    private final Bunkai root;

    @Parameters(
            paramLabel = "CONTAINER",
            description = "Id, the beginning of an id, or name; none: all that run.")
    private List<String> containers = List.of();

    @Option(names = "--no-stream", description = "Only once.")
    private boolean once;

    @Option(
            names = "--interval",
            paramLabel = "S",
            defaultValue = "1",
            description = "Seconds from one time to the next, from 0.1 on (${DEFAULT-VALUE}).")
    private BigDecimal seconds = BigDecimal.ONE;

    @Mixin private FormatOption format = new FormatOption();

    StatsCommand(Bunkai root) {
        this.root = root;
    }

    @Override
    public Integer call() throws InterruptedException {
        Duration interval = interval();
        try (Daemon daemon = root.connect()) {
            StatsSample before = StatsSample.first(ask(daemon, false));
            // What is a rate needs two looks, and nobody wants to wait long for the first rates.
            Duration pause = interval.compareTo(SECOND) < 0 ? interval : SECOND;
            while (true) {
                Thread.sleep(pause);
                StatsSample now = before.next(ask(daemon, true));
                boolean written = show(now);
                if (once || !written || (now.isEmpty() && !containers.isEmpty())) {
                    return ExitCode.OK.number();
                }
                before = now;
                pause = interval;
            }
        }
    }

    private Duration interval() {
        if (seconds.compareTo(SHORTEST) < 0 || seconds.compareTo(LONGEST) > 0) {
            throw Fault.invalidArgument(
                    "an interval of %s seconds is not between %s and %s",
                    seconds, SHORTEST, LONGEST);
        }
        return Duration.ofMillis(seconds.movePointRight(MILLI_DIGITS).longValue());
    }

    private List<ContainerStats> ask(Daemon daemon, boolean again) {
        return daemon.call(
                        ControlMethods.STATS,
                        StatsRequest.newBuilder()
                                .addAllContainers(containers)
                                .setSkipMissing(again)
                                .build())
                .getContainersList();
    }

    /** {@return whether somebody reads it} */
    private boolean show(StatsSample sample) {
        PrintStream out = root.surroundings().out();
        if (format.isJson()) {
            Json.print(out, sample::write);
        } else {
            if (!once && root.surroundings().terminal().isOutput()) {
                out.print(CLEAR);
            }
            sample.table().print(out);
        }
        return !out.checkError();
    }
}
