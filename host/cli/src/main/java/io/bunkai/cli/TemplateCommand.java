// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.CreateRequest;
import io.bunkai.api.control.ListTemplatesRequest;
import io.bunkai.api.control.ListTemplatesResponse;
import io.bunkai.api.control.RemoveTemplatesRequest;
import io.bunkai.api.control.RemoveTemplatesResponse;
import io.bunkai.api.control.Template;
import io.bunkai.base.ByteSize;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.core.JsonGenerator;

@Command(
        name = "template",
        description = "List, make or remove the frozen machines that containers start from.",
        synopsisSubcommandLabel = "ls|create|rm|prune")
final class TemplateCommand {
    private final Bunkai root;

    TemplateCommand(Bunkai root) {
        this.root = root;
    }

    @Command(name = "ls", description = "List the templates there are.")
    int list(
            @Option(
                            names = {"-q", "--quiet"},
                            description = "Keys only.")
                    boolean quiet,
            @Mixin FormatOption format) {
        ListTemplatesResponse answer;
        try (Daemon daemon = root.connect()) {
            answer =
                    daemon.call(
                            ControlMethods.LIST_TEMPLATES,
                            ListTemplatesRequest.getDefaultInstance());
        }
        PrintStream out = root.surroundings().out();
        if (format.isJson()) {
            Json.print(out, json -> write(json, answer));
        } else if (quiet) {
            answer.getTemplatesList().forEach(template -> out.println(template.getKey()));
        } else {
            table(answer.getTemplatesList()).print(out);
        }
        out.flush();
        return ExitCode.OK.number();
    }

    private Table table(List<Template> templates) {
        Table table = new Table("TEMPLATE", "SHARED BY", "CREATED", "SIZE", "KERNEL", "USABLE");
        for (Template template : templates) {
            Instant created = Instant.ofEpochMilli(template.getCreatedAtMs());
            Duration age = Duration.between(created, root.surroundings().clock().instant());
            table.row(
                    template.getKey(),
                    sharedBy(input(template, "scope")),
                    Texts.roughly(age) + " ago",
                    ByteSize.ofMib(ByteSize.ofBytes(Math.max(0, template.getBytes())).mibCeiling())
                            .toString(),
                    input(template, "kernel").replaceFirst(" .*", ""),
                    template.getStale() ? "no, the guest has changed" : "yes");
        }
        return table;
    }

    private static String sharedBy(String scope) {
        return switch (scope) {
            case "namespace" -> "bunkai run";
            case "node" -> "all";
            default -> scope.replaceFirst("^namespace ", "");
        };
    }

    private static String input(Template template, String name) {
        return template.getInputsList().stream()
                .filter(input -> input.startsWith(name + " "))
                .map(input -> input.substring(name.length() + 1).strip())
                .map(input -> input.isEmpty() ? name : input)
                .findFirst()
                .orElse("");
    }

    private static void write(JsonGenerator json, ListTemplatesResponse answer) {
        json.writeStartObject();
        json.writeStringProperty("scope", answer.getScope());
        json.writeArrayPropertyStart("templates");
        for (Template template : answer.getTemplatesList()) {
            json.writeStartObject();
            json.writeStringProperty("key", template.getKey());
            json.writeStringProperty(
                    "createdAt", Instant.ofEpochMilli(template.getCreatedAtMs()).toString());
            json.writeNumberProperty("bytes", template.getBytes());
            json.writeBooleanProperty("stale", template.getStale());
            json.writeArrayPropertyStart("inputs");
            template.getInputsList().forEach(json::writeString);
            json.writeEndArray();
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    @Command(
            name = "create",
            description = {
                "Make the template that containers of an image start from, now instead of after",
                "their first start, and print its key."
            })
    int create(
            @Option(
                            names = {"-m", "--memory"},
                            paramLabel = "SIZE",
                            description = "For containers that may use so much memory: 512m, 1g.")
                    @Nullable String memory,
            @Option(
                            names = "--cpus",
                            paramLabel = "NUMBER",
                            description = "For containers that may use so many processors.")
                    @Nullable String cpus,
            @Parameters(
                            paramLabel = "IMAGE",
                            arity = "0..1",
                            description = "As 'run' has it; the embedded image without it.")
                    @Nullable String image) {
        List<String> words = image == null ? List.of("--", "true") : List.of(image, "--", "true");
        ContainerWords run =
                ContainerWords.parse(
                        ContainerWords.keepSeparators(words, 0), root.surroundings().directory());
        CreateRequest request =
                CreateRequest.newBuilder()
                        .setImage(run.image())
                        .addAllArgs(run.command())
                        .setMemoryBytes(memory == null ? 0 : ContainerOptions.bytes(memory))
                        .setNanoCpus(cpus == null ? 0 : ContainerOptions.nanoCpus(cpus))
                        .build();
        try (Daemon daemon = root.connect()) {
            say(daemon.await(ControlMethods.CREATE_TEMPLATE, request).getTemplate().getKey());
        }
        return ExitCode.OK.number();
    }

    @Command(name = "rm", description = "Remove templates. Containers that run do not notice.")
    int remove(
            @Parameters(paramLabel = "TEMPLATE", arity = "1..*", description = "Their keys.")
                    List<String> keys) {
        try (Daemon daemon = root.connect()) {
            return root.forEach(
                    keys,
                    key -> {
                        daemon.call(
                                ControlMethods.REMOVE_TEMPLATES,
                                RemoveTemplatesRequest.newBuilder().setKey(key).build());
                        say(key);
                    });
        }
    }

    @Command(
            name = "prune",
            description = {
                "Remove the templates that no start uses any more, since the kernel, the image or",
                "QEMU is another one by now."
            })
    int prune(
            @Option(
                            names = {"-a", "--all"},
                            description = "Remove all templates.")
                    boolean all) {
        RemoveTemplatesResponse removed;
        try (Daemon daemon = root.connect()) {
            removed =
                    daemon.call(
                            ControlMethods.REMOVE_TEMPLATES,
                            RemoveTemplatesRequest.newBuilder().setStale(true).setAll(all).build());
        }
        removed.getKeysList().forEach(this::say);
        say("space given back: " + ByteSize.ofBytes(removed.getBytes()));
        return ExitCode.OK.number();
    }

    private void say(String text) {
        PrintStream out = root.surroundings().out();
        out.println(text);
        out.flush();
    }
}
