// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutputDirectoryTest {
    @TempDir private Path folder;

    @Test
    void leavesNothingUnderTheFinalNameUntilItIsPublished() throws IOException {
        Path target = folder.resolve("a/guest");
        try (OutputDirectory output = OutputDirectory.open(target)) {
            Files.writeString(output.results().resolve("kernel"), "new");
            Files.writeString(output.work().resolve("scratch"), "x");
            assertThat(target).doesNotExist();
            output.publish();
            assertThat(target.resolve("kernel")).hasContent("new");
        }
        assertThat(entries(target)).containsExactly("kernel");
        assertThat(entries(folder.resolve("a"))).containsExactly(".guest.lock", "guest");
    }

    @Test
    void keepsTheFormerImageWhenTheBuildFails() throws IOException {
        Path target = folder.resolve("guest");
        Files.createDirectories(target);
        Files.writeString(target.resolve("kernel"), "old");
        try (OutputDirectory output = OutputDirectory.open(target)) {
            Files.writeString(output.results().resolve("kernel"), "half");
        }
        assertThat(target.resolve("kernel")).hasContent("old");
        assertThat(entries(folder)).containsExactly(".guest.lock", "guest");
    }

    @Test
    void replacesTheFormerImageAsAWhole() throws IOException {
        Path target = folder.resolve("guest");
        Files.createDirectories(target);
        Files.writeString(target.resolve("former"), "old");
        try (OutputDirectory output = OutputDirectory.open(target)) {
            Files.writeString(output.results().resolve("kernel"), "new");
            output.publish();
        }
        assertThat(entries(target)).containsExactly("kernel");
        assertThat(entries(folder)).containsExactly(".guest.lock", "guest");
    }

    @Test
    void removesWhatAKilledBuilderLeft() throws IOException {
        Path left = Files.createDirectories(folder.resolve(".guest.staging-123/work/root"));
        Files.writeString(left.resolve("file"), "x");
        try (OutputDirectory output = OutputDirectory.open(folder.resolve("guest"))) {
            assertThat(left).doesNotExist();
            assertThat(output.results()).isDirectory();
        }
    }

    private static List<String> entries(Path folder) throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.map(entry -> String.valueOf(entry.getFileName())).sorted().toList();
        }
    }
}
