// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.CreateRequest;
import io.bunkai.api.control.ListTemplatesRequest;
import io.bunkai.api.control.ListTemplatesResponse;
import io.bunkai.api.control.RemoveTemplatesRequest;
import io.bunkai.api.control.Template;
import java.io.PrintStream;
import picocli.CommandLine.Command;

/** Kata's words for templates, with the sentences that scripts look for. */
@Command(
        name = "factory",
        description = "Make or remove templates by Kata Containers' command; see also 'template'.",
        synopsisSubcommandLabel = "init|status|destroy")
final class FactoryCommand {
    private static final String OFF = "none";

    private final Bunkai root;

    FactoryCommand(Bunkai root) {
        this.root = root;
    }

    @Command(name = "init", description = "Make the template for containers without wishes.")
    int init() {
        try (Daemon daemon = root.connect()) {
            if (templates(daemon).getScope().equals(OFF)) {
                return say("vm factory is not enabled", ExitCode.FAILED);
            }
            daemon.await(
                    ControlMethods.CREATE_TEMPLATE,
                    CreateRequest.newBuilder().addArgs("true").build());
            return say("vm factory initialized", ExitCode.OK);
        }
    }

    @Command(name = "status", description = "Tell whether there is a template that can be used.")
    int status() {
        try (Daemon daemon = root.connect()) {
            ListTemplatesResponse known = templates(daemon);
            if (known.getScope().equals(OFF)) {
                return say("vm factory not enabled", ExitCode.OK);
            }
            boolean usable = !known.getTemplatesList().stream().allMatch(Template::getStale);
            return say(usable ? "vm factory is on" : "vm factory is off", ExitCode.OK);
        }
    }

    @Command(name = "destroy", description = "Remove all templates.")
    int destroy() {
        try (Daemon daemon = root.connect()) {
            daemon.call(
                    ControlMethods.REMOVE_TEMPLATES,
                    RemoveTemplatesRequest.newBuilder().setAll(true).build());
            return say("vm factory destroyed", ExitCode.OK);
        }
    }

    private static ListTemplatesResponse templates(Daemon daemon) {
        return daemon.call(
                ControlMethods.LIST_TEMPLATES, ListTemplatesRequest.getDefaultInstance());
    }

    private int say(String text, ExitCode code) {
        PrintStream out = root.surroundings().out();
        out.println(text);
        out.flush();
        return code.number();
    }
}
