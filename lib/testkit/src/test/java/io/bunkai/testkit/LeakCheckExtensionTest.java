// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.RegisterExtension;

class LeakCheckExtensionTest {
    private static final TestRoot ROOT = TestRoot.create();

    @RegisterExtension
    final LeakCheckExtension leaks =
            new LeakCheckExtension(
                    () ->
                            LeakCheck.options()
                                    .roots(ROOT.path())
                                    .onlyMentioning(ROOT.path().toString()),
                    Duration.ofSeconds(60));

    /** Sees what the check would say, before the file is deleted. */
    @RegisterExtension
    final AfterTestExecutionCallback witness = context -> assertThat(file()).exists();

    @Test
    void toleratesWhatIsGoneAfterTheTest() throws IOException {
        assertThat(Files.createFile(file())).exists();
    }

    @AfterEach
    void delete() throws IOException {
        Files.delete(file());
    }

    @AfterAll
    static void close() {
        ROOT.close();
    }

    private static Path file() {
        return ROOT.resolve("file");
    }
}
