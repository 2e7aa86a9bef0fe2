// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.TraceRequest;
import io.bunkai.api.control.TraceStep;
import io.bunkai.base.Fault;
import java.io.PrintStream;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.core.JsonGenerator;

@Command(name = "trace", description = "Show where the time of a container's last start went.")
final class TraceCommand implements Callable<Integer> {
    private final Bunkai root;

    @Option(names = "--details", description = "Also what is known about each step.")
    private boolean details;

    @Mixin private FormatOption format = new FormatOption();

    @Parameters(paramLabel = "CONTAINER", description = "Id, the beginning of an id, or name.")
    private String container = "";

    TraceCommand(Bunkai root) {
        this.root = root;
    }

    @Override
    public Integer call() {
        Surroundings surroundings = root.surroundings();
        List<TraceStep> steps;
        try (Daemon daemon = root.connect()) {
            steps =
                    daemon.call(
                                    ControlMethods.TRACE,
                                    TraceRequest.newBuilder().setContainer(container).build())
                            .getStepsList();
        }
        PrintStream out = surroundings.out();
        if (format.isJson()) {
            Json.print(out, json -> write(json, steps));
            return ExitCode.OK.number();
        }
        if (steps.isEmpty()) {
            throw Fault.failedPrecondition("container %s has not been started yet", container);
        }
        boolean decorated =
                surroundings.terminal().isOutput()
                        && surroundings.environment().getOrDefault("NO_COLOR", "").isEmpty();
        Waterfall waterfall =
                new Waterfall(
                        surroundings.terminal().isOutput()
                                ? surroundings.terminal().size().columns()
                                : 0,
                        decorated,
                        decorated && surroundings.showsUnicode(),
                        details);
        waterfall.print(steps, out);
        out.flush();
        return ExitCode.OK.number();
    }

    private static void write(JsonGenerator json, List<TraceStep> steps) {
        json.writeStartObject();
        json.writeNumberProperty("totalMicros", Waterfall.totalMicros(steps));
        json.writeArrayPropertyStart("steps");
        for (TraceStep step : steps) {
            json.writeStartObject();
            json.writeStringProperty("name", step.getName());
            json.writeStringProperty("side", step.getSide());
            json.writeNumberProperty("beginMicros", step.getBeginMicros());
            json.writeNumberProperty("endMicros", step.getEndMicros());
            json.writeStringProperty("detail", step.getDetail());
            if (step.getVmmCpuMicros() != 0) {
                json.writeNumberProperty("vmmCpuMicros", step.getVmmCpuMicros());
            }
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }
}
