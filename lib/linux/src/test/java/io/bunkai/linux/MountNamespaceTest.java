// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MountNamespaceTest {
    private static final Path MOUNTS = Path.of("/proc/self/mountinfo");

    @TempDir Path folder;

    @Test
    void whatIsMountedInItIsSeenByItsProcessesAlone() throws Exception {
        int status =
                MountNamespace.call(() -> {
                    Mounts.mount("inner", folder, "tmpfs", 0, "size=64k");
                    writeInside();
                    return run("/usr/bin/test", "-e", folder + "/inside");
                });

        assertThat(status).isZero();
        assertThat(folder).isEmptyDirectory();
        assertThat(Files.readString(MOUNTS)).doesNotContain(folder.toString());
    }

    @Test
    void aProcessesNamespaceCanBeEntered() throws Exception {
        try (LinuxProcess sleeper =
                MountNamespace.call(() -> Spawn.of("/usr/bin/sleep", "1000").start())) {
            MountNamespace.callIn(
                    sleeper,
                    () -> {
                        Mounts.mount("inner", folder, "tmpfs", 0, "size=64k");
                        writeInside();
                        return folder;
                    });
            Path seen =
                    Path.of("/proc", Integer.toString(sleeper.pid()), "root", folder + "/inside");

            assertThat(seen).exists();
            assertThat(folder).isEmptyDirectory();
            sleeper.signal(Signals.SIGKILL);
            sleeper.await();
        }
    }

    private void writeInside() {
        try {
            Files.createFile(folder.resolve("inside"));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static int run(String... command) throws ErrnoException {
        try (LinuxProcess process = Spawn.of(List.of(command)).start()) {
            return process.await().code();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aTreeOfMountsIsMadeReadOnlyAsAWhole() throws Exception {
        Path beneath = folder.resolve("beneath");

        List<Integer> writes =
                MountNamespace.call(() -> {
                    Mounts.mount("outer", folder, "tmpfs", 0, "size=64k");
                    makeDirectory(beneath);
                    Mounts.mount("inner", beneath, "tmpfs", 0, "size=64k");
                    int before = run("/usr/bin/touch", beneath + "/a");
                    Mounts.makeReadOnly(folder, Mounts.MS_PRIVATE);
                    return List.of(
                            before,
                            run("/usr/bin/touch", folder + "/b"),
                            run("/usr/bin/touch", beneath + "/b"));
                });

        assertThat(writes).containsExactly(0, 1, 1);
    }

    private static void makeDirectory(Path path) {
        try {
            Files.createDirectory(path);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void whatTheWorkThrowsIsThrown() {
        assertThatThrownBy(() ->
                        MountNamespace.call(() -> {
                            Mounts.makeReadOnly(folder, 0);
                            return folder;
                        }))
                .isInstanceOfSatisfying(
                        ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
    }

    /** It may have started a process, of which somebody has to know. */
    @Test
    void workIsWaitedForByAnInterruptedThreadAsWell() throws Exception {
        Thread.currentThread().interrupt();

        Path done = MountNamespace.call(() -> folder);

        assertThat(Thread.interrupted()).isTrue();
        assertThat(done).isEqualTo(folder);
    }

    @Test
    void theCallersNamespaceStaysAsItIs() throws Exception {
        Path own = Files.readSymbolicLink(Path.of("/proc/thread-self/ns/mnt"));

        MountNamespace.call(() -> folder);

        assertThat(Files.readSymbolicLink(Path.of("/proc/thread-self/ns/mnt"))).isEqualTo(own);
    }
}
