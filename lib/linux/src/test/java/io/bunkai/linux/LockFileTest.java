// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Deadline;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LockFileTest {
    @TempDir Path directory;

    private static Deadline soon() {
        return Deadline.after(Duration.ofSeconds(60));
    }

    private static Deadline now() {
        return Deadline.after(Duration.ZERO);
    }

    /** Another process that has the lock for as long as its standard input is open. */
    private static Process holder(Path file, String kind) throws Exception {
        Process process =
                new ProcessBuilder(
                                "flock",
                                kind,
                                file.toString(),
                                "sh",
                                "-c",
                                "echo held; exec cat >/dev/null")
                        .start();
        var out = new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8);
        assertThat(new BufferedReader(out).readLine()).isEqualTo("held");
        return process;
    }

    /** {@return the exit status of flock(1) trying to take the lock} */
    private static int flock(Path file) throws Exception {
        return new ProcessBuilder("flock", "-n", file.toString(), "true")
                .redirectErrorStream(true)
                .start()
                .waitFor();
    }

    @Test
    void isSeenByAnotherProcessForAsLongAsItIsHeld() throws Exception {
        Path file = directory.resolve("lock");
        try (LockFile _ = LockFile.tryAcquire(file).orElseThrow()) {
            assertThat(flock(file)).isEqualTo(1);
            assertThat(LockFile.isHeld(file)).isTrue();
            assertThat(LockFile.tryAcquire(file)).isEmpty();
        }
        assertThat(flock(file)).isZero();
        assertThat(LockFile.isHeld(file)).isFalse();
    }

    @Test
    void seesAnotherProcessAndItsDeath() throws Exception {
        Path file = directory.resolve("lock");
        Process holder = holder(file, "-x");
        assertThat(LockFile.isHeld(file)).isTrue();
        assertThat(LockFile.acquire(file, now())).isEmpty();
        holder.descendants().forEach(ProcessHandle::destroyForcibly);
        holder.destroyForcibly().waitFor();
        try (LockFile _ = LockFile.acquire(file, soon()).orElseThrow()) {
            assertThat(LockFile.isHeld(file)).isTrue();
        }
    }

    @Test
    void waitsForSomebodyWhoOnlyLooks() throws Exception {
        Path file = directory.resolve("lock");
        Process looking = holder(file, "-s");
        assertThat(LockFile.isHeld(file)).as("looked at by two").isFalse();
        assertThat(LockFile.tryAcquire(file)).isEmpty();
        Thread leaving =
                Thread.ofPlatform()
                        .start(() -> {
                            try {
                                looking.getOutputStream().close();
                            } catch (java.io.IOException e) {
                                throw new AssertionError(e);
                            }
                        });
        Optional<LockFile> lock = LockFile.acquire(file, soon());
        assertThat(lock).isPresent();
        lock.orElseThrow().close();
        leaving.join();
    }

    @Test
    void isNotInheritedByAChild() throws Exception {
        Path file = directory.resolve("lock");
        LockFile lock = LockFile.tryAcquire(file).orElseThrow();
        try (Pipe pipe = Pipe.create();
                LinuxProcess child = Spawn.of("/bin/cat").stdin(pipe.read()).start()) {
            lock.close();
            assertThat(flock(file)).isZero();
            pipe.write().close();
            child.await();
        }
    }

    @Test
    void aFileThatIsNotThereIsNotHeldAndNotMadeByLooking() throws Exception {
        Path file = directory.resolve("none");
        assertThat(LockFile.isHeld(file)).isFalse();
        assertThat(file).doesNotExist();
        assertThatThrownBy(() -> LockFile.tryAcquire(directory.resolve("no/lock")))
                .hasMessageContaining("ENOENT");
    }

    @Test
    void leavesWhatIsWrittenInTheFile() throws Exception {
        Path file = Files.writeString(directory.resolve("lock"), "42");
        LockFile.tryAcquire(file).orElseThrow().close();
        assertThat(file).hasContent("42");
    }
}
