// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.ContainerSummary;
import io.bunkai.api.control.ListRequest;
import io.bunkai.base.ByteSize;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.core.JsonGenerator;

@Command(name = "ps", description = "List containers.")
final class PsCommand implements Callable<Integer> {
    private static final int COMMAND_WIDTH = 24;
    private static final int IMAGE_WIDTH = 32;

    private final Bunkai root;

    @Option(
            names = {"-a", "--all"},
            description = "Also those that do not run.")
    private boolean all;

    @Option(
            names = {"-q", "--quiet"},
            description = "Ids only.")
    private boolean quiet;

    @Option(names = "--no-trunc", description = "Shorten nothing.")
    private boolean whole;

    @Mixin private FormatOption format = new FormatOption();

    PsCommand(Bunkai root) {
        this.root = root;
    }

    @Override
    public Integer call() {
        List<ContainerSummary> containers;
        try (Daemon daemon = root.connect()) {
            containers =
                    daemon.call(ControlMethods.LIST, ListRequest.newBuilder().setAll(all).build())
                            .getContainersList();
        }
        PrintStream out = root.surroundings().out();
        if (format.isJson()) {
            Json.print(out, json -> write(json, containers));
        } else if (quiet) {
            containers.forEach(container -> out.println(id(container)));
        } else {
            table(containers).print(out);
        }
        out.flush();
        return ExitCode.OK.number();
    }

    private String id(ContainerSummary container) {
        return whole ? container.getId() : Texts.shortId(container.getId());
    }

    private Table table(List<ContainerSummary> containers) {
        Table table =
                new Table(
                        "CONTAINER ID",
                        "NAME",
                        "IMAGE",
                        "COMMAND",
                        "CREATED",
                        "STATUS",
                        "CPUS",
                        "MEMORY");
        for (ContainerSummary container : containers) {
            String command = Texts.commandLine(container.getCommandList());
            String image = container.getImage();
            table.row(
                    id(container),
                    container.getName(),
                    whole ? image : Texts.shortenedPath(image, IMAGE_WIDTH),
                    whole ? command : Texts.shortened(command, COMMAND_WIDTH),
                    ago(container.getCreatedAtMs()) + " ago",
                    status(container),
                    Integer.toUnsignedString(container.getVcpus()),
                    ByteSize.ofBytes(Math.max(0, container.getMemoryBytes())).toString());
        }
        return table;
    }

    private String status(ContainerSummary container) {
        return switch (container.getState()) {
            case "running" -> "up " + ago(container.getStartedAtMs());
            case "stopped" ->
                    "exited (%d) %s ago%s"
                            .formatted(
                                    container.getExitCode(),
                                    ago(container.getFinishedAtMs()),
                                    container.getOomKilled() ? ", out of memory" : "");
            case "lost" -> "lost " + ago(container.getFinishedAtMs()) + " ago";
            default -> container.getState();
        };
    }

    private String ago(long epochMillis) {
        Instant then = Instant.ofEpochMilli(epochMillis);
        return Texts.roughly(Duration.between(then, root.surroundings().clock().instant()));
    }

    private static void write(JsonGenerator json, List<ContainerSummary> containers) {
        json.writeStartArray();
        for (ContainerSummary container : containers) {
            json.writeStartObject();
            json.writeStringProperty("id", container.getId());
            json.writeStringProperty("name", container.getName());
            json.writeStringProperty("image", container.getImage());
            json.writeArrayPropertyStart("command");
            container.getCommandList().forEach(json::writeString);
            json.writeEndArray();
            json.writeStringProperty("state", container.getState());
            time(json, "createdAt", container.getCreatedAtMs());
            time(json, "startedAt", container.getStartedAtMs());
            time(json, "finishedAt", container.getFinishedAtMs());
            json.writeNumberProperty("exitCode", container.getExitCode());
            json.writeBooleanProperty("oomKilled", container.getOomKilled());
            json.writeNumberProperty("vmmPid", container.getVmmPid());
            json.writeNumberProperty("vcpus", container.getVcpus());
            json.writeNumberProperty("memoryBytes", container.getMemoryBytes());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    /** A moment that has not come is null. */
    private static void time(JsonGenerator json, String name, long epochMillis) {
        if (epochMillis == 0) {
            json.writeNullProperty(name);
        } else {
            json.writeStringProperty(name, Instant.ofEpochMilli(epochMillis).toString());
        }
    }
}
