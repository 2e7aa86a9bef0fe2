// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.testkit.Await;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** containerd may go and come back at any moment; tasks do not notice, and are found again. */
class ContainerdRestartTest {
    @RegisterExtension static final TestContainerd containerd = new TestContainerd();

    @Test
    void tasksAreFoundAgainAndTheirExitCodesArriveEvenFromMeanwhile() throws IOException {
        Ctr ctr = containerd.in("default");
        Path log = containerd.dir().resolve("log/ends");
        ctr.out(
                "run",
                "-d",
                TestContainerd.LAYERS,
                "stays",
                "sh",
                "-c",
                "trap 'exit 6' TERM; while :; do sleep 0.1; done");
        ctr.out(
                "run",
                "-d",
                "--log-uri",
                "file://" + log,
                TestContainerd.LAYERS,
                "ends",
                "sh",
                "-c",
                "until [ -e /go ]; do sleep 0.1; done; echo ends; exit 23");
        ctr.inside("stays", "touch", "/before");
        int pid = ctr.pid("stays");
        ctr.out(
                "tasks",
                "exec",
                "-d",
                "--exec-id",
                "fuse",
                "ends",
                "sh",
                "-c",
                "sleep 2; touch /go");

        containerd.kill();
        Await.until(
                "the end of a task",
                TestNode.patience(),
                () -> Files.exists(log) && log.toFile().length() > 0);
        containerd.start();

        assertThat(Files.readString(log)).isEqualTo("ends\n");
        assertThat(ctr.state("stays")).isEqualTo("RUNNING");
        assertThat(ctr.pid("stays")).isEqualTo(pid);
        // From 1.7 on, containerd deletes a task at its start if the shim knows no process of it.
        if (TestContainerd.isVersion("1.6.") || !ctr.state("ends").isEmpty()) {
            ctr.awaitState("ends", "STOPPED");
            assertThat(ctr.ctr("tasks", "delete", "ends").expectSuccess().err())
                    .contains("exit code 23");
        }
        ctr.ctr("containers", "delete", "ends").expectSuccess();

        assertThat(ctr.inside("stays", "ls", "/before")).isEqualTo("/before");
        containerd.stop();
        containerd.start();
        ctr.ctr("tasks", "exec", "stays", "sh", "-c", "exit 8").expectExit(8);

        ctr.ctr("tasks", "kill", "stays").expectSuccess();
        assertThat(
                        containerd
                                .awaitEvent(ctr, "stays", "/tasks/exit", "stays")
                                .number("exit_status"))
                .isEqualTo(6);
        ctr.awaitState("stays", "STOPPED");
        assertThat(ctr.ctr("tasks", "delete", "stays").expectSuccess().err())
                .contains("exit code 6");
        ctr.ctr("containers", "delete", "stays").expectSuccess();
    }

    /** An attached client loses containerd, and not the task. */
    @Test
    void aTaskOutlivesTheClientThatStartedIt() {
        Ctr ctr = containerd.in("default");
        try (var client =
                ctr.command(
                                "run",
                                TestContainerd.LAYERS,
                                "orphan",
                                "sh",
                                "-c",
                                "echo up; exec sleep 100000")
                        .start()) {
            client.awaitOutput("up", TestNode.patience());
            client.kill();
        }
        assertThat(ctr.inside("orphan", "echo", "here")).isEqualTo("here");
        ctr.remove("orphan");
    }
}
