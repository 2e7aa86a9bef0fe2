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
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Data that fio writes in a guest, with checksums, is what it reads back: at once, after the guest
 * has forgotten what it had in memory, and on the host. Needs root.
 */
class VirtiofsDataTest {
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final Pattern LIBRARY = Pattern.compile("(?:=> |^\\s*)(/\\S+) \\(");

    /** Small, since the guest's processor is emulated. */
    private static final String JOBS =
            """
            [global]
            thread
            stonewall
            verify=crc32c
            verify_fatal=1
            verify_dump=0
            ioengine=psync
            [buffered-sequential]
            rw=write
            bs=64k
            size=2m
            [buffered-random]
            rw=randwrite
            bsrange=4k-32k
            size=1m
            [direct-sequential]
            direct=1
            rw=write
            bs=1m
            size=4m
            [direct-random]
            direct=1
            rw=randwrite
            bs=4k
            size=512k
            [direct-many-sequential]
            ioengine=libaio
            iodepth=8
            direct=1
            rw=write
            bs=128k
            size=4m
            [direct-many-random]
            ioengine=libaio
            iodepth=16
            direct=1
            rw=randwrite
            bsrange=4k-256k
            size=2m
            [buffered-many-random]
            ioengine=libaio
            iodepth=4
            rw=randwrite
            bs=16k
            size=1m
            [mapped]
            ioengine=mmap
            rw=randwrite
            bs=4k
            size=512k
            """;

    private static final List<String> NAMES =
            Pattern.compile("^\\[(.*-.*|mapped)]$", Pattern.MULTILINE)
                    .matcher(JOBS)
                    .results()
                    .map(match -> match.group(1))
                    .toList();

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

    @Test
    void whatIsReadIsWhatWasWritten() throws Exception {
        Path run = Files.createDirectories(share.resolve(".run"));
        String loader = putFio(run);
        Files.writeString(run.resolve("jobs"), JOBS);
        Path data = Files.createDirectory(share.resolve("data"));
        String fio =
                "/mnt/.run/%s --library-path /mnt/.run /mnt/.run/fio --eta=never --directory=/mnt/data"
                        .formatted(loader);
        String script =
                """
                %1$s --output=/mnt/.run/first /mnt/.run/jobs && echo written
                echo 3 >/proc/sys/vm/drop_caches
                %1$s --output=/mnt/.run/second --verify_only /mnt/.run/jobs && echo read
                """
                        .formatted(fio);
        List<String> options = List.of("--allow-direct-io");
        try (PlainGuest guest = PlainGuest.boot(work, share, script, 2, options)) {
            assertThat(guest.output())
                    .as("what fio says in the guest: " + said("first") + said("second"))
                    .containsExactly("written", "read");
        }
        for (String name : NAMES) {
            assertThat(said("first")).contains(name + ": (groupid=");
            assertThat(said("second")).contains(name + ": (groupid=");
        }
        CommandResult onTheHost = verify(data, run);
        assertThat(onTheHost.exitCode()).as(onTheHost.out() + onTheHost.err()).isZero();
        // Nobody's word is taken for it that a checksum is looked at.
        damage(data.resolve("direct-random.0.0"));
        assertThat(verify(data, run).exitCode()).isNotZero();
    }

    /** Puts fio and what it is linked with there; {@return the name of its loader} */
    private static String putFio(Path folder) throws IOException {
        Path program = Path.of("/usr/bin/fio");
        Files.copy(program, folder.resolve("fio"));
        CommandResult linked =
                CommandRun.of("ldd", program.toString()).run(Deadline.after(PATIENCE));
        assertThat(linked.exitCode()).as(linked.err()).isZero();
        String loader = "";
        for (String line : linked.out().lines().toList()) {
            Matcher library = LIBRARY.matcher(line);
            if (library.find()) {
                Path file = Path.of(library.group(1));
                Files.copy(file, folder.resolve(file.getFileName()));
                if (file.getFileName().toString().startsWith("ld-linux")) {
                    loader = file.getFileName().toString();
                }
            }
        }
        return loader;
    }

    private String said(String run) throws IOException {
        Path file = share.resolve(".run").resolve(run);
        return Files.exists(file) ? Files.readString(file) : "";
    }

    private static CommandResult verify(Path data, Path run) {
        return CommandRun.of(
                        "fio",
                        "--directory=" + data,
                        "--verify_only",
                        run.resolve("jobs").toString())
                .directory(run)
                .run(Deadline.after(PATIENCE));
    }

    private static void damage(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length / 2 + 1000] ^= 1;
        Files.write(file, bytes);
    }
}
