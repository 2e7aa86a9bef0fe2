// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.kernel;

import io.bunkai.base.Fault;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What versions of Linux lack of our fragments, or call otherwise, each with the reason.
 *
 * <p>A line is {@code OPTION [ARCHITECTURE] FROM-UNTIL [= NEW NAME] REASON}. Either version may be
 * missing; the second one is the first that is not meant any more.
 */
record Waivers(List<Waiver> waivers) {
    private static final Pattern LINE =
            Pattern.compile(
                    "(CONFIG_\\w+)\\s+(?:(x86_64|aarch64)\\s+)?([\\d.]*)-([\\d.]*)"
                            + "\\s+(?:=\\s*(CONFIG_\\w+)\\s+)?(\\S.*)");

    /**
     * One option that may be missing.
     *
     * @param option its name in the fragments
     * @param architecture the only one that is meant; null for all
     * @param versions those that are meant
     * @param renamed what these versions call it; null if they have nothing of the kind
     * @param reason why
     */
    record Waiver(
            String option,
            @Nullable Architecture architecture,
            VersionRange versions,
            @Nullable String renamed,
            String reason) {
        private boolean isAbout(Architecture architecture, KernelVersion version) {
            return (this.architecture == null || this.architecture == architecture)
                    && versions.contains(version);
        }
    }

    Waivers {
        waivers = List.copyOf(waivers);
    }

    /**
     * {@return the waivers that a text lists}
     *
     * @throws Fault INVALID_ARGUMENT if a line is none; with its number
     */
    static Waivers parse(String text) {
        List<Waiver> waivers = new ArrayList<>();
        int number = 0;
        for (String line : text.split("\n", -1)) {
            number++;
            if (line.isBlank() || line.startsWith("#")) {
                continue;
            }
            Matcher found = LINE.matcher(line.strip());
            if (!found.matches() || (found.group(3) + found.group(4)).isEmpty()) {
                throw Fault.invalidArgument(
                        "waivers, line %d: '%s' is not OPTION [ARCHITECTURE] FROM-UNTIL [= NEW"
                                + " NAME] REASON",
                        number, line.strip());
            }
            String architecture = found.group(2);
            waivers.add(
                    new Waiver(
                            found.group(1),
                            architecture == null ? null : Architecture.of(architecture),
                            VersionRange.of(found.group(3), found.group(4)),
                            found.group(5),
                            found.group(6)));
        }
        return new Waivers(waivers);
    }

    /** {@return what is known of an option's absence from this version} */
    Optional<Waiver> of(String option, Architecture architecture, KernelVersion version) {
        return waivers.stream()
                .filter(waiver ->
                        waiver.option().equals(option) && waiver.isAbout(architecture, version))
                .findFirst();
    }

    /**
     * {@return {@code wanted} under the names that this version has for them, where it has others}
     */
    List<ConfigOption> renamed(
            List<ConfigOption> wanted, Architecture architecture, KernelVersion version) {
        List<ConfigOption> renamed = new ArrayList<>();
        for (ConfigOption option : wanted) {
            of(option.name(), architecture, version)
                    .map(Waiver::renamed)
                    .ifPresent(name -> renamed.add(new ConfigOption(name, option.value())));
        }
        return renamed;
    }
}
