// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Deadline;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CommandRunTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Deadline deadline = Deadline.after(PATIENCE);

    @Test
    void carriesBytesInAndOut() {
        byte[] bytes = new byte[3 << 20];
        new Random(1).nextBytes(bytes);

        assertThat(CommandRun.of("cat").stdin(bytes).run(deadline).expectSuccess().stdout())
                .isEqualTo(bytes);
    }

    @Test
    void keepsBothOutputsApart() {
        CommandResult result = CommandRun.of("sh", "-c", "echo out; echo err >&2").run(deadline);

        assertThat(result.out()).isEqualTo("out\n");
        assertThat(result.err()).isEqualTo("err\n");
    }

    @Test
    void tellsTheExitCodeAndTheSignal() {
        assertThat(CommandRun.of("sh", "-c", "exit 7").run(deadline).exitCode()).isEqualTo(7);
        assertThat(CommandRun.of("sh", "-c", "kill -9 $$").run(deadline).exitCode()).isEqualTo(137);
    }

    @Test
    void showsTheOutputsOfACommandThatFailed() {
        CommandResult result =
                CommandRun.of("sh", "-c", "echo why >&2; exit 3").run(deadline).expectExit(3);

        assertThatThrownBy(result::expectSuccess)
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("exit code: 3")
                .hasMessageContaining("why");
    }

    @Test
    void setsEnvironmentAndFolder() {
        CommandResult result =
                CommandRun.of("sh", "-c", "echo $WORD; pwd")
                        .environment("WORD", "hello")
                        .directory(Path.of("/proc"))
                        .run(deadline);

        assertThat(result.out()).isEqualTo("hello\n/proc\n");
    }

    @Test
    void toleratesACommandThatDoesNotReadItsInput() {
        CommandResult result = CommandRun.of("true").stdin(new byte[1 << 20]).run(deadline);

        assertThat(result.exitCode()).isZero();
    }

    @Test
    void killsACommandThatDoesNotEndWithAllItStarted() {
        LeakCheck leaks = LeakCheck.options().onlyMentioning("no such thing").before();
        CommandRun run = CommandRun.of("sh", "-c", "echo started; sleep 1000 & sleep 1000");

        try (CommandRun.Running running = run.start()) {
            running.awaitOutput("started", deadline);
            assertThatThrownBy(() -> running.await(Deadline.after(Duration.ZERO)))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("did not end in time")
                    .hasMessageContaining("started");
        }
        leaks.assertNothingLeft(deadline);
    }

    @Test
    void saysThatSomethingKeepsTheOutputOpen() {
        CommandRun run = CommandRun.of("sh", "-c", "sleep 1000 & echo $!");

        try (CommandRun.Running running = run.start()) {
            running.awaitOutput("\n", deadline);
            long sleeper =
                    Long.parseLong(
                            new String(running.stdoutSoFar(), StandardCharsets.UTF_8).strip());
            try {
                assertThatThrownBy(() -> running.await(Deadline.after(Duration.ofSeconds(1))))
                        .isInstanceOf(AssertionError.class)
                        .hasMessageContaining("keeps its output open");
            } finally {
                ProcessHandle.of(sleeper).ifPresent(ProcessHandle::destroyForcibly);
            }
        }
    }

    @Test
    void saysThatAwaitedOutputWasNotWritten() {
        try (CommandRun.Running running = CommandRun.of("echo", "something").start()) {
            assertThatThrownBy(() -> running.awaitOutput("else", deadline))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("'else' was not written");
        }
    }

    @Test
    void refusesAProgramThatIsNotThere() {
        assertThatThrownBy(() -> CommandRun.of("/nonexistent").run(deadline))
                .isInstanceOf(UncheckedIOException.class);
    }
}
