// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ProcessMemoryTest {
    private static final long MIB = 1024 * 1024;

    @Test
    void whatAProcessHoldsIsCountedInBytes() throws IOException {
        Process process =
                new ProcessBuilder(
                                "sh",
                                "-c",
                                "big=$(head -c 33554432 /dev/zero | tr '\\0' x); echo ready; read"
                                        + " _")
                        .start();
        try (BufferedReader said = process.inputReader(StandardCharsets.US_ASCII)) {
            assertThat(said.readLine()).isEqualTo("ready");
            assertThat(ProcessMemory.resident((int) process.pid()).orElseThrow())
                    .isBetween(32 * MIB, 512 * MIB);
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void aProcessThatIsGoneHasNone() throws Exception {
        Process process = new ProcessBuilder("true").start();
        process.waitFor();
        assertThat(ProcessMemory.resident((int) process.pid())).isEmpty();
    }
}
