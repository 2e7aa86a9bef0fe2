// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import io.bunkai.base.Fault;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A reason not to load a configuration. All of them are collected before one fault tells them, so
 * that nobody repairs a file one line per attempt.
 *
 * @param origin where the reason stands
 * @param what what is wrong
 * @param hint what to do, as an imperative sentence without a full stop
 */
record Problem(Origin origin, String what, String hint) {
    @Override
    public String toString() {
        return origin + ": " + what;
    }

    static Fault faultOf(List<Problem> problems) {
        if (problems.size() == 1) {
            Problem problem = problems.getFirst();
            return Fault.invalidArgument("the configuration was not loaded: %s", problem)
                    .withHint("%s", problem.hint());
        }
        return Fault.invalidArgument(
                        "the configuration was not loaded, for %s reasons:\n%s",
                        problems.size(),
                        problems.stream()
                                .map(problem -> "  " + problem + " (" + problem.hint() + ")")
                                .collect(Collectors.joining("\n")))
                .withHint("correct all of these lines");
    }
}
