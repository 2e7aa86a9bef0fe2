// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AptPackagesTest {
    private static final String CONTENT = "the package";
    private static final String STANZAS =
            """
            Package: tool
            Version: 1:2.0-1
            Architecture: amd64
            Pre-Depends: dpkg (>= 1.17)
            Depends: libc6 (>= 2.34), libx:any | liby (= 3) [amd64],
             libz
            Description: a tool
             Depends: not this
            Filename: pool/main/t/tool.deb
            SHA256: %s

            Package: tool
            Version: 1:1.0-1
            Architecture: amd64
            Filename: pool/main/t/tool_old.deb
            SHA256: 00

            Package: installed-only
            Version: 1
            Status: install ok installed
            """
                    .formatted(Digests.sha256(CONTENT));

    @TempDir private Path folder;

    private final List<List<String>> commands = new ArrayList<>();

    @Test
    void readsThePreferredVersionAndItsDependencies() {
        DebianPackage tool = AptPackages.parse(STANZAS).get("tool");
        assertThat(tool)
                .isEqualTo(
                        new DebianPackage(
                                "tool",
                                "1:2.0-1",
                                "amd64",
                                Digests.sha256(CONTENT),
                                List.of(
                                        List.of("dpkg"),
                                        List.of("libc6"),
                                        List.of("libx", "liby"),
                                        List.of("libz"))));
    }

    @Test
    void doesNotOfferWhatIsInstalledButCannotBeDownloaded() {
        assertThat(AptPackages.parse(STANZAS)).doesNotContainKey("installed-only");
    }

    @Test
    void asksForANameOnce() throws Exception {
        AptPackages apt = new AptPackages(answering(STANZAS), folder);
        assertThat(apt.find(List.of("tool", "gone"))).containsOnlyKeys("tool");
        int asked = commands.size();
        assertThat(apt.find(List.of("gone", "tool"))).containsOnlyKeys("tool");
        assertThat(commands).hasSize(asked);
    }

    @Test
    void downloadsOnceAndChecksTheDigest() throws Exception {
        AptPackages apt = new AptPackages(downloading(CONTENT), folder.resolve("cache"));
        DebianPackage tool = AptPackages.parse(STANZAS).get("tool");
        Path file = apt.fetch(List.of(tool)).get("tool");
        assertThat(file).hasContent(CONTENT).hasFileName("tool_1%3a2.0-1_amd64.deb");
        apt.fetch(List.of(tool));
        assertThat(commands).hasSize(1);
        Files.writeString(file, "damaged");
        assertThat(apt.fetch(List.of(tool)).get("tool")).hasContent(CONTENT);
        assertThat(entries(folder.resolve("cache"))).containsExactly(file);
    }

    @Test
    void refusesAFileWithAnotherDigest() throws Exception {
        AptPackages apt = new AptPackages(downloading("something else"), folder.resolve("cache"));
        DebianPackage tool = AptPackages.parse(STANZAS).get("tool");
        assertThatThrownBy(() -> apt.fetch(List.of(tool)))
                .isInstanceOfSatisfying(
                        Fault.class,
                        fault -> {
                            assertThat(fault.code()).isEqualTo(FaultCode.UNAVAILABLE);
                            assertThat(fault.hint())
                                    .hasValueSatisfying(
                                            hint -> assertThat(hint).contains("apt-get update"));
                        });
        assertThat(entries(folder.resolve("cache"))).isEmpty();
    }

    private CommandRunner answering(String output) {
        return (_, command) -> {
            commands.add(command);
            return new CommandRunner.Result(0, output, "");
        };
    }

    private CommandRunner downloading(String content) {
        return (directory, command) -> {
            commands.add(command);
            Files.writeString(directory.resolve("arrived.deb"), content);
            return new CommandRunner.Result(0, "", "");
        };
    }

    private static List<Path> entries(Path folder) throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.toList();
        }
    }
}
