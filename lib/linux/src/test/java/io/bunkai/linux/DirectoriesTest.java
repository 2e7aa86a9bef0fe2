// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.time.Instant;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files by the descriptor of their directory: names, links, status, attributes. */
class DirectoriesTest {
    @TempDir private Path folder;

    @Test
    void listsWhatADirectoryHoldsWithItsTypes() throws IOException {
        Files.writeString(folder.resolve("file"), "");
        Files.createDirectory(folder.resolve("folder"));
        Files.createSymbolicLink(folder.resolve("..link"), Path.of("nowhere"));
        assertThat(list())
                .isEqualTo(
                        Map.of(
                                "file", FileType.REGULAR_FILE,
                                "folder", FileType.DIRECTORY,
                                "..link", FileType.SYMBOLIC_LINK));
    }

    @Test
    void listsMoreThanOneCallAnswers() throws IOException {
        for (int i = 0; i < 3000; i++) {
            Files.createFile(folder.resolve("a-rather-long-name-of-a-file-" + i));
        }
        assertThat(list()).hasSize(3000);
    }

    @Test
    void listsNamesThatAreNoText() throws IOException, InterruptedException {
        run("touch \"$(printf 'a\\377\\nb')\"");
        assertThat(list()).containsOnlyKeys("a\u00ff\nb");
        try (Fd directory = open();
                Fd file = Fd.openAt(directory, latin("a\u00ff\nb"), Fd.O_RDONLY)) {
            assertThat(FileStatus.of(file).type()).isEqualTo(FileType.REGULAR_FILE);
        }
    }

    @Test
    void readsLinksAndDoesNotFollowThem() throws IOException {
        Files.createSymbolicLink(folder.resolve("link"), Path.of("/etc"));
        try (Fd directory = open()) {
            assertThat(Directories.readLink(directory, latin("link"))).isEqualTo(latin("/etc"));
            assertThat(FileStatus.of(directory, latin("link")).type())
                    .isEqualTo(FileType.SYMBOLIC_LINK);
            assertRefused(Errno.ELOOP, directory, "link", Fd.O_NOFOLLOW);
            assertRefused(Errno.ENOTDIR, directory, "link", Fd.O_NOFOLLOW | Fd.O_DIRECTORY);
            assertRefused(Errno.ENOENT, directory, "gone", 0);
        }
    }

    @Test
    void refusesNamesThatEndEarlyOrNever() throws IOException {
        try (Fd directory = open()) {
            assertThatThrownBy(() -> Fd.openAt(directory, latin("a\0b"), 0))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> Fd.openAt(directory, new byte[4096], 0))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void tellsTheStatusAsTheSystemDoes() throws IOException, InterruptedException {
        Path file = Files.writeString(folder.resolve("file"), "12345");
        run("touch -d '1969-12-31 23:59:53.25 UTC' file");
        run("chown 70000:4000000000 file; chmod 4751 file; ln file second; mknod null c 300 70000");
        FileStatus status = FileStatus.of(file);
        assertThat(status.type()).isEqualTo(FileType.REGULAR_FILE);
        assertThat(status.permissions()).isEqualTo(04751);
        assertThat(status.links()).isEqualTo(2);
        assertThat(status.uid()).isEqualTo(70_000);
        assertThat(Integer.toUnsignedLong(status.gid())).isEqualTo(4_000_000_000L);
        assertThat(status.size()).isEqualTo(5);
        assertThat(status.modified()).isEqualTo(Instant.ofEpochSecond(-7, 250_000_000));
        assertThat(status.inode()).isEqualTo(Files.getAttribute(file, "unix:ino"));
        assertThat(status.changed())
                .isEqualTo(((FileTime) Files.getAttribute(file, "unix:ctime")).toInstant());
        assertThat(status.born()).isBeforeOrEqualTo(status.changed());
        try (Fd directory = open();
                Fd open = Fd.openAt(directory, latin("file"), Fd.O_RDONLY)) {
            assertThat(FileStatus.of(open)).isEqualTo(status);
            assertThat(FileStatus.of(directory, latin("second"))).isEqualTo(status);
            FileStatus device = FileStatus.of(directory, latin("null"));
            assertThat(device.type()).isEqualTo(FileType.CHARACTER_DEVICE);
            assertThat(device.specialMajor()).isEqualTo(300);
            assertThat(device.specialMinor()).isEqualTo(70_000);
        }
    }

    @Test
    void findsHoles() throws Exception {
        run("truncate -s 1M file; echo data >> file; truncate -s 3M file");
        try (Fd file = Fd.open(folder.resolve("file"), Fd.O_RDONLY)) {
            assertThat(FileStatus.of(file).allocated()).isBetween(1L, 1L << 20);
            assertThat(file.seekHole(0)).isZero();
            assertThat(file.seekData(0)).isEqualTo(1 << 20);
            byte[] data = new byte[4];
            assertThat(file.read(data, 0, 4)).isEqualTo(4);
            assertThat(data).isEqualTo(latin("data"));
            long hole = file.seekHole(1 << 20);
            assertThat(hole).isBetween((1L << 20) + 5, 2L << 20);
            assertThat(file.seekData(hole)).isEqualTo(Long.MAX_VALUE);
            assertThat(file.seekHole(4 << 20)).isEqualTo(Long.MAX_VALUE);
        }
    }

    @Test
    void readsAttributesOfOpenFilesAndByName() throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "");
        UserDefinedFileAttributeView view =
                Files.getFileAttributeView(file, UserDefinedFileAttributeView.class);
        view.write("empty", ByteBuffer.allocate(0));
        view.write("binary", ByteBuffer.wrap(new byte[] {0, -1, 10}));
        Files.createSymbolicLink(folder.resolve("link"), Path.of("file"));
        run("setfattr -h -n trusted.of-the-link -v x link");
        try (Fd directory = open();
                Fd before = Fd.open(Path.of("."), Fd.O_PATH);
                Fd open = Fd.openAt(directory, latin("file"), Fd.O_RDONLY)) {
            SortedMap<String, byte[]> xattrs = Xattrs.of(open);
            assertThat(xattrs).containsOnlyKeys("user.binary", "user.empty");
            assertThat(xattrs.get("user.binary")).containsExactly(0, -1, 10);
            assertThat(xattrs.get("user.empty")).isEmpty();
            directory.enter();
            try {
                assertThat(Xattrs.inWorkingDirectory(latin("link")))
                        .containsOnlyKeys("trusted.of-the-link");
                assertThat(Xattrs.inWorkingDirectory(latin("file"))).hasSize(2);
            } finally {
                before.enter();
            }
        }
    }

    private static void assertRefused(int errno, Fd directory, String name, int flags) {
        assertThatThrownBy(() -> Fd.openAt(directory, latin(name), flags).close())
                .isInstanceOfSatisfying(
                        ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(errno));
    }

    private Fd open() throws ErrnoException {
        return Fd.open(folder, Fd.O_RDONLY | Fd.O_DIRECTORY);
    }

    private Map<String, FileType> list() throws ErrnoException {
        Map<String, FileType> entries = new TreeMap<>();
        try (Fd directory = open()) {
            Directories.list(
                    directory, (name, type) -> entries.put(new String(name, ISO_8859_1), type));
        }
        return entries;
    }

    private void run(String script) throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder("sh", "-ec", script)
                        .directory(folder.toFile())
                        .redirectErrorStream(true)
                        .start();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
    }

    private static byte[] latin(String name) {
        return name.getBytes(ISO_8859_1);
    }
}
