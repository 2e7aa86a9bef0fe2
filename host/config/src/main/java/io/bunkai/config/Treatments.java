// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import java.util.List;

/** What becomes of a known key that is set: the table in the configuration's documentation. */
final class Treatments {
    private Treatments() {}

    static void apply(
            Settings.Setting setting, List<ConfigurationWarning> warnings, List<Problem> problems) {
        switch (setting.key().treatmentOf(setting.value())) {
            case DEFAULT, HONOURED -> {}
            case WARNED ->
                    warnings.add(
                            new ConfigurationWarning(
                                    ConfigurationWarning.Kind.NOT_HONOURED,
                                    setting.key().path(),
                                    setting.origin(),
                                    ignored(setting)));
            case REFUSED -> problems.add(refusal(setting));
        }
    }

    private static String ignored(Settings.Setting setting) {
        List<String> honoured = setting.key().honoured().words();
        String why =
                honoured.isEmpty()
                        ? "Bunkai does not honour this key yet"
                        : "Bunkai honours only " + String.join(" and ", honoured) + " yet";
        return setting.assignment()
                + " has no effect: "
                + why
                + " (it is: "
                + setting.key().meaning()
                + ")";
    }

    static Problem refusal(Settings.Setting setting) {
        return new Problem(
                setting.origin(),
                setting.assignment()
                        + " is about security and Bunkai does not honour it yet (it is: "
                        + setting.key().meaning()
                        + "); to ignore it would leave pods less protected than they were"
                        + " promised to be",
                "remove it, if pods may run without");
    }
}
