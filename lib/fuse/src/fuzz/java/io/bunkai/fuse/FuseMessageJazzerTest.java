// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import io.bunkai.testkit.Jazzer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What it finds belongs into the corpus, which {@link FuseMessageFuzzTest} always runs. */
class FuseMessageJazzerTest {
    private static final Path CORPUS = Path.of("src", "test", "resources", "fuse-messages");

    @Test
    @Timeout(value = 2, unit = TimeUnit.HOURS)
    void findsNothing(@TempDir Path directory) throws Exception {
        Jazzer.findsNothing(
                FuseMessageFuzzer.class, "io.bunkai.fuse.**", List.of(CORPUS), directory);
    }
}
