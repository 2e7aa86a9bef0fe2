// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Deadline;
import io.bunkai.testkit.Await;
import io.bunkai.testkit.CommandRun;
import io.bunkai.testkit.TestRoot;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The kernel of this machine, and real programs, against files in memory. */
class DeviceTest {
    private static final Set<InitFlag> WANTED =
            Set.of(
                    InitFlag.ASYNC_READ,
                    InitFlag.ATOMIC_O_TRUNC,
                    InitFlag.BIG_WRITES,
                    InitFlag.DO_READDIRPLUS,
                    InitFlag.READDIRPLUS_AUTO,
                    InitFlag.PARALLEL_DIROPS,
                    InitFlag.MAX_PAGES,
                    InitFlag.SETXATTR_EXT,
                    InitFlag.CACHE_SYMLINKS,
                    InitFlag.HANDLE_KILLPRIV_V2,
                    InitFlag.CREATE_SUPP_GROUP);

    private final MemoryFileSystem memory = new MemoryFileSystem();
    private final TestRoot root = TestRoot.create();
    private final Path mount = root.resolve("mount");
    private @Nullable DeviceTransport mounted;

    @BeforeEach
    void mount() throws Exception {
        assertThat(Path.of("/dev/fuse")).isWritable();
        Files.createDirectory(mount);
        mounted = DeviceTransport.mount(memory, WANTED, mount, 2);
    }

    @AfterEach
    void unmount() throws Exception {
        try (root) {
            if (mounted != null) {
                mounted.close();
                assertThat(mounted.server().malformed()).isZero();
                assertThat(mounted.server().failed()).isZero();
                assertThat(memory.handleCount()).isZero();
            }
        }
    }

    @Test
    void agreesWithTheKernel() throws IOException {
        assertThat(Files.isDirectory(mount)).isTrue();
        Agreement agreement = transport().server().agreement().orElseThrow();

        assertThat(agreement.minor()).isBetween(Negotiation.LEAST_MINOR, Negotiation.MINOR);
        assertThat(agreement.features()).contains(InitFlag.MAX_PAGES, InitFlag.PARALLEL_DIROPS);
        assertThat(agreement.maxPages()).isEqualTo(DeviceTransport.MAX_WRITE / 4096);
    }

    @Test
    void keepsWhatIsWritten() throws IOException {
        byte[] data = new byte[1_000_000];
        new Random(7).nextBytes(data);
        Path file = mount.resolve("data");
        Files.write(file, data);

        assertThat(Files.size(file)).isEqualTo(data.length);
        assertThat(Files.readAllBytes(file)).isEqualTo(data);
        assertThat(Files.mismatch(file, Files.write(root.path().resolve("same"), data)))
                .isEqualTo(-1);
    }

    @Test
    void readsAndWritesInTheMiddleAndBehindTheEnd() throws IOException {
        Path file = mount.resolve("sparse");
        try (FileChannel channel =
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE_NEW,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), 100_000);
            channel.write(ByteBuffer.wrap(new byte[] {9}), 100_001);
            ByteBuffer back = ByteBuffer.allocate(10);
            channel.read(back, 99_998);
            assertThat(Arrays.copyOf(back.array(), back.position())).containsExactly(0, 0, 1, 9, 3);
            channel.truncate(5);
            assertThat(channel.size()).isEqualTo(5);
            channel.force(true);
        }
        assertThat(Files.readAllBytes(file)).containsExactly(0, 0, 0, 0, 0);
    }

    @Test
    void goesOnWithAFileThatWasUnlinkedWhileOpen() throws IOException {
        Path file = mount.resolve("gone");
        Files.writeString(file, "abc");
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            Files.delete(file);
            assertThat(file).doesNotExist();
            channel.write(ByteBuffer.wrap(new byte[] {'x'}), 1);
            ByteBuffer back = ByteBuffer.allocate(3);
            channel.read(back, 0);
            assertThat(back.array()).containsExactly('a', 'x', 'c');
            channel.truncate(1);
            assertThat(channel.size()).isOne();
        }
    }

    @Test
    void listsALargeDirectoryOnceAndCompletely() throws IOException {
        Path directory = Files.createDirectory(mount.resolve("many"));
        List<String> names = IntStream.range(0, 1500).mapToObj(i -> "file-" + i).toList();
        for (String name : names) {
            Files.createFile(directory.resolve(name));
        }

        try (Stream<Path> list = Files.list(directory)) {
            assertThat(list.map(path -> path.getFileName().toString()))
                    .containsExactlyInAnyOrderElementsOf(names);
        }
        try (Stream<Path> walk = Files.walk(directory)) {
            assertThat(walk.filter(Files::isRegularFile)).hasSize(names.size());
        }
        assertThat(transport().seen())
                .contains(Opcode.OPENDIR, Opcode.READDIRPLUS, Opcode.RELEASEDIR);
    }

    @Test
    void renamesLinksAndRefusesAsPosixSays() throws IOException {
        Path a = Files.writeString(mount.resolve("a"), "a");
        Path b = Files.writeString(mount.resolve("b"), "b");
        assertThatThrownBy(() -> Files.createFile(a))
                .isInstanceOf(FileAlreadyExistsException.class);
        assertThatThrownBy(() -> Files.readString(mount.resolve("c")))
                .isInstanceOf(NoSuchFileException.class);

        Files.move(a, b, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
        assertThat(a).doesNotExist();
        assertThat(b).hasContent("a");

        Path hard = Files.createLink(mount.resolve("hard"), b);
        assertThat(Files.getAttribute(b, "unix:nlink")).isEqualTo(2);
        assertThat(Files.getAttribute(hard, "unix:ino"))
                .isEqualTo(Files.getAttribute(b, "unix:ino"));
        Files.delete(b);
        assertThat(hard).hasContent("a");

        Path soft = Files.createSymbolicLink(mount.resolve("soft"), Path.of("hard"));
        assertThat(Files.readSymbolicLink(soft)).isEqualTo(Path.of("hard"));
        assertThat(soft).hasContent("a");

        Path directory = Files.createDirectory(mount.resolve("directory"));
        Files.createFile(directory.resolve("inside"));
        assertThatThrownBy(() -> Files.delete(directory))
                .isInstanceOf(java.nio.file.DirectoryNotEmptyException.class);
    }

    @Test
    void changesAttributes() throws IOException {
        Path file = Files.createFile(mount.resolve("attributes"));
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-x--x"));
        Instant time = Instant.ofEpochSecond(1_000_000_000, 123_456_789);
        Files.setLastModifiedTime(file, FileTime.from(time));
        Files.setAttribute(file, "unix:uid", 1234);
        Files.setAttribute(file, "unix:gid", 5678);
        Files.setAttribute(file, "user:name", new byte[] {0, 1, 2});

        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rwxr-x--x");
        assertThat(Files.getLastModifiedTime(file).toInstant()).isEqualTo(time);
        assertThat(Files.getAttribute(file, "unix:uid")).isEqualTo(1234);
        assertThat(Files.getAttribute(file, "unix:gid")).isEqualTo(5678);
        assertThat(Files.getAttribute(file, "user:name")).isEqualTo(new byte[] {0, 1, 2});
    }

    @Test
    void servesTheProgramsThatPeopleUse() throws Exception {
        String script =
                """
                set -eu
                cd "$1"
                mkdir -p a/b/c
                printf 'one\\ntwo\\n' >a/file
                printf 'three\\n' >>a/file
                test "$(wc -l <a/file)" = 3
                cp a/file a/copy
                cmp a/file a/copy
                mv a/copy a/b/c/moved
                mv -n a/file a/b/c/moved
                test -e a/file
                ln a/file a/hard
                ln -s file a/soft
                test "$(stat -c %h a/file)" = 2
                test "$(stat -L -c %i a/soft)" = "$(stat -c %i a/hard)"
                truncate -s 100000 a/big
                test "$(stat -c %s a/big)" = 100000
                fallocate -l 200000 a/big
                test "$(stat -c %s a/big)" = 200000
                fallocate -p -o 0 -l 4096 a/big
                chmod 2750 a/b
                test "$(stat -c %a a/b)" = 2750
                touch -d @1000000000 a/big
                test "$(stat -c %Y a/big)" = 1000000000
                stat -c %w a/big
                mkfifo a/fifo
                test -p a/fifo
                name=$(printf 'odd\\377\\n name')
                echo x >"$name"
                test "$(cat "$name")" = x
                rm "$name"
                dd if=/dev/urandom of=a/random bs=100k count=7 2>/dev/null
                dd if=a/random of=a/random2 bs=3k 2>/dev/null
                cmp a/random a/random2
                tar -cf a.tar a
                mkdir x
                tar -xf a.tar -C x
                diff -r --no-dereference --exclude=fifo a x/a
                find . -type f | wc -l
                df . >/dev/null
                sync -f .
                : >a/random
                test ! -s a/random
                ! rmdir a 2>/dev/null
                rm -rf a x a.tar
                test -z "$(ls -A)"
                """;
        CommandRun.of("sh", "-c", script, "sh", mount.toString())
                .run(Deadline.after(Duration.ofMinutes(2)))
                .expectSuccess();

        assertThat(transport().seen())
                .contains(
                        Opcode.LOOKUP,
                        Opcode.GETATTR,
                        Opcode.SETATTR,
                        Opcode.READLINK,
                        Opcode.SYMLINK,
                        Opcode.MKNOD,
                        Opcode.MKDIR,
                        Opcode.UNLINK,
                        Opcode.RMDIR,
                        Opcode.LINK,
                        Opcode.OPEN,
                        Opcode.READ,
                        Opcode.WRITE,
                        Opcode.STATFS,
                        Opcode.RELEASE,
                        Opcode.FLUSH,
                        Opcode.CREATE,
                        Opcode.FALLOCATE);
    }

    @Test
    void countsLookupsSoThatNothingIsLeftOfWhatIsGone() throws Exception {
        int before = memory.nodeCount();
        for (int i = 0; i < 100; i++) {
            Path file = Files.writeString(mount.resolve("f" + i), "x");
            Files.readString(file);
            Files.delete(file);
        }
        // The kernel forgets when it likes; what it has forgotten is gone.
        Await.until(
                "the kernel has forgotten what was deleted",
                Deadline.after(Duration.ofSeconds(20)),
                () -> memory.nodeCount() == before);
    }

    private DeviceTransport transport() {
        return Objects.requireNonNull(mounted);
    }
}
