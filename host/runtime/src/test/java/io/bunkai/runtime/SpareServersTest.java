// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.linux.Signals;
import io.bunkai.testkit.Await;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SpareServersTest {
    /** Warm at once; ends when its socket does. */
    private static final String SCRIPT = "#!/bin/sh\nprintf . >&3\nread _ <&3\n";

    @TempDir Path folder;
    private final SpareServers spares = new SpareServers();
    private Path program;

    @BeforeEach
    void writeProgram() throws IOException {
        program = write("bunkai-virtiofsd");
    }

    @AfterEach
    void close() {
        spares.close();
    }

    private Path write(String name) throws IOException {
        Path script = Files.writeString(folder.resolve(name), SCRIPT);
        return Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
    }

    private SpareServers.Spare await() {
        SpareServers.Spare[] taken = new SpareServers.Spare[1];
        Await.until(
                "a spare is warm",
                FakeNode.soon(),
                () -> {
                    Optional<SpareServers.Spare> spare = spares.take(program);
                    spare.ifPresent(one -> taken[0] = one);
                    return spare.isPresent();
                });
        return taken[0];
    }

    @Test
    void thereIsNoneBeforeItWasAskedForAndOneAfterwards() throws Exception {
        assertThat(spares.take(program)).isEmpty();
        spares.refill(program);
        spares.refill(program); // there is one already
        SpareServers.Spare spare = await();

        assertThat(spares.take(program)).isEmpty();
        spare.close(); // without orders, it ends
        assertThat(spare.process().await(FakeNode.soon())).isPresent();
    }

    @Test
    void anotherProgramIsNoSpare() throws Exception {
        Path other = write("virtiofsd");
        spares.refill(other);
        spares.refill(program);
        try (SpareServers.Spare spare = await()) {
            assertThat(spare.program()).isEqualTo(program);
            assertThat(spares.take(other)).isEmpty();
        }
    }

    @Test
    void oneThatHasDiedIsNotTakenAndMadeAnew() throws Exception {
        spares.refill(program);
        SpareServers.Spare first = await();
        first.close();
        first.process().await();
        spares.refill(program);
        SpareServers.Spare second = await();
        second.process().signal(Signals.SIGKILL);
        second.process().await();

        assertThat(spares.take(program)).isEmpty();
        second.close();
    }

    @Test
    void closingEndsIt() throws Exception {
        spares.refill(program);
        SpareServers.Spare known = await();
        spares.refill(program);
        spares.close();
        known.close();

        assertThat(known.process().await(FakeNode.soon())).isPresent();
        spares.refill(program);
        assertThat(spares.take(program)).isEmpty();
    }
}
