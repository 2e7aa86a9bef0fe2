// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Needs root, as a file server does that acts for everybody. */
class FileServerCallsTest {
    private static final int OTHER = 4711;

    @TempDir Path folder;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory = arena.allocate(1024);
    private final StatusView status = new StatusView();
    private Fd directory;
    private Fd links;

    @BeforeEach
    void open() throws ErrnoException {
        directory = Fd.open(folder, Fd.O_PATH | Fd.O_DIRECTORY);
        links = Fd.open(Path.of("/proc/self/fd"), Fd.O_PATH | Fd.O_DIRECTORY);
    }

    @AfterEach
    void close() {
        directory.close();
        links.close();
        arena.close();
    }

    private MemorySegment name(String name) {
        return name(0, name);
    }

    private MemorySegment name(long at, String name) {
        memory.setString(at, name, StandardCharsets.UTF_8);
        return memory;
    }

    @Test
    void aFileIsMadeOpenedAndLookedUpByItsName() throws IOException {
        int made =
                NameCalls.tryOpen(
                        directory, name("file"), 0, Fd.O_CREAT | Fd.O_EXCL | Fd.O_RDWR, 0640);
        try (Fd file = Fd.adopt(made)) {
            assertThat(FileCalls.tryTruncate(file, 12345)).isZero();
            assertThat(FileCalls.trySync(file, true)).isZero();
            assertThat(NameCalls.tryStatus(directory, name("file"), 0, status)).isZero();
            FileStatus known = FileStatus.of(file);
            assertThat(status.inode()).isEqualTo(known.inode());
            assertThat(status.size()).isEqualTo(12345);
            assertThat(status.mode()).isEqualTo(0100640);
            assertThat(status.links()).isEqualTo(1);
            assertThat(status.uid()).isEqualTo(known.uid());
            assertThat(Instant.ofEpochSecond(status.modifiedSeconds(), status.modifiedNanos()))
                    .isEqualTo(known.modified());
            assertThat(Instant.ofEpochSecond(status.changedSeconds(), status.changedNanos()))
                    .isEqualTo(known.changed());
            assertThat(status.knowsBirth()).isEqualTo(known.born() != null);
            assertThat(status.device())
                    .isEqualTo((long) known.deviceMajor() << 32 | known.deviceMinor());
            long mount = status.mount();
            assertThat(FileCalls.tryStatus(directory, status)).isZero();
            assertThat(status.mount()).isEqualTo(mount).isNotZero();
            assertThat(FileCalls.trySyncFileSystem(file)).isZero();
        }
        assertThat(NameCalls.tryOpen(directory, name("none"), 0, Fd.O_RDONLY, 0))
                .isEqualTo(-Errno.ENOENT);
        assertThat(NameCalls.tryStatus(directory, name("none"), 0, status))
                .isEqualTo(-Errno.ENOENT);
    }

    @Test
    void namesAreMadeRenamedLinkedAndRemoved() throws IOException {
        assertThat(NameCalls.tryMkdir(directory, name("sub"), 0, 0755)).isZero();
        assertThat(NameCalls.tryMknod(directory, name("pipe"), 0, 0010600, 0)).isZero();
        name(0, "some where");
        assertThat(NameCalls.trySymlink(directory, name(100, "link"), 0, 100)).isZero();
        name(0, "pipe");
        assertThat(NameCalls.tryRename(directory, name(100, "tube"), 0, directory, 100, 0))
                .isZero();
        try (Fd link = Fd.adopt(NameCalls.tryOpen(directory, name("link"), 0, Fd.O_PATH, 0));
                Fd tube = Fd.adopt(NameCalls.tryOpen(directory, name("tube"), 0, Fd.O_PATH, 0))) {
            MemorySegment target = arena.allocate(4096);
            assertThat(NameCalls.tryReadlink(link, arena.allocate(1), 0, target)).isEqualTo(10);
            assertThat(target.getString(0).substring(0, 10)).isEqualTo("some where");
            tube.putDigits(memory, 0);
            assertThat(NameCalls.tryLink(links, memory, 0, directory, name(100, "again"), 100))
                    .isZero();
            tube.putDigits(memory, 0);
            assertThat(NameCalls.tryChmod(links, memory, 0, 0604)).isZero();
            MemorySegment times = arena.allocate(FileCalls.TIMES_BYTES, 8);
            FileCalls.putTimes(times, 1000, 7, 0, FileCalls.TIME_OMIT);
            assertThat(NameCalls.tryUtimens(links, memory, 0, times)).isZero();
            assertThat(FileCalls.tryChown(tube, OTHER, -1)).isZero();
            assertThat(FileCalls.tryStatus(tube, status)).isZero();
        }
        assertThat(status.mode()).isEqualTo(0010604);
        assertThat(status.links()).isEqualTo(2);
        assertThat(status.uid()).isEqualTo(OTHER);
        assertThat(status.accessedSeconds()).isEqualTo(1000);
        assertThat(status.accessedNanos()).isEqualTo(7);
        assertThat(NameCalls.tryUnlink(directory, name("tube"), 0, 0)).isZero();
        assertThat(NameCalls.tryUnlink(directory, name("sub"), 0, 0)).isEqualTo(-Errno.EISDIR);
        assertThat(NameCalls.tryUnlink(directory, name("sub"), 0, NameCalls.REMOVE_DIRECTORY))
                .isZero();
        try (var left = Files.list(folder)) {
            assertThat(left.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder("again", "link");
        }
    }

    @Test
    void aDirectoryIsReadAndReadAgainFromAnEntryOn() throws IOException {
        for (String name : List.of("a", "b", "c")) {
            Files.createFile(folder.resolve(name));
        }
        MemorySegment entries = arena.allocate(4096, 8);
        try (Fd open = Fd.open(folder, Fd.O_RDONLY | Fd.O_DIRECTORY)) {
            List<String> names = new ArrayList<>();
            List<Long> next = new ArrayList<>();
            int end = FileCalls.tryEntries(open, entries);
            for (int at = 0; at < end; ) {
                names.add(entries.getString(at + FileCalls.ENTRY_NAME));
                next.add(entries.get(ValueLayout.JAVA_LONG, at + FileCalls.ENTRY_NEXT));
                at += entries.get(ValueLayout.JAVA_SHORT, at + FileCalls.ENTRY_BYTES);
            }
            assertThat(names).containsExactlyInAnyOrder(".", "..", "a", "b", "c");
            assertThat(FileCalls.tryEntries(open, entries)).isZero();
            assertThat(FileCalls.trySeek(open, next.get(3), 0)).isEqualTo(next.get(3));
            assertThat(FileCalls.tryEntries(open, entries)).isPositive();
            assertThat(entries.getString(FileCalls.ENTRY_NAME)).isEqualTo(names.get(4));
        }
    }

    @Test
    void partsOfFilesAreAllocatedFoundAndCopied() throws IOException {
        try (Fd file = Fd.open(folder.resolve("file"), Fd.O_RDWR | Fd.O_CREAT, 0600);
                Fd other = Fd.open(folder.resolve("other"), Fd.O_RDWR | Fd.O_CREAT, 0600)) {
            assertThat(FileCalls.tryAllocate(file, 0, 0, 8192)).isZero();
            assertThat(FileCalls.tryTruncate(file, 1 << 20)).isZero();
            assertThat(FileCalls.trySeek(file, 1 << 19, 4)).isEqualTo(1 << 19);
            assertThat(FileCalls.tryCopy(file, 0, other, 100, 4096, arena.allocate(16, 8)))
                    .isEqualTo(4096);
            assertThat(FileStatus.of(other).size()).isEqualTo(4196);
            FileSystemView system = new FileSystemView();
            assertThat(FileCalls.tryFileSystem(file, system)).isZero();
            assertThat(system.nameBytes()).isEqualTo(255);
            assertThat(system.blocks()).isGreaterThan(system.blocksFree()).isPositive();
            assertThat(system.fragmentBytes()).isPositive();
        }
    }

    @Test
    void locksBelongToTheOpenFile() throws IOException {
        Path path = folder.resolve("file");
        try (Fd one = Fd.open(path, Fd.O_RDWR | Fd.O_CREAT, 0600);
                Fd other = Fd.open(path, Fd.O_RDWR)) {
            MemorySegment lock = arena.allocate(FileCalls.LOCK_BYTES, 8);
            FileCalls.putLock(lock, 1, 10, 20);
            assertThat(FileCalls.tryLock(one, lock, false)).isZero();
            FileCalls.putLock(lock, 0, 0, 0);
            assertThat(FileCalls.tryLock(other, lock, false)).isEqualTo(-Errno.EAGAIN);
            assertThat(FileCalls.tryLock(other, lock, true)).isZero();
            assertThat(FileCalls.lockType(lock)).isEqualTo(1);
            assertThat(FileCalls.lockStart(lock)).isEqualTo(10);
            assertThat(FileCalls.lockLength(lock)).isEqualTo(20);
            assertThat(FileCalls.lockPid(lock)).isEqualTo(-1);
            assertThat(FileCalls.tryFlock(one, 2)).isZero();
            assertThat(FileCalls.tryFlock(other, 1)).isEqualTo(-Errno.EAGAIN);
        }
    }

    @Test
    void aHandleFindsAFileAfterItWasRenamedAndNotAfterItIsGone() throws IOException {
        Path path = Files.createFile(folder.resolve("file"));
        HandleCalls.Buffer buffer = new HandleCalls.Buffer();
        byte[] handle;
        try (Fd file = Fd.open(path, Fd.O_PATH)) {
            handle = HandleCalls.handle(file, buffer);
        }
        Path moved = Files.move(path, folder.resolve("moved"));
        try (Fd mount = Fd.open(folder, Fd.O_RDONLY)) {
            try (Fd found = Fd.adopt(HandleCalls.tryOpen(mount, handle, Fd.O_PATH, buffer))) {
                assertThat(FileStatus.of(found).inode()).isEqualTo(FileStatus.of(moved).inode());
            }
            Files.delete(moved);
            assertThat(HandleCalls.tryOpen(mount, handle, Fd.O_PATH, buffer))
                    .isEqualTo(-Errno.ESTALE);
        }
    }

    @Test
    void aThreadActsForSomebodyElseAndIsRootAgain() throws Exception {
        Files.setPosixFilePermissions(
                folder, java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-xr-x"));
        long permitted =
                Identity.capabilities(Files.readString(Path.of("/proc/self/status")), "CapPrm");
        CompletableFuture<List<Integer>> results = new CompletableFuture<>();
        Thread.ofPlatform()
                .start(() -> {
                    Identity identity = new Identity(permitted);
                    List<Integer> answers = new ArrayList<>();
                    answers.add(Identity.tryDropGroups());
                    answers.add(identity.tryBecome(OTHER, OTHER + 1, false));
                    answers.add(NameCalls.tryMkdir(directory, name("a"), 0, 0700));
                    identity.back(OTHER, OTHER + 1);
                    answers.add(identity.tryBecome(OTHER, OTHER + 1, true));
                    answers.add(NameCalls.tryMkdir(directory, name("b"), 0, 0700));
                    answers.add(NameCalls.tryMknod(directory, name("c"), 0, 0020600, 259));
                    identity.back(OTHER, OTHER + 1);
                    answers.add(NameCalls.tryMknod(directory, name("d"), 0, 0020600, 259));
                    results.complete(answers);
                });
        assertThat(results.get()).containsExactly(0, 0, -Errno.EACCES, 0, 0, -Errno.EPERM, 0);
        assertThat(NameCalls.tryStatus(directory, name("b"), 0, status)).isZero();
        assertThat(status.uid()).isEqualTo(OTHER);
        assertThat(status.gid()).isEqualTo(OTHER + 1);
        assertThat(NameCalls.tryStatus(directory, name("d"), 0, status)).isZero();
        assertThat(status.uid()).isZero();
        assertThat(status.specialMinor()).isEqualTo(3);
        assertThat(status.specialMajor()).isEqualTo(1);
    }

    @Test
    void aThreadThatWaitsIsCounted() throws Exception {
        ThreadUsage usage = new ThreadUsage();
        long before = usage.waits();
        Thread other = Thread.ofPlatform().start(() -> LockSupport.parkNanos(20_000_000));
        other.join();
        assertThat(usage.waits()).isGreaterThan(before);
    }

    @Test
    void theNumberOfADescriptorIsWrittenInDigits() {
        for (int number : new int[] {0, 7, 10, 99, 1000, Integer.MAX_VALUE}) {
            new Fd(number).putDigits(memory, 3);
            assertThat(memory.getString(3)).isEqualTo(Integer.toString(number));
        }
    }
}
