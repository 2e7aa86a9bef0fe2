// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.testkit.TestRoot;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Images as a user builds and checks them. */
class GuestImageTest {
    /** Programs of the tree end with this status and print this. */
    private record Ran(int status, String output) {}

    private static Ran bunkai(String... words) throws IOException, InterruptedException {
        return bunkai(Map.of(), words);
    }

    private static Ran bunkai(Map<String, String> environment, String... words)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(SourceTree.bunkai().toString()));
        command.addAll(List.of(words));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        Process process = builder.start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Ran(process.waitFor(), output);
    }

    private static Path guest() {
        return SourceTree.bunkai().resolveSibling("../guest").normalize();
    }

    @Test
    void theGuestOfThisTreeFits() throws Exception {
        for (String kernel : List.of("vmlinuz", "vmlinux")) {
            if (Files.exists(guest().resolve(kernel))) {
                Ran check =
                        bunkai(
                                "guest",
                                "check",
                                guest().resolve(kernel).toString(),
                                guest().resolve("rootfs.erofs").toString());
                assertThat(check).isEqualTo(new Ran(0, "fits\n"));
            }
        }
    }

    @Test
    void theImageThatMachinesBootHasAtMost45Megabytes() throws Exception {
        assertThat(Files.size(guest().resolve("rootfs.erofs"))).isBetween(10_000_000L, 45_000_000L);
    }

    @Test
    void theSameImageIsBuiltInTwoPlaces() throws Exception {
        try (TestRoot root = TestRoot.create()) {
            Path first = root.resolve("first.img");
            Path second = root.resolve("elsewhere/second.img");
            for (Path image : List.of(first, second)) {
                // Set to nothing is not set, also for the programs that are run on the way.
                Ran build =
                        bunkai(
                                image.equals(first) ? Map.of() : Map.of("SOURCE_DATE_EPOCH", ""),
                                "guest",
                                "image",
                                "build",
                                "--layout",
                                "kata",
                                "--align",
                                "2",
                                "--compress",
                                "--output",
                                image.toString());
                assertThat(build.status()).as(build.output()).isZero();
            }
            assertThat(first).hasSameBinaryContentAs(second);
            assertThat(root.resolve("first.img.json"))
                    .hasSameTextualContentAs(root.resolve("elsewhere/second.img.json"));
            // The layout adds 3 MiB, and what is empty takes no room.
            JsonNode manifest =
                    JsonMapper.shared().readTree(Files.readString(root.resolve("first.img.json")));
            assertThat(manifest.path("image").path("fileSystemBytes").asLong())
                    .isBetween(10_000_000L, 45_000_000L);
            Ran check =
                    bunkai(
                            "guest",
                            "check",
                            guest().resolve("vmlinuz").toString(),
                            second.toString());
            assertThat(check).isEqualTo(new Ran(0, "fits\n"));
            assertThat(Files.readString(Path.of("/proc/self/mounts")))
                    .doesNotContain(root.path().toString());
        }
    }

    @Test
    void aBuildThatIsInterruptedLeavesNothing() throws Exception {
        try (TestRoot root = TestRoot.create()) {
            Process build =
                    new ProcessBuilder(
                                    SourceTree.bunkai().toString(),
                                    "guest",
                                    "image",
                                    "build",
                                    "--output",
                                    root.resolve("guest.img").toString())
                            .redirectErrorStream(true)
                            .start();
            build.getOutputStream().close();
            StringBuilder said = new StringBuilder();
            try (var lines = build.inputReader(StandardCharsets.UTF_8)) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    said.append(line).append('\n');
                    if (line.contains("linking the Java runtime")) {
                        build.toHandle().destroy(); // SIGTERM; Ctrl-C is handled the same way
                    }
                }
            }
            assertThat(build.waitFor()).as(said.toString()).isNotZero();
            try (Stream<Path> left = Files.list(root.path())) {
                assertThat(left.map(file -> file.getFileName().toString()))
                        .containsExactly(".guest.img.lock");
            }
        }
    }
}
