// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.testkit.CommandResult;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;

/** {@code --cpus} and {@code -m} are the container's limits, and its machine is large enough. */
class LimitsTest {
    @RegisterExtension static final TestNode node = new TestNode();

    private static final String LIMITED = "limited";
    private static final long MIB = 1024 * 1024;

    /** Looks for the end of the first line, and keeps it in memory as long as it finds none. */
    private static final String[] GLUTTON = {"tail", "-n", "1", "/dev/zero"};

    @BeforeAll
    static void startOne() {
        node.startSleeper(LIMITED, "--cpus", "2", "-m", "512m");
    }

    @Test
    void theContainerSeesTheProcessorsItMayUse() {
        assertThat(node.out("exec", LIMITED, "nproc")).isEqualTo("2");
        assertThat(node.out("exec", LIMITED, "cat", "/sys/fs/cgroup/cpu.max"))
                .isEqualTo("200000 100000");
    }

    @Test
    void theContainerSeesTheMemoryItMayUse() {
        assertThat(node.out("exec", LIMITED, "cat", "/sys/fs/cgroup/memory.max"))
                .isEqualTo(String.valueOf(512 * MIB));
        assertThat(node.get(LIMITED).path("memoryBytes").asLong()).isGreaterThan(512 * MIB);
    }

    @Test
    void aProcessBeyondTheLimitIsKilledAndTheContainerIsNot() {
        node.bunkai("exec", LIMITED, GLUTTON[0], GLUTTON[1], GLUTTON[2], GLUTTON[3])
                .expectExit(137);

        assertThat(node.out("exec", LIMITED, "echo", "alive")).isEqualTo("alive");
        assertThat(node.out("exec", LIMITED, "cat", "/sys/fs/cgroup/memory.events"))
                .contains("oom_kill 1");
    }

    @Test
    void aContainerThatRanOutOfMemoryIsReportedAsSuch() {
        CommandResult result =
                node.bunkai(
                        "run",
                        "--name",
                        "hungry",
                        "-m",
                        "96m",
                        "--",
                        GLUTTON[0],
                        GLUTTON[1],
                        GLUTTON[2],
                        GLUTTON[3]);

        assertThat(result.expectExit(137).err()).contains("out of memory");
        JsonNode listed = node.get("hungry");
        assertThat(listed.path("exitCode").asInt()).isEqualTo(137);
        assertThat(listed.path("oomKilled").asBoolean()).isTrue();
        assertThat(node.json("inspect", "hungry").path("oomKilled").asBoolean()).isTrue();
        assertThat(node.out("ps", "-a")).contains("out of memory");
        assertThat(node.out("wait", "hungry")).isEqualTo("137");
    }
}
