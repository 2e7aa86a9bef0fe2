// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import io.bunkai.runtime.Terms;
import java.nio.file.Path;
import java.util.Map;

/**
 * What is kept with a container and its processes so that a later daemon can answer containerd's
 * questions.
 */
final class TaskNotes {
    private static final String BUNDLE = "bundle";
    private static final String STDIN = "stdin";
    private static final String STDOUT = "stdout";
    private static final String STDERR = "stderr";
    private static final String TERMINAL = "terminal";

    private TaskNotes() {}

    static Map<String, String> of(Path bundle, Stdio stdio) {
        return Map.of(
                BUNDLE, bundle.toString(),
                STDIN, stdio.stdin(),
                STDOUT, stdio.stdout(),
                STDERR, stdio.stderr(),
                TERMINAL, Boolean.toString(stdio.terminal()));
    }

    static Map<String, String> of(Stdio stdio) {
        return Map.of(
                STDIN, stdio.stdin(),
                STDOUT, stdio.stdout(),
                STDERR, stdio.stderr(),
                TERMINAL, Boolean.toString(stdio.terminal()));
    }

    static String bundle(Terms terms) {
        return terms.notes().getOrDefault(BUNDLE, "");
    }

    static Stdio stdio(Map<String, String> notes) {
        return new Stdio(
                notes.getOrDefault(STDIN, ""),
                notes.getOrDefault(STDOUT, ""),
                notes.getOrDefault(STDERR, ""),
                Boolean.parseBoolean(notes.get(TERMINAL)));
    }
}
