// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command that brings both files up to date stands in the module's README. */
class GeneratedFilesTest {
    private static final boolean UPDATE = Boolean.getBoolean("bunkai.update");
    private static final Path DOCUMENTATION = Path.of("../../docs/configuration.md");
    private static final Path PACKAGED =
            Path.of("src/main/resources/io/bunkai/config/configuration.toml");
    private static final String BEGIN = "<!-- generated from the key table: begin -->\n";
    private static final String END = "<!-- generated from the key table: end -->\n";

    @TempDir Path folder;
    private final GeneratedFiles files = new GeneratedFiles();

    @Test
    void theDocumentationIsUpToDate() throws IOException {
        String text = Files.readString(DOCUMENTATION);
        int begin = text.indexOf(BEGIN) + BEGIN.length();
        String expected =
                text.substring(0, begin)
                        + "\n"
                        + files.documentation()
                        + "\n"
                        + text.substring(text.indexOf(END));
        if (UPDATE) {
            Files.writeString(DOCUMENTATION, expected);
        }

        assertThat(Files.readString(DOCUMENTATION)).isEqualTo(expected);
    }

    @Test
    void thePackagedConfigurationIsUpToDate() throws IOException {
        if (UPDATE) {
            Files.writeString(PACKAGED, files.packaged());
        }

        assertThat(Files.readString(PACKAGED)).isEqualTo(files.packaged());
    }

    @Test
    void thePackagedConfigurationChangesNothing() throws IOException {
        ConfigurationFixture node = new ConfigurationFixture(folder);
        LoadedConfiguration builtIn = node.loader().load(new ConfigurationSource.BuiltIn());
        LoadedConfiguration packaged = node.load(files.packaged());

        assertThat(packaged.warnings()).isEmpty();
        assertThat(packaged.configuration()).isEqualTo(builtIn.configuration());
    }

    @Test
    void everyLineOfThePackagedConfigurationIsTheDefault() throws IOException {
        ConfigurationFixture node = new ConfigurationFixture(folder);
        String everything =
                files.packaged()
                        .lines()
                        .filter(line -> !line.contains("= ..."))
                        .map(line -> line.matches("#[a-z].*") ? line.substring(1) : line)
                        .collect(Collectors.joining("\n"));
        LoadedConfiguration builtIn = node.loader().load(new ConfigurationSource.BuiltIn());
        LoadedConfiguration packaged = node.load(everything);

        assertThat(packaged.warnings()).isEmpty();
        assertThat(packaged.configuration()).isEqualTo(builtIn.configuration());
        assertThat(packaged.effectiveValues())
                .extracting(value -> value.key() + value.value())
                .containsExactlyElementsOf(
                        builtIn.effectiveValues().stream()
                                .map(value -> value.key() + value.value())
                                .toList());
    }
}
