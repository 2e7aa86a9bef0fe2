// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.testkit.Jazzer;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What it finds belongs into the corpus, which {@link GuestFuzzTest} always runs. */
class GuestJazzerTest {
    @Test
    @Timeout(value = 2, unit = TimeUnit.HOURS)
    void findsNothing(@TempDir Path directory) throws Exception {
        Jazzer.findsNothing(
                GuestFuzzer.class,
                "io.bunkai.virtiofs.**:io.bunkai.fuse.**",
                GuestFuzzTest.CORPORA,
                directory);
    }
}
