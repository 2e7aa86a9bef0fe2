// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.vmm.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QemuVersionsTest {
    @TempDir private Path folder;

    private final List<Path> asked = new ArrayList<>();
    private final QemuVersions versions = new QemuVersions(this::answer);

    /** A program that tells what its file holds. */
    private String answer(Path program, Deadline deadline) {
        asked.add(program);
        try {
            return Files.readString(program);
        } catch (IOException e) {
            throw Fault.unavailable("%s cannot be run", program).causedBy(e);
        }
    }

    private String ask(Path program) {
        return versions.of(program, Deadline.after(Duration.ofSeconds(10)));
    }

    @Test
    void eachProgramIsAskedOnce() throws IOException {
        Path old = Files.writeString(folder.resolve("old"), "7.2");
        Path young = Files.writeString(folder.resolve("young"), "10.0");
        assertThat(List.of(ask(old), ask(young), ask(old), ask(young)))
                .containsExactly("7.2", "10.0", "7.2", "10.0");
        assertThat(asked).containsExactly(old, young);
    }

    @Test
    void aProgramThatWasReplacedIsAskedAgain() throws IOException {
        Path program = Files.writeString(folder.resolve("qemu"), "7.2.1");
        ask(program);
        Path next = Files.writeString(folder.resolve("next"), "7.2.2");
        Files.setLastModifiedTime(next, Files.getLastModifiedTime(program));
        Files.move(next, program, StandardCopyOption.REPLACE_EXISTING);
        assertThat(ask(program)).isEqualTo("7.2.2");
    }

    @Test
    void aQuestionThatFailedIsAskedAgain() throws IOException {
        Path program = folder.resolve("qemu");
        assertThatThrownBy(() -> ask(program)).isInstanceOf(Fault.class);
        Files.writeString(program, "7.2");
        assertThat(ask(program)).isEqualTo("7.2");
        assertThat(asked).hasSize(2);
    }
}
