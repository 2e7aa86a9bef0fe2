// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.api.ControlMethods;
import io.bunkai.api.control.SignalResponse;
import io.bunkai.api.control.WaitResponse;
import io.bunkai.linux.Processes;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The program as a process of its own: real descriptors, real signals. */
class ProgramTest {
    private final Shell shell = new Shell();

    @AfterEach
    void close() {
        shell.close();
    }

    private ProcessBuilder program(String... arguments) {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                // Whoever runs the tests may ignore signals: nohup does.
                                "/usr/bin/env",
                                "--default-signal",
                                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                                "-XX:TieredStopAtLevel=1",
                                "-XX:+UseSerialGC",
                                "--enable-native-access=ALL-UNNAMED",
                                "--sun-misc-unsafe-memory-access=allow",
                                "-cp",
                                System.getProperty("java.class.path"),
                                "io.bunkai.cli.Main"));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("BUNKAI_ROOT", shell.root.toString());
        builder.environment().put("_JAVA_SR_SIGNUM", "60");
        return builder;
    }

    private static String text(InputStream stream) throws IOException {
        return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }

    @Test
    void handsEverySignalToTheProcessInTheContainer() throws Exception {
        CountDownLatch waiting = new CountDownLatch(1);
        BlockingQueue<Integer> received = new LinkedBlockingQueue<>();
        CompletableFuture<Integer> exit = new CompletableFuture<>();
        shell.daemon()
                .answer(
                        ControlMethods.WAIT,
                        _ -> {
                            waiting.countDown();
                            return WaitResponse.newBuilder().setExitCode(exit.join()).build();
                        });
        shell.daemon()
                .answer(
                        ControlMethods.SIGNAL,
                        request -> {
                            received.add(request.getSignal());
                            return SignalResponse.getDefaultInstance();
                        });
        Process program = program("run", "--", "x").start();
        waiting.await();

        for (int signal : new int[] {1, 2, 10, 12, 15}) {
            Processes.signal((int) program.pid(), signal);
            assertThat(received.take()).isEqualTo(signal);
        }
        exit.complete(42);

        assertThat(text(program.getErrorStream())).isEmpty();
        assertThat(program.waitFor()).isEqualTo(42);
    }

    @Test
    void copiesItsOwnInputAndOutput() throws Exception {
        shell.daemon()
                .process((in, out, err) -> {
                    in.transferTo(out);
                    err.write('!');
                    return 3;
                });
        Process program = program("run", "-i", "--", "cat").start();
        byte[] data = new byte[3_000_000];
        Thread writer =
                Thread.ofVirtual()
                        .start(() -> {
                            try (var stdin = program.getOutputStream()) {
                                stdin.write(data);
                            } catch (IOException e) {
                                throw new IllegalStateException(e);
                            }
                        });

        assertThat(program.getInputStream().readAllBytes()).isEqualTo(data);
        assertThat(text(program.getErrorStream())).isEqualTo("!");
        assertThat(program.waitFor()).isEqualTo(3);
        writer.join();
    }

    @Test
    void diesOfNothingButSilenceWhenItsReaderLeaves() throws Exception {
        CompletableFuture<Void> forever = new CompletableFuture<>();
        shell.daemon()
                .process((_, out, _) -> {
                    while (!forever.isDone()) {
                        out.write('y');
                    }
                    return 0;
                });
        Process program = program("run", "--", "yes").start();
        assertThat(program.getInputStream().read()).isEqualTo('y');
        program.getInputStream().close();

        assertThat(text(program.getErrorStream())).isEmpty();
        assertThat(program.waitFor()).isEqualTo(128 + 13);
        shell.daemon().awaitAbandoned();
        forever.complete(null);
    }

    @Test
    void becomesTheProgramThatBuildsAPartOfTheGuest() throws Exception {
        Path builder = shell.root.resolve("made/libexec/bunkai-kernel");
        Files.createDirectories(Objects.requireNonNull(builder.getParent()));
        Files.writeString(builder, "#!/bin/sh\necho $$ \"$@\"\nexit 3\n");
        assertThat(builder.toFile().setExecutable(true)).isTrue();
        ProcessBuilder command = program("guest", "kernel", "build", "-v", "6.1", "--", "--help");
        command.environment().put("BUNKAI_HOME", shell.root.resolve("made/bin").toString());

        Process program = command.start();

        assertThat(text(program.getErrorStream())).isEmpty();
        assertThat(text(program.getInputStream()))
                .isEqualTo(program.pid() + " build -v 6.1 -- --help\n");
        assertThat(program.waitFor()).isEqualTo(3);
    }

    @Test
    void saysWhichProgramIsMissing() throws Exception {
        ProcessBuilder command = program("guest", "kernel", "list");
        command.environment().put("BUNKAI_HOME", shell.root.resolve("nowhere/bin").toString());
        Process program = command.start();
        assertThat(text(program.getErrorStream()))
                .startsWith("error: the program bunkai-kernel is not installed\n")
                .contains("\nhint:  it belongs into the folder libexec");
        assertThat(program.waitFor()).isEqualTo(1);
    }

    @Test
    void rehearsesWithoutADaemon() throws Exception {
        Process program = program("--train").start();
        assertThat(text(program.getErrorStream())).isEmpty();
        assertThat(text(program.getInputStream())).isEmpty();
        assertThat(program.waitFor()).isZero();
    }
}
