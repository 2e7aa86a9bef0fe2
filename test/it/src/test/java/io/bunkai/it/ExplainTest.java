// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What {@code explain} prints is what {@code run} with the same arguments does. Two plans differ in
 * the container's id alone, which is made up anew for each.
 */
class ExplainTest {
    @RegisterExtension static final TestNode node = new TestNode();

    private static final String BOX = "box";
    private static final JsonMapper JSON = JsonMapper.shared();

    private static String id = "";
    private static JsonNode explained = JSON.createObjectNode();

    @BeforeAll
    static void explainAndRun() {
        JsonNode before = node.json(words("explain"));
        assertThat(node.machines()).isEmpty();
        id = node.out(words("run"));
        String text = before.toString().replace(before.path("id").asString(), id);
        // A host name that nobody chose is the beginning of the id.
        String shortened = before.path("guest").path("hostname").asString();
        explained =
                JSON.readTree(
                        before.path("id").asString().startsWith(shortened)
                                ? text.replace(shortened, id.substring(0, shortened.length()))
                                : text);
    }

    private static String[] words(String verb) {
        return new String[] {
            verb,
            "-d",
            "--name",
            BOX,
            "-m",
            "200m",
            "--cpus",
            "1",
            "-e",
            "SECRET=s3cret",
            "-w",
            "/tmp",
            "-u",
            "3:4",
            "--",
            "sleep",
            "100000"
        };
    }

    @Test
    void theMachineIsWhatWasExplained() {
        List<String> words = new ArrayList<>();
        explained.path("launch").path("arguments").forEach(word -> words.add(word.asString()));

        assertThat(words).isNotEmpty();
        assertThat(TestNode.commandLine(node.vmmPid(BOX))).isEqualTo(words);
    }

    @Test
    void theMachineRunsWhereItWasExplainedTo() throws IOException {
        String pid = String.valueOf(node.vmmPid(BOX));
        assertThat(explained.path("cgroups")).isNotEmpty();
        for (JsonNode group : explained.path("cgroups")) {
            Path procs = Path.of(group.asString(), "cgroup.procs");
            assertThat(Files.readAllLines(procs)).contains(pid);
        }
    }

    @Test
    void thePlanThatWasCarriedOutIsTheOneThatWasExplained() {
        assertThat(node.json("inspect", BOX).path("plan")).isEqualTo(explained);
    }

    /** The agent tells what it was asked for; what it says comes to the daemon's log. */
    @Test
    void theAgentWasAskedForWhatWasExplained() {
        String log = node.daemonLog();
        assertThat(explained.path("storages")).isNotEmpty();
        for (JsonNode storage : explained.path("storages")) {
            String line =
                    "storage driver=%s source=%s fstype=%s options=%s mount_point=%s"
                            .formatted(
                                    storage.path("driver").asString(),
                                    storage.path("source").asString(),
                                    storage.path("fileSystem").asString(),
                                    joined(storage.path("options")),
                                    storage.path("mountPoint").asString());
            assertThat(log.lines().filter(text -> text.contains(id)))
                    .anyMatch(text -> text.endsWith(line));
        }
        JsonNode process = explained.path("process").path("process");
        assertThat(log.lines().filter(text -> text.contains(id)))
                .anyMatch(text ->
                        text.endsWith(
                                "container created id=%s root=%s cwd=%s args=%s"
                                        .formatted(
                                                id,
                                                explained
                                                        .path("process")
                                                        .path("root")
                                                        .path("path")
                                                        .asString(),
                                                process.path("cwd").asString(),
                                                joined(process.path("args")))));
    }

    @Test
    void theGuestIsWhatWasExplained() {
        assertThat(node.out("exec", BOX, "hostname"))
                .isEqualTo(explained.path("guest").path("hostname").asString());
        assertThat(node.out("exec", BOX, "sh", "-c", "grep -c ^processor /proc/cpuinfo"))
                .isEqualTo(explained.path("sizing").path("vcpus").asString());
        assertThat(node.out("exec", BOX, "id", "-u")).isEqualTo("3");
    }

    @Test
    void nobodyLearnsTheEnvironmentFromAPlan() {
        assertThat(explained.toString()).contains("SECRET=").doesNotContain("s3cret");
    }

    private static String joined(JsonNode texts) {
        List<String> words = new ArrayList<>();
        texts.forEach(text -> words.add(text.asString()));
        return String.join(",", words);
    }
}
