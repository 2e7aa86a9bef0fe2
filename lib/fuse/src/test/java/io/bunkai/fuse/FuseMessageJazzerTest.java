// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Lets Jazzer look for messages that break a promise, in a process of its own:
 *
 * <pre>./mvnw -B -pl lib/fuse -am -Pfuzz test -Dtest=FuseMessageJazzerTest -Dfuzz.seconds=1200
 * </pre>
 *
 * <p>An input that it finds is added to the corpus, which {@link FuseMessageFuzzTest} runs always.
 */
@Tag("long")
class FuseMessageJazzerTest {
    private static final String JAZZER = "com.code_intelligence.jazzer.Jazzer";
    private static final Path CORPUS = Path.of("src", "test", "resources", "fuse-messages");

    @TempDir Path directory;

    @Test
    @Timeout(value = 2, unit = TimeUnit.HOURS)
    void findsNothing() throws IOException, InterruptedException {
        String seconds = System.getProperty("fuzz.seconds");
        assumeThat(seconds).as("the profile fuzz is active").isNotNull();
        Path found = Files.createDirectory(directory.resolve("found"));
        Path output = directory.resolve("output");

        Process jazzer =
                new ProcessBuilder(
                                ProcessHandle.current().info().command().orElse("java"),
                                "-cp",
                                System.getProperty("java.class.path"),
                                JAZZER,
                                "--target_class=" + FuseMessageFuzzer.class.getName(),
                                "--instrumentation_includes=io.bunkai.fuse.**",
                                "--reproducer_path=" + directory,
                                "-artifact_prefix=" + directory + "/",
                                "-max_total_time=" + seconds,
                                "-max_len=8192",
                                // The first input waits until its classes are instrumented.
                                "-timeout=120",
                                found.toString(),
                                CORPUS.toAbsolutePath().toString())
                        .directory(directory.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        int status = jazzer.waitFor();

        String text = Files.readString(output, StandardCharsets.UTF_8);
        String end = text.substring(Math.max(0, text.length() - 8000));
        assertThat(status).as(end).isZero();
        assertThat(text).contains("Done ");
    }
}
