// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Deadline;
import io.bunkai.testkit.Await;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.BitSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The program, and a guest that walks through a tree and forgets it. Needs root. */
class MillionFilesTest {
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final int LISTING_BYTES = 32 * 1024;
    private static final int PER_FOLDER = 10_000;
    private static final String FOLDER = "folder-";
    private static final String FILE = "a file of some length ";
    private static final int DESCRIPTORS = 3000;
    private static final long MIB = 1024;

    @TempDir Path folder;
    private Path share;
    private long[] nodes = {};
    private int known;

    @BeforeEach
    void makeShare() throws IOException {
        share = Files.createTempDirectory(Path.of("/dev/shm"), "bunkai-million");
    }

    @AfterEach
    void removeShare() throws IOException {
        try (Stream<Path> folders = Files.list(share)) {
            for (Path one : folders.toList()) {
                try (Stream<Path> files = Files.list(one)) {
                    for (Path file : files.toList()) {
                        Files.delete(file);
                    }
                }
                Files.delete(one);
            }
        }
        Files.delete(share);
    }

    private void makeFiles(int files) throws IOException {
        for (int i = 0; i < files; i++) {
            Path parent = share.resolve(FOLDER + i / PER_FOLDER);
            if (i % PER_FOLDER == 0) {
                Files.createDirectory(parent);
            }
            Files.createFile(parent.resolve(FILE + i));
        }
        nodes = new long[files + files / PER_FOLDER];
    }

    @Test
    void moreFilesThanDescriptorsAreListedEachOnce() throws Exception {
        int files = 3 * PER_FOLDER;
        makeFiles(files);
        try (RealServer server = serve()) {
            int before = descriptors(server);
            assertThat(list(server)).isEqualTo(files);
            forgetAll(server);
            assertThat(descriptors(server)).isLessThanOrEqualTo(before);
        }
    }

    @Tag("long")
    @Test
    void aMillionFilesListedAndForgottenLeaveNeitherDescriptorsNorMemory() throws Exception {
        int files = 1_000_000;
        makeFiles(files);
        try (RealServer server = serve()) {
            int before = descriptors(server);
            long rest = memoryKib(server);
            assertThat(list(server)).isEqualTo(files);
            assertThat(memoryKib(server)).isGreaterThan(rest + 128 * MIB);
            forgetAll(server);
            assertThat(descriptors(server)).isLessThanOrEqualTo(before);
            // What is compiled meanwhile takes some of it, and does so once. The rest comes back
            // by itself, some seconds later.
            Await.until(
                    "memory of a million files",
                    Deadline.after(PATIENCE),
                    () -> memoryKib(server) < rest + 20 * MIB);
        }
    }

    private RealServer serve() throws Exception {
        Path launcher = LaidOutProgram.make(folder.resolve("program"));
        return new RealServer(
                launcher, folder, share, Sandbox.NAMESPACE, "--rlimit-nofile=" + DESCRIPTORS);
    }

    /** {@return how many files were told, each once and with a node} */
    private int list(RealServer server) throws IOException {
        GuestMount guest = server.guest;
        long root = guest.opendir(GuestMount.ROOT);
        Listing.list(guest, GuestMount.ROOT, root, LISTING_BYTES, (node, _) -> know(node));
        guest.releasedir(GuestMount.ROOT, root);
        BitSet seen = new BitSet();
        for (int i = 0, folders = known; i < folders; i++) {
            long directory = nodes[i];
            long handle = guest.opendir(directory);
            Listing.list(
                    guest,
                    directory,
                    handle,
                    LISTING_BYTES,
                    (node, name) -> {
                        String text =
                                new String(
                                        name.toArray(ValueLayout.JAVA_BYTE),
                                        StandardCharsets.UTF_8);
                        if (text.startsWith(FILE)) {
                            int number = Integer.parseInt(text.substring(FILE.length()));
                            if (node == 0 || seen.get(number)) {
                                throw new AssertionError(text + " has no node, or was told before");
                            }
                            seen.set(number);
                            know(node);
                        }
                    });
            guest.releasedir(directory, handle);
            assertThat(descriptors(server)).isLessThanOrEqualTo(DESCRIPTORS);
        }
        return seen.cardinality();
    }

    private void know(long node) {
        if (node != 0) {
            nodes[known] = node;
            known++;
        }
    }

    private void forgetAll(RealServer server) throws IOException {
        for (int i = known - 1; i >= 0; i--) {
            server.guest.forget(nodes[i], 1);
        }
    }

    private static int descriptors(RealServer server) throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc/" + server.process.pid() + "/fd"))) {
            return (int) all.count();
        }
    }

    /** {@return what the server has in memory that is of no file} */
    private static long memoryKib(RealServer server) {
        Path status = Path.of("/proc/" + server.process.pid() + "/status");
        try (Stream<String> lines = Files.lines(status)) {
            String line = lines.filter(one -> one.startsWith("RssAnon:")).findFirst().orElseThrow();
            return Long.parseLong(line.replaceAll("\\D", ""));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
