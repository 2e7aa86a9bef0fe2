// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.base.TaskScope;
import io.bunkai.linux.KeptFds;
import io.bunkai.linux.Pipe;
import io.bunkai.linux.WaitingFd;
import io.bunkai.testkit.Await;
import io.bunkai.testkit.LeakCheck;
import io.bunkai.testkit.LeakCheckExtension;
import io.bunkai.testkit.TestRoot;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class BinaryLoggerTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration SHORT = Duration.ofMillis(100);

    /** Everything comes to its end by itself, or the test takes minutes. */
    private static final BinaryLogger.Patience GENEROUS =
            new BinaryLogger.Patience(PATIENCE, PATIENCE);

    @RegisterExtension
    final LeakCheckExtension leaks =
            new LeakCheckExtension(
                    () ->
                            LeakCheck.options()
                                    .onlyMentioning("binary-logger-test")
                                    .descriptorsOf(() -> List.of(ProcessHandle.current().pid())),
                    Duration.ofSeconds(10));

    private final TestRoot root = TestRoot.create();

    /** What is opened once for the whole process is no leak. */
    @BeforeAll
    static void waitOnce() throws Exception {
        try (Pipe pipe = Pipe.create();
                WaitingFd in = WaitingFd.toRead(pipe.read())) {
            in.await(Deadline.after(Duration.ZERO));
        }
    }

    @AfterEach
    void deleteRoot() {
        root.close();
    }

    private static Deadline soon() {
        return Deadline.after(PATIENCE);
    }

    /**
     * {@return a URI of a logger with this text; its folder comes as the first argument's value}
     */
    private String logger(String scheme, String script) throws Exception {
        Path program = root.resolve("logger");
        Files.writeString(program, "#!/bin/sh\ncd \"$2\"\n" + script + "\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        return scheme + "://" + program + "?dir=" + root.path();
    }

    private static KeptStreams kept() {
        return KeptStreams.of(
                KeptFds.inThisProcess(), new TaskOwner("/run/c.sock", "ns", ""), "c1", "");
    }

    private static TaskStreams open(
            String stdout, String stderr, boolean terminal, BinaryLogger.Patience patience)
            throws InterruptedException {
        return TaskStreams.open(
                new Stdio("", stdout, stderr, terminal), "c1", "ns", kept(), soon(), patience);
    }

    private static Fault refusal(String uri, Deadline deadline) {
        return assertThatExceptionOfType(Fault.class)
                .isThrownBy(() ->
                        TaskStreams.open(
                                        new Stdio("", uri, uri, false),
                                        "c1",
                                        "ns",
                                        kept(),
                                        deadline,
                                        GENEROUS)
                                .close())
                .actual();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private String content(String file) throws Exception {
        return Files.readString(root.resolve(file));
    }

    @Test
    void getsBothOutputsAndIsToldWhoseTheyAre() throws Exception {
        String uri =
                logger(
                        "binary",
                        "env | sort >env; echo \"$@\" >args; echo x >&5; exec 5>&-; "
                                + "cat <&4 >err & cat <&3 >out; wait");
        try (TaskStreams streams = open(uri + "&k=a+b", uri + "&k=a+b", false, GENEROUS)) {
            streams.stdout().orElseThrow().write(bytes("to out"));
            streams.stderr().orElseThrow().write(bytes("to err"));
        }
        assertThat(content("out")).isEqualTo("to out");
        assertThat(content("err")).isEqualTo("to err");
        assertThat(content("args")).isEqualTo("dir " + root.path() + " k a b\n");
        // The shell adds PWD by itself.
        assertThat(content("env").lines())
                .filteredOn(line -> !line.startsWith("PWD=") && !line.startsWith("OLDPWD="))
                .containsExactly("CONTAINER_ID=c1", "CONTAINER_NAMESPACE=ns");
    }

    @Test
    void isReadyWhenItClosesTheDescriptorIfItIsAnOldOne() throws Exception {
        String uri = logger("binary", "exec 5>&-; cat <&3 >out");
        try (TaskStreams streams = open(uri, "", false, GENEROUS)) {
            streams.stdout().orElseThrow().write(bytes("hello"));
            assertThat(streams.stderr()).isEmpty();
        }
        assertThat(content("out")).isEqualTo("hello");
    }

    @Test
    void findsTheUnusedOutputAtItsEnd() throws Exception {
        String uri = logger("binary-v2", "echo x >&5; exec 5>&-; cat <&4 >err; cat <&3 >out");
        try (TaskStreams streams = open(uri, uri, true, GENEROUS)) {
            streams.stdout().orElseThrow().write(bytes("hello"));
        }
        assertThat(content("err")).isEmpty();
        assertThat(content("out")).isEqualTo("hello");
    }

    @Test
    void saysHowItEndedBeforeItWasReady() throws Exception {
        Fault fault = refusal(logger("binary", "exit 3"), soon());
        assertThat(fault.code()).isEqualTo(FaultCode.FAILED_PRECONDITION);
        assertThat(fault).hasMessageContaining("exited with status 3 before it was ready");
    }

    @Test
    void mustSayThatItIsReadyIfItIsANewOne() throws Exception {
        Fault fault = refusal(logger("binary-v2", "exec 5>&-; cat <&3"), soon());
        assertThat(fault.code()).isEqualTo(FaultCode.FAILED_PRECONDITION);
        assertThat(fault).hasMessageContaining("did not say that it is ready");
    }

    @Test
    void isKilledIfItDoesNotBecomeReadyInTime() throws Exception {
        Fault fault = refusal(logger("binary", "trap '' TERM; cat <&3"), Deadline.after(SHORT));
        assertThat(fault.code()).isEqualTo(FaultCode.DEADLINE_EXCEEDED);
    }

    @Test
    void isKilledIfWhoWaitsForItIsInterrupted() throws Exception {
        String uri = logger("binary", "echo x >started; cat <&3");
        FutureTask<TaskStreams> opening = new FutureTask<>(() -> open(uri, uri, false, GENEROUS));
        Thread thread = Thread.ofVirtual().start(opening);
        Await.until("the logger", soon(), () -> Files.exists(root.resolve("started")));
        thread.interrupt();
        assertThatThrownBy(opening::get)
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(InterruptedException.class);
    }

    @Test
    void isGivenTimeToTakeWhatIsLeft() throws Exception {
        String uri = logger("binary", "exec 5>&-; read first <&3; sleep 0.2; cat <&3 >out");
        byte[] rest = bytes("x".repeat(60_000));
        try (TaskStreams streams = open(uri, "", false, GENEROUS)) {
            streams.stdout().orElseThrow().write(bytes("first\n"));
            streams.stdout().orElseThrow().write(rest);
        }
        assertThat(root.resolve("out")).hasSize(rest.length);
    }

    @Test
    void isTerminatedIfItDoesNotEnd() throws Exception {
        String uri =
                logger(
                        "binary",
                        "trap 'echo bye >out; exit' TERM; exec 5>&-; while :; do sleep 0.05; done");
        open(uri, uri, false, new BinaryLogger.Patience(SHORT, PATIENCE)).close();
        assertThat(content("out")).isEqualTo("bye\n");
    }

    @Test
    void isKilledIfItCannotBeTerminated() throws Exception {
        String uri = logger("binary", "trap '' TERM; exec 5>&- sleep 1000");
        open(uri, uri, false, new BinaryLogger.Patience(SHORT, SHORT)).close();
        // The leak check sees that it has gone.
    }

    @Test
    void aWriteFailsOnceItHasEnded() throws Exception {
        String uri = logger("binary", "echo x >&5; exec 5>&-; read first <&3");
        try (TaskStreams streams = open(uri, uri, false, GENEROUS)) {
            OutputStream stdout = streams.stdout().orElseThrow();
            stdout.write(bytes("first\n"));
            assertThatThrownBy(
                            () -> {
                                while (true) {
                                    stdout.write(new byte[1000]);
                                }
                            })
                    .hasMessageContaining("EPIPE");
        }
    }

    @Test
    void twentyStartAndEndAtOnce() throws Exception {
        String uri = logger("binary", "echo x >&5; exec 5>&-; cat <&3 >&2");
        try (TaskScope scope = new TaskScope("loggers")) {
            for (int i = 0; i < 20; i++) {
                scope.fork(
                        "logger " + i,
                        () -> {
                            try (TaskStreams streams = open(uri, uri, false, GENEROUS)) {
                                streams.stdout().orElseThrow().write(bytes("hello"));
                            }
                            return true;
                        });
            }
            scope.join();
        }
    }
}
