// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.CreateRequest;
import io.bunkai.api.control.CreateResponse;
import io.bunkai.api.control.ResizeRequest;
import io.bunkai.api.control.SignalRequest;
import io.bunkai.api.control.SignalResponse;
import io.bunkai.api.control.StartRequest;
import io.bunkai.api.control.StartResponse;
import io.bunkai.api.control.WaitRequest;
import io.bunkai.api.control.WaitResponse;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.linux.Terminal;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RunCommandTest {
    private final Shell shell = new Shell();

    @AfterEach
    void close() {
        shell.close();
    }

    private static void write(OutputStream stream, String text) throws IOException {
        stream.write(text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void asksForWhatTheOptionsSay() throws Exception {
        Files.writeString(shell.root.resolve("vars"), "# comment\n\nFILE=1\nBOTH=file\nHOST\nNO\n");
        shell.environment.put("HOST", "from the caller");
        shell.daemon();

        int code =
                shell.run(
                        "run",
                        "--rm",
                        "-itd",
                        "--name",
                        "web",
                        "--env-file=vars",
                        "-e",
                        "BOTH=option",
                        "-eATTACHED=a,b",
                        "-e",
                        "MISSING",
                        "-w",
                        "/srv",
                        "-u1000:100",
                        "--hostname=h",
                        "-m",
                        "512m",
                        "--cpus",
                        "1.5",
                        "--entrypoint",
                        "",
                        "--annotation",
                        "io.bunkai.a=b=c",
                        "--",
                        "sh",
                        "-c",
                        "echo $1",
                        "--",
                        "@x");

        assertThat(shell.err()).isEmpty();
        assertThat(code).isZero();
        assertThat(shell.out()).isEqualTo(FakeDaemon.ID + "\n");
        CreateRequest wanted =
                CreateRequest.newBuilder()
                        .setName("web")
                        .addArgs("sh")
                        .addArgs("-c")
                        .addArgs("echo $1")
                        .addArgs("--")
                        .addArgs("@x")
                        .setEntrypointSet(true)
                        .addEnv("FILE=1")
                        .addEnv("BOTH=file")
                        .addEnv("HOST=from the caller")
                        .addEnv("BOTH=option")
                        .addEnv("ATTACHED=a,b")
                        .setCwd("/srv")
                        .setUser("1000:100")
                        .setHostname("h")
                        .setMemoryBytes(512L << 20)
                        .setNanoCpus(1_500_000_000L)
                        .setTty(true)
                        .setStdin(true)
                        .setRemove(true)
                        .putAnnotations("io.bunkai.a", "b=c")
                        .build();
        assertThat(shell.daemon().created()).isEqualTo(wanted);
        assertThat(shell.daemon().requests(StartRequest.class))
                .containsExactly(StartRequest.newBuilder().setContainer(FakeDaemon.ID).build());
    }

    @Test
    void copiesInputToTheProcessAndOutputBack() {
        shell.stdin = new ByteArrayInputStream("hi\n".getBytes(StandardCharsets.UTF_8));
        shell.daemon()
                .process((in, out, _) -> {
                    in.transferTo(out);
                    return 0;
                });

        assertThat(shell.run("run", "--rm", "-i", "--", "cat")).isZero();
        assertThat(shell.out()).isEqualTo("hi\n");
        assertThat(shell.daemon().created().getTied()).isTrue();
    }

    @Test
    void keepsOutputAndErrorsApartAndPassesTheExitStatusOn() {
        shell.daemon()
                .process((_, out, err) -> {
                    write(out, "result");
                    write(err, "complaint");
                    return 7;
                });

        assertThat(shell.run("run", "--", "sh")).isEqualTo(7);
        assertThat(shell.out()).isEqualTo("result");
        assertThat(shell.err()).isEqualTo("complaint");
    }

    @Test
    void leavesInputAloneUnlessItIsAskedFor() throws Exception {
        shell.stdin = new ByteArrayInputStream(new byte[10]);
        shell.daemon();

        assertThat(shell.run("run", "--", "true")).isZero();
        assertThat(shell.daemon().attached().getStdin()).isFalse();
        assertThat(shell.stdin.available()).isEqualTo(10);
    }

    @Test
    void carriesFiftyMebibytesThroughTheProcessUnchanged() throws Exception {
        byte[] data = new byte[50 << 20];
        new Random(1).nextBytes(data);
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        shell.stdin = new ByteArrayInputStream(data);
        shell.stdout =
                new OutputStream() {
                    @Override
                    public void write(int value) {
                        digest.update((byte) value);
                    }

                    @Override
                    public void write(byte[] source, int offset, int length) {
                        digest.update(source, offset, length);
                    }
                };
        shell.daemon()
                .process((in, out, _) -> {
                    in.transferTo(out);
                    return 0;
                });

        assertThat(shell.run("run", "-i", "--", "cat")).isZero();
        assertThat(digest.digest()).isEqualTo(MessageDigest.getInstance("SHA-256").digest(data));
    }

    @Test
    void losesNothingWhenTheReaderIsLateAndTheProcessHasEnded() throws Exception {
        CountDownLatch ended = new CountDownLatch(1);
        java.io.ByteArrayOutputStream received = new java.io.ByteArrayOutputStream();
        shell.stdout =
                new OutputStream() {
                    @Override
                    public void write(int value) {
                        throw new AssertionError("bytes come in pieces");
                    }

                    @Override
                    public void write(byte[] source, int offset, int length) throws IOException {
                        try {
                            ended.await();
                        } catch (InterruptedException e) {
                            throw new IOException(e);
                        }
                        received.write(source, offset, length);
                    }
                };
        shell.daemon()
                .process((_, out, _) -> {
                    out.write(new byte[100_000]);
                    ended.countDown();
                    return 3;
                });

        assertThat(shell.run("run", "--", "x")).isEqualTo(3);
        assertThat(received.size()).isEqualTo(100_000);
    }

    @Test
    void endsQuietlyAndEndsTheProcessWhenNobodyReadsItsOutput() throws Exception {
        shell.stdout =
                new OutputStream() {
                    @Override
                    public void write(int value) throws IOException {
                        throw new IOException("Broken pipe");
                    }
                };
        CompletableFuture<Void> forever = new CompletableFuture<>();
        shell.daemon()
                .process((_, out, _) -> {
                    write(out, "y\n");
                    forever.join();
                    return 0;
                });

        assertThat(shell.run("run", "--", "yes")).isEqualTo(128 + 13);
        assertThat(shell.err()).isEmpty();
        shell.daemon().awaitAbandoned();
        forever.complete(null);
    }

    @Test
    void tellsAMissingCommandFromOneThatCannotBeInvoked() {
        shell.daemon();
        assertThat(failingToStart(Fault.notFound("executable file 'nope' not found")))
                .isEqualTo(127);
        assertThat(failingToStart(Fault.of(FaultCode.PERMISSION_DENIED, "/etc is a directory")))
                .isEqualTo(126);
        assertThat(
                        failingToStart(
                                Fault.internal("crun failed")
                                        .causedBy(
                                                new IOException(
                                                        "executable file `nope` not found in $PATH:"
                                                                + " No such file or directory"))))
                .isEqualTo(127);
        assertThat(failingToStart(Fault.internal("exec `/x`: Permission denied"))).isEqualTo(126);
        assertThat(failingToStart(Fault.unavailable("QEMU exited with status 1"))).isEqualTo(125);
    }

    private int failingToStart(Fault fault) {
        shell.daemon()
                .answer(
                        ControlMethods.START,
                        _ -> {
                            throw fault;
                        });
        return shell.run("run", "--", "nope");
    }

    @Test
    void reportsWhyTheContainerWasNotMadeInThreeLines() {
        shell.daemon()
                .answer(
                        ControlMethods.CREATE,
                        _ -> {
                            throw Fault.alreadyExists("the name web is taken")
                                    .causedBy(new IOException("container 0123 has it"))
                                    .withHint("choose another with --name");
                        });

        assertThat(shell.run("run", "--name", "web", "--", "x")).isEqualTo(125);
        assertThat(shell.err())
                .isEqualTo(
                        """
                        error: the name web is taken
                        cause: container 0123 has it
                        hint:  choose another with --name
                        """);
    }

    @Test
    void passesWarningsOnWithoutTheirControlCharacters() {
        shell.daemon()
                .answer(
                        ControlMethods.CREATE,
                        _ ->
                                CreateResponse.newBuilder()
                                        .setId(FakeDaemon.ID)
                                        .addWarnings("key x is unknown\033[2J")
                                        .build());

        assertThat(shell.run("run", "--", "x")).isZero();
        assertThat(shell.err()).isEqualTo("warning: key x is unknown\ufffd[2J\n");
    }

    @Test
    void reportsAMachineThatWasLost() {
        shell.daemon()
                .answer(
                        ControlMethods.WAIT,
                        _ -> {
                            shell.daemon().exitCode();
                            return WaitResponse.newBuilder()
                                    .setExitCode(137)
                                    .setError("QEMU was killed by SIGKILL")
                                    .build();
                        });

        assertThat(shell.run("run", "--", "x")).isEqualTo(125);
        assertThat(shell.err())
                .isEqualTo(
                        """
                        error: the machine of container 0123456789ab was lost
                        cause: QEMU was killed by SIGKILL
                        """);
    }

    @Test
    void saysThatMemoryRanOut() {
        shell.daemon()
                .answer(
                        ControlMethods.WAIT,
                        _ -> WaitResponse.newBuilder().setExitCode(137).setOomKilled(true).build());

        assertThat(shell.run("run", "-m", "16m", "--", "x")).isEqualTo(137);
        assertThat(shell.err()).contains("0123456789ab ran out of memory");
    }

    @Test
    void forwardsSignalsToTheProcess() throws Exception {
        BlockingQueue<SignalRequest> received = new LinkedBlockingQueue<>();
        shell.daemon()
                .answer(
                        ControlMethods.SIGNAL,
                        request -> {
                            received.add(request);
                            return SignalResponse.getDefaultInstance();
                        });
        CountDownLatch waiting = new CountDownLatch(1);
        announceWait(waiting);
        shell.daemon()
                .process((_, _, _) -> {
                    try {
                        return 128 + received.take().getSignal();
                    } catch (InterruptedException e) {
                        return 255;
                    }
                });
        Thread user =
                Thread.ofVirtual()
                        .start(() -> {
                            try {
                                waiting.await();
                                shell.signals.send("USR1", 10);
                            } catch (InterruptedException e) {
                                throw new IllegalStateException(e);
                            }
                        });

        assertThat(shell.run("run", "--", "x")).isEqualTo(138);
        user.join();
        assertThat(shell.daemon().requests(SignalRequest.class))
                .containsExactly(
                        SignalRequest.newBuilder()
                                .setContainer(FakeDaemon.ID)
                                .setSignal(10)
                                .build());
        assertThat(shell.signals.isListenedTo("INT")).isFalse();
    }

    private void announceWait(CountDownLatch waiting) {
        shell.daemon()
                .answer(
                        ControlMethods.WAIT,
                        _ -> {
                            waiting.countDown();
                            return WaitResponse.newBuilder()
                                    .setExitCode(shell.daemon().exitCode())
                                    .build();
                        });
    }

    @Test
    void leavesAtTheThirdInterruptOfAProcessThatIgnoresThem() throws Exception {
        CountDownLatch waiting = new CountDownLatch(1);
        announceWait(waiting);
        CompletableFuture<Void> forever = new CompletableFuture<>();
        shell.daemon()
                .process((_, _, _) -> {
                    forever.join();
                    return 0;
                });
        Thread user =
                Thread.ofVirtual()
                        .start(() -> {
                            try {
                                waiting.await();
                                shell.signals.send("INT", 2);
                                shell.signals.send("INT", 2);
                                shell.signals.send("INT", 2);
                            } catch (InterruptedException e) {
                                throw new IllegalStateException(e);
                            }
                        });

        assertThat(shell.run("run", "--", "x")).isEqualTo(130);
        user.join();
        shell.daemon().awaitAbandoned();
        forever.complete(null);
    }

    @Test
    void leavesAtOnceWhenInterruptedWhileTheMachineBoots() throws Exception {
        CompletableFuture<Void> booting = new CompletableFuture<>();
        CompletableFuture<Void> asked = new CompletableFuture<>();
        shell.daemon()
                .answer(
                        ControlMethods.START,
                        _ -> {
                            asked.complete(null);
                            booting.join();
                            return StartResponse.getDefaultInstance();
                        });
        Thread user =
                Thread.ofVirtual()
                        .start(() -> {
                            try {
                                asked.join();
                                shell.signals.send("TERM", 15);
                            } catch (InterruptedException e) {
                                throw new IllegalStateException(e);
                            }
                        });

        assertThat(shell.run("run", "--", "x")).isEqualTo(143);
        assertThat(shell.err()).isEmpty();
        user.join();
        booting.complete(null);
        shell.daemon().awaitAbandoned();
    }

    @Test
    void givesTheProcessATerminalOfTheCallersSizeAndFollowsIt() throws Exception {
        shell.terminal.input = true;
        shell.terminal.size = new Terminal.Size(24, 80);
        CountDownLatch resized = new CountDownLatch(2);
        shell.daemon()
                .answer(
                        ControlMethods.RESIZE,
                        _ -> {
                            resized.countDown();
                            return io.bunkai.api.control.ResizeResponse.getDefaultInstance();
                        });
        CompletableFuture<Boolean> raw = new CompletableFuture<>();
        shell.daemon()
                .process((_, out, _) -> {
                    try {
                        resized.await();
                    } catch (InterruptedException e) {
                        return 255;
                    }
                    raw.complete(shell.terminal.isRaw);
                    write(out, "tty");
                    return 0;
                });
        Thread user =
                Thread.ofVirtual()
                        .start(() -> {
                            try {
                                // Sent only once the command listens, which it does in raw
                                // mode.
                                shell.signals.send("WINCH", 28);
                            } catch (InterruptedException e) {
                                throw new IllegalStateException(e);
                            }
                        });

        assertThat(shell.run("run", "-it", "--", "sh")).isZero();
        user.join();
        assertThat(shell.out()).isEqualTo("tty");
        assertThat(raw).isCompletedWithValue(true);
        assertThat(shell.terminal.isRaw).isFalse();
        assertThat(shell.terminal.timesRaw).hasValue(1);
        assertThat(shell.daemon().attached().getStderr()).isFalse();
        assertThat(shell.daemon().created().getTtyRows()).isEqualTo(24);
        assertThat(shell.daemon().created().getTtyColumns()).isEqualTo(80);
        assertThat(shell.daemon().requests(ResizeRequest.class))
                .contains(
                        ResizeRequest.newBuilder()
                                .setContainer(FakeDaemon.ID)
                                .setRows(24)
                                .setColumns(80)
                                .build());
    }

    @Test
    void putsTheTerminalBackWhenTheDaemonGoesAway() {
        shell.terminal.input = true;
        shell.daemon()
                .answer(
                        ControlMethods.WAIT,
                        _ -> {
                            throw Fault.internal("broken");
                        });

        assertThat(shell.run("run", "-it", "--", "sh")).isEqualTo(125);
        assertThat(shell.terminal.timesRaw).hasValue(1);
        assertThat(shell.terminal.isRaw).isFalse();
    }

    @Test
    void refusesATerminalWhenInputIsNone() {
        shell.daemon();
        assertThat(shell.run("run", "-it", "--", "sh")).isEqualTo(125);
        assertThat(shell.err())
                .isEqualTo(
                        """
                        error: standard input is not a terminal
                        hint:  leave -t out to pipe data through the process
                        """);
        assertThat(shell.daemon().requests(CreateRequest.class)).isEmpty();
    }

    @Test
    void refusesSizesAndNumbersThatMakeNoSense() {
        shell.daemon();
        assertThat(shell.run("run", "-m", "lots", "--", "x")).isEqualTo(125);
        assertThat(shell.run("run", "-m", "0", "--", "x")).isEqualTo(125);
        assertThat(shell.run("run", "--cpus", "0", "--", "x")).isEqualTo(125);
        assertThat(shell.run("run", "--cpus", "1e99", "--", "x")).isEqualTo(125);
        assertThat(shell.run("run", "--annotation", "x", "--", "x")).isEqualTo(125);
        assertThat(shell.run("run", "-e", "=x", "--", "x")).isEqualTo(125);
        assertThat(shell.run("run", "--env-file", "none", "--", "x")).isEqualTo(125);
        assertThat(shell.daemon().requests(CreateRequest.class)).isEmpty();
    }

    @Test
    void runsAFurtherCommandInAContainer() {
        shell.stdin = new ByteArrayInputStream("in".getBytes(StandardCharsets.UTF_8));
        shell.daemon()
                .process((in, out, _) -> {
                    in.transferTo(out);
                    return 5;
                });

        int code = shell.run("exec", "-i", "-u", "1", "-e", "A=b", "web", "sh", "-c", "x", "--");

        assertThat(code).isEqualTo(5);
        assertThat(shell.out()).isEqualTo("in");
        assertThat(shell.daemon().execed().getArgsList()).containsExactly("sh", "-c", "x", "--");
        assertThat(shell.daemon().execed().getUser()).isEqualTo("1");
        assertThat(shell.daemon().execed().getTied()).isTrue();
        assertThat(shell.daemon().requests(WaitRequest.class))
                .containsExactly(
                        WaitRequest.newBuilder()
                                .setContainer("web")
                                .setExecId(FakeDaemon.EXEC_ID)
                                .build());
    }

    @Test
    void leavesADetachedCommandRunning() {
        shell.daemon();
        assertThat(shell.run("exec", "-d", "web", "--", "sleep", "1")).isZero();
        assertThat(shell.daemon().execed().getArgsList()).containsExactly("sleep", "1");
        assertThat(shell.daemon().execed().getTied()).isFalse();
        assertThat(shell.daemon().requests(WaitRequest.class)).isEmpty();
    }

    @Test
    void wantsACommandForExec() {
        assertThat(shell.run("exec", "web")).isEqualTo(125);
        assertThat(shell.err()).startsWith("error: a container and a command are needed\nhint:  ");
    }
}
