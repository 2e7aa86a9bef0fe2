// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Deadline;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpawnTest {
    @TempDir Path directory;

    @Test
    void givesTheChildItsArgumentsAsTheyAre() throws Exception {
        assertThat(outputOf(Spawn.of("/usr/bin/printf", "%s|", "a b", "$HOME", "'; rm", "")))
                .isEqualTo("a b|$HOME|'; rm||");
    }

    @Test
    void givesTheChildOnlyTheEnvironmentThatIsNamed() throws Exception {
        assertThat(outputOf(Spawn.of("/usr/bin/env"))).isEmpty();
        assertThat(outputOf(Spawn.of("/usr/bin/env").environment(Map.of("B", "2", "A", "1"))))
                .isEqualTo("A=1\nB=2\n");
    }

    @Test
    void startsInTheDirectoryThatIsNamed() throws Exception {
        assertThat(outputOf(Spawn.of("/bin/pwd").directory(directory)))
                .isEqualTo(directory.toRealPath() + "\n");
    }

    @Test
    void givesTheChildNoDescriptorButThoseMapped() throws Exception {
        try (Fd other = Fd.open(Path.of("/dev/zero"), Fd.O_RDONLY)) {
            // ls itself opens the folder, under the lowest number that is free: 3.
            String listed = outputOf(Spawn.of("/bin/ls", "/proc/self/fd").descriptor(7, other));
            assertThat(listed).isEqualTo("0\n1\n2\n3\n7\n");
        }
    }

    @Test
    void mapsDescriptorsWhoseNumbersAreSwapped() throws Exception {
        Path one = Files.writeString(directory.resolve("one"), "one");
        Path two = Files.writeString(directory.resolve("two"), "two");
        try (Fd first = Fd.open(one, Fd.O_RDONLY);
                Fd second = Fd.open(two, Fd.O_RDONLY)) {
            Spawn spawn =
                    Spawn.of(
                                    "/bin/cat",
                                    "/proc/self/fd/" + second.number(),
                                    "/proc/self/fd/" + first.number())
                            .descriptor(second.number(), first)
                            .descriptor(first.number(), second);
            assertThat(outputOf(spawn)).isEqualTo("onetwo");
        }
    }

    @Test
    void tellsWhyAProgramCouldNotBeStarted() {
        assertThatThrownBy(() -> Spawn.of("/no/such/program").start())
                .isInstanceOfSatisfying(
                        ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT))
                .hasMessageContaining("/no/such/program");
    }

    @Test
    void tellsExitCodeAndSignalApart() throws Exception {
        try (LinuxProcess process = Spawn.of("/bin/sh", "-c", "exit 7").start()) {
            assertThat(process.await()).isEqualTo(new ExitStatus(7, 0));
        }
        try (LinuxProcess process = Spawn.of("/bin/sleep", "1000").start()) {
            assertThat(process.await(Deadline.after(Duration.ZERO))).isEmpty();
            assertThat(process.signal(Signals.SIGTERM)).isTrue();
            assertThat(process.await()).isEqualTo(new ExitStatus(0, Signals.SIGTERM));
            assertThat(process.signal(Signals.SIGTERM)).isFalse();
            assertThat(process.await().shellCode()).isEqualTo(143);
        }
    }

    /** Each round is a race that letting go used to win now and then. */
    @Test
    void reapsAChildThatIsLetGoOfAtOnce() throws Exception {
        for (int round = 0; round < 100; round++) {
            CompletableFuture<ExitStatus> exit;
            try (LinuxProcess process = Spawn.of("/bin/true").start()) {
                exit = process.onExit();
            }
            assertThat(exit.get(30, TimeUnit.SECONDS)).isEqualTo(new ExitStatus(0, 0));
        }
    }

    @Test
    void aChildOfANewSessionLeadsIt() throws Exception {
        String stat = outputOf(Spawn.of("/bin/cat", "/proc/self/stat").newSession());
        String[] fields = stat.split(" ");
        assertThat(fields[5]).as("session").isEqualTo(fields[0]);
    }

    @Test
    void entersItsCgroupsBeforeTheProgramRuns() throws Exception {
        Path procs = Files.writeString(directory.resolve("cgroup.procs"), "");
        assertThat(outputOf(Spawn.of("/usr/bin/printf", "%s", "a b").cgroups(List.of(procs))))
                .isEqualTo("a b");
        assertThat(procs).hasContent("0\n");
    }

    @Test
    void aChildThatCannotEnterItsCgroupDoesNotRunOutsideOfIt() throws Exception {
        Path procs = directory.resolve("gone/cgroup.procs");
        try (LinuxProcess process =
                Spawn.of("/usr/bin/touch", directory.resolve("ran").toString())
                        .cgroups(List.of(procs))
                        .start()) {
            assertThat(process.await().shellCode()).isNotZero();
        }
        assertThat(directory.resolve("ran")).doesNotExist();
    }

    @Test
    void seesTheEndOfAProcessThatItOnlyAdopted() throws Exception {
        try (LinuxProcess child = Spawn.of("/bin/sleep", "1000").start();
                LinuxProcess adopted = LinuxProcess.adopt(child.identity())) {
            assertThat(child.identity().isAlive()).isTrue();
            adopted.signal(Signals.SIGKILL);
            assertThat(adopted.await()).isEqualTo(ExitStatus.UNKNOWN);
            assertThat(child.await().signal()).isEqualTo(Signals.SIGKILL);
            assertThat(child.identity().isAlive()).isFalse();
        }
    }

    @Test
    void doesNotTakeALaterProcessWithTheSameNumberForTheOneThatWasMeant() throws Exception {
        try (LinuxProcess child = Spawn.of("/bin/sleep", "1000").start()) {
            ProcessIdentity earlier =
                    new ProcessIdentity(child.pid(), child.identity().startTicks() - 1);
            assertThat(earlier.isAlive()).isFalse();
            assertThatThrownBy(() -> LinuxProcess.adopt(earlier))
                    .isInstanceOfSatisfying(
                            ErrnoException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.ESRCH));
            child.signal(Signals.SIGKILL);
            child.await();
        }
    }

    private static String outputOf(Spawn spawn) throws IOException, InterruptedException {
        Pipe pipe = Pipe.create();
        try (Fd read = pipe.read()) {
            LinuxProcess process;
            try (Fd write = pipe.write()) {
                process = spawn.stdout(write).start();
            }
            try (process) {
                byte[] output = read.input().readAllBytes();
                assertThat(process.await().shellCode()).isZero();
                return new String(output, StandardCharsets.UTF_8);
            }
        }
    }
}
