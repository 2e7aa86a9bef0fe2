// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Lets Jazzer look for inputs that break a promise, led by what of the code they reach, in a
 * process of its own. For tests in {@code src/fuzz/java}, which only the profile {@code fuzz}
 * compiles: it brings Jazzer, and says in {@code fuzz.seconds} for how long to look.
 */
public final class Jazzer {
    private static final String PROGRAM = "com.code_intelligence.jazzer.Jazzer";
    private static final int SHOWN = 8000;

    private Jazzer() {}

    /**
     * Runs until the time is over.
     *
     * @param target a class with {@code public static void fuzzerTestOneInput(byte[])}
     * @param instrumented the classes whose branches count: {@code io.bunkai.fuse.**}
     * @param corpora folders with inputs to begin with; nothing is written there
     * @param directory for what it finds
     * @throws AssertionError if it found something, with the end of what it said
     */
    public static void findsNothing(
            Class<?> target, String instrumented, List<Path> corpora, Path directory)
            throws IOException, InterruptedException {
        Path found = Files.createDirectory(directory.resolve("found"));
        Path output = directory.resolve("output");
        List<String> command =
                new ArrayList<>(
                        List.of(
                                ProcessHandle.current().info().command().orElse("java"),
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                PROGRAM,
                                "--target_class=" + target.getName(),
                                "--instrumentation_includes=" + instrumented,
                                "--reproducer_path=" + directory,
                                "-artifact_prefix=" + directory + "/",
                                "-max_total_time=" + System.getProperty("fuzz.seconds"),
                                "-max_len=8192",
                                // The first input waits until its classes are instrumented.
                                "-timeout=120",
                                found.toString()));
        corpora.forEach(corpus -> command.add(corpus.toAbsolutePath().toString()));
        Process jazzer =
                new ProcessBuilder(command)
                        .directory(directory.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        int status;
        try {
            status = jazzer.waitFor();
        } finally {
            jazzer.destroyForcibly();
        }
        String text = Files.readString(output, StandardCharsets.UTF_8);
        if (status != 0 || !text.contains("Done ")) {
            throw new AssertionError(
                    "status " + status + ": " + text.substring(Math.max(0, text.length() - SHOWN)));
        }
        String last = text.substring(Math.max(0, text.lastIndexOf("Done ")));
        System.out.println(target.getSimpleName() + ": " + last.strip());
    }
}
