// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.LogEntry;
import io.bunkai.api.control.LogsRequest;
import io.bunkai.api.control.LogsResponse;
import io.bunkai.base.Fault;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "logs", description = "Print what a container's process has written.")
final class LogsCommand implements Callable<Integer> {
    private static final int CHUNK_BYTES = 256 * 1024;
    private static final int SIGPIPE = 13;

    private final Bunkai root;

    @Option(
            names = {"-f", "--follow"},
            description = "Go on until the process ends.")
    private boolean follow;

    @Option(names = "--timestamps", description = "Put the time before each line.")
    private boolean timestamps;

    @Option(
            names = {"-n", "--tail"},
            paramLabel = "N|all",
            description = "Begin with the last N lines.")
    private String tail = "all";

    @Parameters(paramLabel = "CONTAINER", description = "Id, the beginning of an id, or name.")
    private String container = "";

    LogsCommand(Bunkai root) {
        this.root = root;
    }

    @Override
    public Integer call() {
        Surroundings surroundings = root.surroundings();
        LogPrinter printer =
                new LogPrinter(surroundings.stdout(), surroundings.stderr(), timestamps);
        try (Daemon daemon = root.connect()) {
            LogsResponse last = LogsResponse.getDefaultInstance();
            int lines = lines();
            LogTail kept = new LogTail(lines);
            do { // what is kept already
                last = read(daemon, last.getCursor(), false);
                for (LogEntry entry : last.getEntriesList()) {
                    if (lines < 0) {
                        printer.print(entry);
                    } else {
                        kept.add(entry);
                    }
                }
            } while (!last.getEntriesList().isEmpty() && !last.getEnd());
            kept.print(printer);
            while (follow && !last.getEnd()) {
                last = read(daemon, last.getCursor(), true);
                for (LogEntry entry : last.getEntriesList()) {
                    printer.print(entry);
                }
            }
            return ExitCode.OK.number();
        } catch (IOException e) {
            return ExitCode.SIGNAL_BASE + SIGPIPE; // whoever read our output has left
        }
    }

    private int lines() {
        if (tail.equals("all")) {
            return -1;
        }
        try {
            int lines = Integer.parseInt(tail);
            if (lines >= 0) {
                return lines;
            }
        } catch (NumberFormatException e) {
            // refused below
        }
        throw Fault.invalidArgument("'%s' is no number of lines", tail)
                .withHint("write a number, or all");
    }

    private LogsResponse read(Daemon daemon, long cursor, boolean wait) {
        return daemon.await(
                ControlMethods.LOGS,
                LogsRequest.newBuilder()
                        .setContainer(container)
                        .setCursor(cursor)
                        .setFollow(wait)
                        .setMaxBytes(CHUNK_BYTES)
                        .build());
    }
}
