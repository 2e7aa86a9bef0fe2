// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.agent;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * What the kernel's command line says to the agent, in Kata's words; other words are other
 * programs'.
 *
 * @param logLevel {@code agent.log}: trace, debug, info, warn, error or critical
 * @param hotplugTimeout {@code agent.hotplug_timeout}: how long to wait for a device, in seconds
 */
record AgentOptions(String logLevel, Duration hotplugTimeout) {
    private static final String LOG = "agent.log=";
    private static final String HOTPLUG = "agent.hotplug_timeout=";

    static AgentOptions read(Path commandLine, Duration defaultHotplugTimeout) {
        try {
            return parse(
                    Files.readString(commandLine, StandardCharsets.UTF_8), defaultHotplugTimeout);
        } catch (IOException e) {
            return new AgentOptions("info", defaultHotplugTimeout);
        }
    }

    static AgentOptions parse(String commandLine, Duration defaultHotplugTimeout) {
        String level = "info";
        Duration hotplug = defaultHotplugTimeout;
        for (String word : commandLine.strip().split(" ")) {
            if (word.startsWith(LOG)) {
                level = word.substring(LOG.length());
            } else if (word.startsWith(HOTPLUG)) {
                hotplug = seconds(word.substring(HOTPLUG.length()), hotplug);
            }
        }
        return new AgentOptions(level, hotplug);
    }

    private static Duration seconds(String text, Duration otherwise) {
        try {
            return Duration.ofSeconds(Integer.parseUnsignedInt(text));
        } catch (NumberFormatException e) {
            Log.warning("not a number of seconds: " + text);
            return otherwise;
        }
    }
}
