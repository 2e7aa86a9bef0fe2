// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.base.Fault;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.core.JsonGenerator;

@Command(
        name = "start",
        description = {
            "Start containers, by turns in machines that boot and in clones of a template, until",
            "their first output, and tell what that took.",
            "",
            "Two daemons of its own with the built-in configuration do it, in a folder of its own;",
            "nothing of that stays. cpu_s is the processor time of QEMU, of the daemon and of what",
            "the daemon started, in seconds; wall_s is from the request to the first byte of"
                    + " output;",
            "ready_cpu_s is QEMU's until the guest's agent has answered."
        })
final class BenchStartCommand implements Callable<Integer> {
    private static final int MOST_AT_ONCE = 200;
    private static final String COLD = "cold";
    private static final String CLONE = "clone";

    /** The names of the figures are a promise to programs: see the tests. */
    private static final Map<String, ToDoubleFunction<StartBench.Figures>> FIGURES = figures();

    private final Bunkai root;

    @Option(
            names = "--runs",
            paramLabel = "N",
            description = "How many starts of each kind are measured (5).")
    private int runs = 5;

    @Option(
            names = "--at-once",
            paramLabel = "N",
            description = "How many containers start at the same time (1).")
    private int atOnce = 1;

    @Mixin private FormatOption format = new FormatOption();

    BenchStartCommand(Bunkai root) {
        this.root = root;
    }

    private static Map<String, ToDoubleFunction<StartBench.Figures>> figures() {
        Map<String, ToDoubleFunction<StartBench.Figures>> all = new LinkedHashMap<>();
        all.put("cpu_s", StartBench.Figures::cpuSeconds);
        all.put("wall_s", StartBench.Figures::wallSeconds);
        all.put("ready_cpu_s", StartBench.Figures::readyCpuSeconds);
        return all;
    }

    @Override
    public Integer call() throws Exception {
        if (runs < 1 || atOnce < 1 || atOnce > MOST_AT_ONCE) {
            throw Fault.invalidArgument(
                    "at least one run, and between 1 and %d containers at once", MOST_AT_ONCE);
        }
        Map<String, List<StartBench.Figures>> results;
        try (StartBench cold = StartBench.open(root.surroundings(), false);
                StartBench clone = StartBench.open(root.surroundings(), true)) {
            Map<String, StartBench> benches = new LinkedHashMap<>();
            benches.put(COLD, cold);
            benches.put(CLONE, clone);
            results = StartBench.byTurns(benches, runs, atOnce);
        }
        PrintStream out = root.surroundings().out();
        if (format.isJson()) {
            Json.print(out, json -> write(json, results));
        } else {
            table(results).print(out);
        }
        out.flush();
        return ExitCode.OK.number();
    }

    private static void write(JsonGenerator json, Map<String, List<StartBench.Figures>> results) {
        json.writeStartObject();
        results.forEach((kind, starts) -> {
            json.writeObjectPropertyStart(kind);
            json.writeNumberProperty("runs", starts.size());
            FIGURES.forEach((name, figure) -> {
                json.writeArrayPropertyStart(name);
                for (StartBench.Figures start : starts) {
                    json.writeNumber(Math.round(figure.applyAsDouble(start) * 1e4) / 1e4);
                }
                json.writeEndArray();
            });
            json.writeEndObject();
        });
        json.writeEndObject();
    }

    private static Table table(Map<String, List<StartBench.Figures>> results) {
        Table table = new Table("START", "FIGURE", "LEAST", "MEDIAN", "90 %", "MOST");
        results.forEach((kind, starts) ->
                FIGURES.forEach((name, figure) -> {
                    double[] sorted = starts.stream().mapToDouble(figure).sorted().toArray();
                    table.row(
                            kind,
                            name,
                            number(sorted[0]),
                            number(percentile(sorted, 50)),
                            number(percentile(sorted, 90)),
                            number(sorted[sorted.length - 1]));
                }));
        FIGURES.forEach((name, figure) -> {
            double ratio = median(results, CLONE, figure) / median(results, COLD, figure);
            table.row(CLONE + "/" + COLD, name, "", number(ratio), "", "");
        });
        return table;
    }

    private static double median(
            Map<String, List<StartBench.Figures>> results,
            String kind,
            ToDoubleFunction<StartBench.Figures> figure) {
        List<StartBench.Figures> starts = results.getOrDefault(kind, List.of());
        return percentile(starts.stream().mapToDouble(figure).sorted().toArray(), 50);
    }

    /** The smallest one that so many percent are not above. */
    static double percentile(double[] sorted, int percent) {
        return sorted[Math.ceilDiv(sorted.length * percent, 100) - 1];
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.3f", value);
    }
}
