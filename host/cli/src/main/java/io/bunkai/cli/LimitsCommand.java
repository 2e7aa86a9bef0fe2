// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.Figure;
import io.bunkai.api.control.LimitsRequest;
import io.bunkai.base.Amount;
import io.bunkai.base.Fault;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.core.JsonGenerator;

@Command(
        name = "limits",
        description =
                "Show or change what a container may read and write of the host's files and disks.",
        synopsisSubcommandLabel = "get|set")
final class LimitsCommand {
    private static final String CONTAINER = "CONTAINER";
    private static final String WHICH = "Id, the beginning of an id, or name.";

    /** What people write behind an amount, and what it means anyway. */
    private static final Pattern BYTES_PER_SECOND = Pattern.compile("B?(/s)?$");

    private final Bunkai root;

    LimitsCommand(Bunkai root) {
        this.root = root;
    }

    @Command(name = "get", description = "Show the limits, and what has been read and written.")
    int get(
            @Parameters(paramLabel = CONTAINER, description = WHICH) String container,
            @Mixin FormatOption format) {
        show(ask(container, Map.of()), format);
        return ExitCode.OK.number();
    }

    @Command(
            name = "set",
            description = {
                "Change limits; they hold at once, and for what waits, too.",
                "SIZE is a number of bytes, with k, M, G (1000) or Ki, Mi, Gi (1024); 10MB/s is"
                        + " 10M. 0 is no limit."
            })
    int set(
            @Parameters(paramLabel = CONTAINER, description = WHICH) String container,
            @Option(
                            names = "--bw",
                            paramLabel = "SIZE",
                            description = "Bytes per second, reads and writes together.")
                    @Nullable String bandwidth,
            @Option(
                            names = "--burst",
                            paramLabel = "SIZE",
                            description = "Bytes beyond that, once, from now on.")
                    @Nullable String burst,
            @Option(names = "--ops", paramLabel = "N", description = "Requests per second.")
                    @Nullable String operations,
            @Option(
                            names = "--ops-burst",
                            paramLabel = "N",
                            description = "Requests beyond that, once, from now on.")
                    @Nullable String operationsBurst) {
        Map<String, String> changes = new LinkedHashMap<>();
        put(changes, "fs-bw-size", bandwidth);
        put(changes, "fs-bw-burst", burst);
        put(changes, "fs-ops-size", operations);
        put(changes, "fs-ops-burst", operationsBurst);
        if (changes.isEmpty()) {
            throw Fault.invalidArgument("there is nothing to change")
                    .withHint("say one of --bw, --burst, --ops, --ops-burst");
        }
        ask(container, changes);
        return ExitCode.OK.number();
    }

    private static void put(Map<String, String> changes, String name, @Nullable String text) {
        if (text != null) {
            changes.put(name, amount(text));
        }
    }

    /** {@return a plain number, which those who keep the limits understand} */
    private static String amount(String text) {
        OptionalLong amount = Amount.of(BYTES_PER_SECOND.matcher(text).replaceFirst(""));
        return Long.toString(
                amount.orElseThrow(() ->
                        Fault.invalidArgument("'%s' is not an amount", text)
                                .withHint(
                                        "write a number of bytes up to 2^50, or 10M, 10MB/s,"
                                                + " 64Ki")));
    }

    private List<Figure> ask(String container, Map<String, String> changes) {
        try (Daemon daemon = root.connect()) {
            return daemon.call(
                            ControlMethods.LIMITS,
                            LimitsRequest.newBuilder()
                                    .setContainer(container)
                                    .putAllChanges(changes)
                                    .build())
                    .getFiguresList();
        }
    }

    private void show(List<Figure> figures, FormatOption format) {
        PrintStream out = root.surroundings().out();
        if (format.isJson()) {
            Json.print(out, json -> write(json, figures));
        } else {
            Table table = new Table("FIGURE", "VALUE");
            figures.forEach(figure -> table.row(figure.getName(), figure.getValue()));
            table.print(out);
        }
        out.flush();
    }

    private static void write(JsonGenerator json, List<Figure> figures) {
        json.writeStartObject();
        figures.forEach(figure -> json.writeStringProperty(figure.getName(), figure.getValue()));
        json.writeEndObject();
    }
}
