// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Deadline;
import io.bunkai.testkit.CommandResult;
import io.bunkai.testkit.CommandRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The file server under plain QEMU, as programs in a guest see it. Needs root. */
class VirtiofsTest {
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private static final String QEMU = "qemu-system-x86_64";

    private Path work;
    private Path share;

    @BeforeEach
    void makeFolders() throws IOException {
        work = Files.createTempDirectory("bunkai-virtiofs");
        share = Files.createDirectory(work.resolve("share"));
    }

    @AfterEach
    void removeFolders() throws IOException {
        try (Stream<Path> all = Files.walk(work)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    private Path exercise() {
        Path program = work.resolve("posix-exercise");
        CommandResult compiled =
                CommandRun.of(
                                "gcc",
                                "-O1",
                                "-static",
                                "-w",
                                "-o",
                                program.toString(),
                                SourceTree.root()
                                        .resolve("test/virtiofs/posix-exercise.c")
                                        .toString())
                        .run(Deadline.after(PATIENCE));
        assertThat(compiled.exitCode()).as(compiled.err()).isZero();
        return program;
    }

    /** What the host's own file system, the one that is shared, makes of the exercise. */
    private List<String> onTheHost(Path program) throws IOException {
        Path here = Files.createDirectory(work.resolve("here"));
        CommandResult result =
                CommandRun.of(program.toString(), "--xattr")
                        .directory(here)
                        .run(Deadline.after(PATIENCE));
        assertThat(result.exitCode()).isZero();
        return result.out().lines().toList();
    }

    private List<String> inAGuest(Path program, int queues, String options)
            throws IOException, InterruptedException {
        return inAGuest(QEMU, program, queues, options);
    }

    private List<String> inAGuest(String qemu, Path program, int queues, String options)
            throws IOException, InterruptedException {
        Files.createDirectories(share.resolve(".run"));
        Files.copy(program, share.resolve(".run/posix-exercise"));
        Files.createDirectory(share.resolve("work"));
        String script =
                "cp /mnt/.run/posix-exercise / && cd /mnt/work && /posix-exercise --xattr && cd /";
        List<String> words = new ArrayList<>(List.of("--xattr", "--modcaps=+sys_admin:+mknod"));
        words.addAll(Stream.of(options.split(" ")).filter(word -> !word.isEmpty()).toList());
        try (PlainGuest guest = PlainGuest.boot(qemu, work, share, script, queues, words)) {
            return guest.output();
        }
    }

    @Test
    void everyResultInTheGuestIsTheOneOfTheHostsFileSystem() throws Exception {
        Path program = exercise();
        assertThat(inAGuest(program, 2, "")).isEqualTo(onTheHost(program));
    }

    @Tag("long")
    @ParameterizedTest
    @ValueSource(
            strings = {
                "--cache=always --writeback --killpriv-v2 --allow-direct-io",
                "--sandbox=chroot --thread-pool-size=1 --no-readdirplus --no-announce-submounts",
                "--sandbox=none --seccomp=none --inode-file-handles=never --rlimit-nofile=800",
                "--inode-file-handles=mandatory --rlimit-nofile=800 --posix-acl"
            })
    void everyResultIsThatWithOtherOptionsToo(String options) throws Exception {
        Path program = exercise();
        assertThat(inAGuest(program, 1, options)).isEqualTo(onTheHost(program));
    }

    /** Debian 13's, which is fetched and unpacked beside the system's 7.2. */
    @Tag("long")
    @Test
    void everyResultIsThatUnderQemu10Too() throws Exception {
        Path folder = work.resolve("qemu");
        CommandResult fetched =
                CommandRun.of(
                                SourceTree.root().resolve("test/virtiofs/fetch-qemu").toString(),
                                "trixie",
                                folder.toString())
                        .run(Deadline.after(PATIENCE));
        assertThat(fetched.out()).as(fetched.err()).contains("QEMU emulator version 10.");
        Path program = exercise();
        assertThat(inAGuest(folder.resolve(QEMU).toString(), program, 2, ""))
                .isEqualTo(onTheHost(program));
    }

    @Test
    void whatTheHostChangesIsSeenAndWhatTheGuestWritesIsThere() throws Exception {
        Files.writeString(share.resolve("changed"), "before\n");
        String script =
                """
                cat /mnt/changed
                until [ -e /mnt/go ]; do usleep 100000; done
                usleep 1500000
                cat /mnt/changed /mnt/made-later
                [ -e /mnt/removed ] || echo removed
                mkdir /mnt/many
                for i in 0 1 2 3 4 5 6 7 8 9; do
                    for k in 0 1 2 3 4 5 6 7 8 9; do
                        dd if=/dev/urandom of=/mnt/many/$i$k bs=1237 count=$((1 + $i * $k)) 2>/dev/null
                    done
                done
                cd /mnt/many && sha256sum * >/mnt/sums && cd /
                """;
        Files.writeString(share.resolve("removed"), "");
        try (PlainGuest guest = PlainGuest.boot(work, share, script, 1, List.of())) {
            guest.awaitConsole("before");
            Files.writeString(share.resolve("changed"), "after\n");
            Files.writeString(share.resolve("made-later"), "later\n");
            Files.delete(share.resolve("removed"));
            Files.createFile(share.resolve("go"));
            assertThat(guest.output()).containsExactly("before", "after", "later", "removed");
        }
        List<String> sums = Files.readAllLines(share.resolve("sums"));
        assertThat(sums).hasSize(100);
        for (String line : sums) {
            byte[] bytes = Files.readAllBytes(share.resolve("many").resolve(line.substring(66)));
            byte[] sum = MessageDigest.getInstance("SHA-256").digest(bytes);
            assertThat(line).startsWith(HexFormat.of().formatHex(sum));
        }
    }
}
