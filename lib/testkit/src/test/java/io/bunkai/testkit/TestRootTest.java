// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Deadline;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestRootTest {
    @Test
    void isShortAndItsOwners() throws IOException {
        try (TestRoot root = TestRoot.create()) {
            assertThat(root.path().toString().length()).isLessThan(20);
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(root.path())))
                    .isEqualTo("rwx------");
        }
    }

    @Test
    void deletesWhatIsInItAndNotWhereLinksLead(@TempDir Path elsewhere) throws IOException {
        Path kept = Files.createFile(elsewhere.resolve("kept"));
        TestRoot root = TestRoot.create();
        Files.createDirectories(root.resolve("a/b"));
        Files.createFile(root.resolve("a/b/file"));
        Files.createSymbolicLink(root.resolve("a/link"), elsewhere);
        root.close();

        assertThat(root.path()).doesNotExist();
        assertThat(kept).exists();
    }

    @Test
    void deletesWhatAnotherThreadIsStillBusyWith() throws Exception {
        for (int round = 0; round < 20; round++) {
            TestRoot root = TestRoot.create();
            Path folder = Files.createDirectories(root.resolve("a/b"));
            CountDownLatch begun = new CountDownLatch(1);
            try (ExecutorService other = Executors.newSingleThreadExecutor()) {
                Future<?> busy =
                        other.submit(() -> {
                            for (int i = 0; i < 200 && Files.exists(folder); i++) {
                                Path file = folder.resolve("file" + i);
                                Files.writeString(file, "x");
                                begun.countDown();
                                Files.deleteIfExists(file);
                            }
                            return null;
                        });
                begun.await();
                root.close();
                assertThat(root.path()).doesNotExist();
                try {
                    busy.get();
                } catch (ExecutionException e) {
                    assertThat(e).hasCauseInstanceOf(NoSuchFileException.class);
                }
            }
        }
    }

    @Test
    void deletesNothingWhileSomethingIsMountedInIt() throws IOException {
        Deadline deadline = Deadline.after(Duration.ofSeconds(60));
        TestRoot root = TestRoot.create();
        Path point = Files.createDirectory(root.resolve("point"));
        CommandRun.of("mount", "-t", "tmpfs", "none", point.toString())
                .run(deadline)
                .expectSuccess();
        Path file = Files.createFile(point.resolve("file"));

        assertThatThrownBy(root::close)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(point.toString());
        assertThat(file).exists();

        CommandRun.of("umount", point.toString()).run(deadline).expectSuccess();
        root.close();
        assertThat(root.path()).doesNotExist();
    }
}
