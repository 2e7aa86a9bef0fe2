// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.linux.LinuxProcess;
import io.bunkai.linux.LockFile;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Signals;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DaemonLauncherTest {
    private final Shell shell = new Shell();

    @AfterEach
    void close() {
        shell.close();
    }

    private void program(String body) throws IOException {
        Path bin = Files.createDirectory(shell.root.resolve("bin"));
        Path program = Files.writeString(bin.resolve("bunkaid"), "#!/bin/sh\n" + body);
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        shell.programs = bin;
    }

    @Test
    void reportsADaemonThatEndsAtOnceWithWhatItSaid() throws Exception {
        Files.createDirectories(shell.root.resolve("log"));
        Files.writeString(shell.root.resolve("log/bunkaid.log"), "of yesterday\n");
        program("echo starting; echo 'error: no kernel' >&2; exit 3\n");

        assertThat(shell.run("daemon", "start")).isEqualTo(1);
        assertThat(shell.err())
                .isEqualTo(
                        "error: the daemon ended while it was starting: it exited with status 3\n"
                                + "cause: starting; error: no kernel\n"
                                + "hint:  the whole log is in "
                                + shell.root.resolve("log/bunkaid.log")
                                + "\n");
    }

    @Test
    void saysThatThereIsNoDaemonToStart() {
        assertThat(shell.run("ps")).isEqualTo(1);
        assertThat(shell.err()).contains("its folder is not known").contains("BUNKAI_HOME");
        shell.programs = shell.root;
        assertThat(shell.run("run", "--", "x")).isEqualTo(125);
        assertThat(shell.err()).contains("no program at " + shell.root.resolve("bunkaid"));
    }

    @Test
    void startsOneDaemonForManyCommandsInASessionOfItsOwn() throws Exception {
        Path fifo = shell.root.resolve("fifo");
        assertThat(new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor()).isZero();
        // Tells its pid, session, arguments and environment, then plays the part of a daemon that
        // takes its time.
        program(
                """
                echo $$ >>'%s'
                read -r _ _ _ _ _ session _ </proc/$$/stat
                echo "$$ $session $* [$SECRET$BUNKAI_X]" >'%s'
                exec sleep 1000
                """
                        .formatted(shell.root.resolve("started"), fifo));
        shell.environment.put("PATH", System.getenv("PATH"));
        shell.environment.put("SECRET", "no");
        shell.environment.put("BUNKAI_X", "yes");

        List<Thread> commands =
                IntStream.range(0, 4)
                        .mapToObj(_ -> Thread.ofPlatform().start(() -> shell.run("version")))
                        .toList();
        for (Thread command : commands) {
            command.join(); // version starts nothing
        }
        assertThat(shell.out()).contains("not running");

        List<Thread> starters =
                IntStream.range(0, 4)
                        .mapToObj(
                                _ -> Thread.ofPlatform().start(() -> shell.run("daemon", "start")))
                        .toList();
        String[] told;
        try (BufferedReader reader = Files.newBufferedReader(fifo)) {
            told = reader.readLine().split(" ", 3);
        }
        int pid = Integer.parseInt(told[0]);
        try (LinuxProcess process = LinuxProcess.adopt(ProcessIdentity.of(pid).orElseThrow())) {
            shell.daemon();
            for (Thread starter : starters) {
                starter.join();
            }
            assertThat(shell.err()).isEmpty();
            assertThat(told[1]).isEqualTo(told[0]);
            assertThat(told[2]).isEqualTo("--state-root " + shell.root + " [yes]");
            process.signal(Signals.SIGKILL);
            process.await();
        }
        assertThat(shell.root.resolve("started")).hasContent(told[0] + "\n");
        assertThat(shell.out().lines().filter(line -> line.startsWith("running"))).hasSize(4);
    }

    @Test
    void waitsForADaemonThatHoldsItsLockAndDoesNotAnswerYet() throws Exception {
        Files.createDirectories(shell.root.resolve("run"));
        program("echo second >'" + shell.root.resolve("started") + "'\n");
        try (LockFile _ =
                LockFile.tryAcquire(shell.root.resolve("run/bunkaid.lock")).orElseThrow()) {
            Thread command = Thread.ofPlatform().start(() -> shell.run("daemon", "start"));
            shell.daemon();
            assertThat(command.join(java.time.Duration.ofMinutes(1))).isTrue();
        }
        assertThat(shell.err()).isEmpty();
        assertThat(shell.root.resolve("started")).doesNotExist();
    }

    @Test
    void waitsForTheServiceManagerWhereItStartsTheDaemon() throws Exception {
        Files.createDirectories(shell.root.resolve("run"));
        Files.writeString(shell.root.resolve("run/managed"), "started by the service manager\n");
        program("echo second >'" + shell.root.resolve("started") + "'\n");
        Thread command = Thread.ofPlatform().start(() -> shell.run("daemon", "start"));
        while (!LockFile.isHeld(shell.root.resolve("run/start.lock"))) {
            Thread.onSpinWait();
        }
        shell.daemon();
        assertThat(command.join(java.time.Duration.ofMinutes(1))).isTrue();
        assertThat(shell.err()).isEmpty();
        assertThat(shell.root.resolve("started")).doesNotExist();
    }

    @Test
    void aTakeoverIsOverWhenTheNewerDaemonAnswersAndNotTheFormer() throws Exception {
        shell.daemon(); // answers, with a number that is not the newer one's
        program("echo 'error: refused' >&2; sleep 1; exit 2\n");
        shell.environment.put("PATH", System.getenv("PATH"));
        assertThat(shell.run("daemon", "takeover")).isEqualTo(1);
        assertThat(shell.err()).contains("it exited with status 2").contains("error: refused");
    }

    @Test
    void startsANewDaemonAfterOneThatEndsWhileItsAnswerIsWaitedFor() throws Exception {
        Files.createDirectories(shell.root.resolve("run"));
        program("exit 0\n");
        Thread command;
        try (LockFile _ =
                LockFile.tryAcquire(shell.root.resolve("run/bunkaid.lock")).orElseThrow()) {
            command = Thread.ofPlatform().start(() -> shell.run("daemon", "start"));
            while (!LockFile.isHeld(shell.root.resolve("run/start.lock"))) {
                Thread.onSpinWait();
            }
        }
        assertThat(command.join(java.time.Duration.ofSeconds(30))).isTrue();
        assertThat(shell.err()).contains("exited with status 0");
    }

    @Test
    void startsANewDaemonOverTheSocketOfOneThatWasKilled() throws Exception {
        shell.daemon().close(); // the socket's file stays
        assertThat(shell.root.resolve("run/control.sock")).exists();
        program("exit 0\n");
        assertThat(shell.run("daemon", "start")).isEqualTo(1);
        assertThat(shell.err()).contains("exited with status 0");
    }
}
