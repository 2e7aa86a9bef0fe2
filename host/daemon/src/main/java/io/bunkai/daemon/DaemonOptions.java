// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.daemon;

import io.bunkai.base.Fault;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/**
 * What bunkaid is started with.
 *
 * @param stateRoot where everything is kept
 * @param guest directory of the guest's kernel and image
 * @param fileServer the program that serves folders of the host to guests
 * @param configuration the file to read; empty to search
 * @param kataConfiguration whether Kata's places are searched
 * @param takeover whether to take over from the daemon that runs, if one does
 */
record DaemonOptions(
        Path stateRoot,
        Path guest,
        Path fileServer,
        Optional<Path> configuration,
        boolean kataConfiguration,
        boolean takeover) {
    static final String USAGE =
            "usage: bunkaid --state-root DIR --guest DIR [--file-server FILE]"
                    + " [--config FILE | --kata-config] [--takeover]";

    /** Where an installation has it. */
    private static final Path INSTALLED_FILE_SERVER = Path.of("/usr/libexec/bunkai-virtiofsd");

    /**
     * {@return the options in {@code arguments}}
     *
     * @throws Fault INVALID_ARGUMENT if they make no sense
     */
    static DaemonOptions parse(List<String> arguments) {
        Optional<Path> stateRoot = Optional.empty();
        Optional<Path> guest = Optional.empty();
        Path fileServer = INSTALLED_FILE_SERVER;
        Optional<Path> configuration = Optional.empty();
        boolean kata = false;
        boolean takeover = false;
        Iterator<String> rest = arguments.iterator();
        while (rest.hasNext()) {
            String option = rest.next();
            switch (option) {
                case "--state-root" -> stateRoot = Optional.of(value(option, rest));
                case "--guest" -> guest = Optional.of(value(option, rest));
                case "--file-server" -> fileServer = value(option, rest);
                case "--config" -> configuration = Optional.of(value(option, rest));
                case "--kata-config" -> kata = true;
                case "--takeover" -> takeover = true;
                default -> throw unusable("there is no option '" + option + "'");
            }
        }
        if (kata && configuration.isPresent()) {
            throw unusable("--config and --kata-config exclude each other");
        }
        return new DaemonOptions(
                stateRoot.orElseThrow(() -> unusable("--state-root is missing")),
                guest.orElseThrow(() -> unusable("--guest is missing")),
                fileServer,
                configuration,
                kata,
                takeover);
    }

    private static Path value(String option, Iterator<String> rest) {
        String value = rest.hasNext() ? rest.next() : "";
        if (value.isEmpty() || value.startsWith("--")) {
            throw unusable(option + " needs a value");
        }
        return Path.of(value).toAbsolutePath().normalize();
    }

    private static Fault unusable(String why) {
        return Fault.invalidArgument("%s", why).withHint("%s", USAGE);
    }
}
