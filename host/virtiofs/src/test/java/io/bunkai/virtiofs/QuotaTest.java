// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.fuse.Flags;
import io.bunkai.fuse.Opcode;
import io.bunkai.fuse.Structs;
import io.bunkai.linux.Directories;
import io.bunkai.linux.Errno;
import io.bunkai.linux.Fd;
import io.bunkai.linux.FileStatus;
import io.bunkai.linux.FileType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A share that may not take all that there is. Needs root. */
@Timeout(120)
class QuotaTest {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final int UNIT = 4096;
    private static final int MIB = 1 << 20;
    private static final int KEEP_SIZE = 1;
    private static final int PUNCH_HOLE = 2;

    @TempDir static Path mounts;

    private @Nullable Path made;
    private @Nullable ServedDirectory now;

    @BeforeAll
    static void mount() throws Exception {
        CountedPlace.mount(mounts);
    }

    @AfterAll
    static void unmount() throws IOException {
        CountedPlace.unmount();
    }

    private Path folder() {
        return Objects.requireNonNull(made);
    }

    private GuestMount guest() {
        return Objects.requireNonNull(now).guest;
    }

    private Quota quota() {
        return Objects.requireNonNull(Objects.requireNonNull(now).files.quota());
    }

    private void serve(CountedPlace where, String limit) throws IOException {
        made = Files.createTempDirectory(where.path(), "quota");
        start(limit);
    }

    private void start(String limit) throws IOException {
        now = new ServedDirectory(folder(), "--xattr", "--fs-quota=" + limit);
        guest().init();
    }

    @AfterEach
    void end() throws IOException {
        if (now != null) {
            now.close();
        }
        if (made != null) {
            try (Stream<Path> all = Files.walk(made)) {
                for (Path one : all.sorted((a, b) -> b.compareTo(a)).toList()) {
                    Files.delete(one);
                }
            }
        }
    }

    /** {@return what files take, by their numbers, as a walk finds them} */
    private Map<Long, Long> walk() throws IOException {
        Map<Long, Long> found = new HashMap<>();
        try (Fd root = Fd.open(folder(), Fd.O_RDONLY | Fd.O_DIRECTORY)) {
            FileStatus status = FileStatus.of(root);
            found.put(status.inode(), status.allocated());
            walk(root, found);
        }
        return found;
    }

    private static void walk(Fd directory, Map<Long, Long> found) throws IOException {
        List<byte[]> names = new ArrayList<>();
        Directories.list(directory, (name, _) -> names.add(name));
        for (byte[] name : names) {
            FileStatus status = FileStatus.of(directory, name);
            found.put(status.inode(), status.allocated());
            if (status.type() == FileType.DIRECTORY) {
                try (Fd below = Fd.openAt(directory, name, Fd.O_RDONLY | Fd.O_DIRECTORY)) {
                    walk(below, found);
                }
            }
        }
    }

    private static long sum(Map<Long, Long> found) {
        return found.values().stream().mapToLong(Long::longValue).sum();
    }

    private void assertCountIsTheWalks() throws IOException {
        Map<Long, Long> found = walk();
        assertThat(quota().usedBytes()).isEqualTo(sum(found));
        assertThat(quota().usedInodes()).isEqualTo(found.size());
    }

    private long statfs(String field) throws IOException {
        MemorySegment reply =
                guest().call(Opcode.STATFS, GuestMount.ROOT, 0, 0, Structs.STATFS_OUT.bytes(), 0);
        return reply.get(LONG, Structs.KSTATFS.offset(field));
    }

    private GuestMount.Created create(String name) throws IOException {
        return guest().create(GuestMount.ROOT, name, Fd.O_RDWR, 0100600);
    }

    private int write(GuestMount.Created file, long offset, int length) throws IOException {
        return guest().write(file.entry().node(), file.handle(), offset, new byte[length]);
    }

    private void truncate(long node, long size) throws IOException {
        byte[] arguments = new byte[Structs.SETATTR_IN.bytes()];
        ByteBuffer.wrap(arguments)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(0, Flags.FATTR_SIZE)
                .putLong(Structs.SETATTR_IN.offset("size"), size);
        int reply = Structs.ATTR_OUT.bytes();
        guest().call(Opcode.SETATTR, node, guest().put((Object) arguments), 0, reply, 0);
    }

    private void allocate(GuestMount.Created file, long offset, long length, int mode)
            throws IOException {
        int arguments = guest().put(file.handle(), offset, length, mode, 0);
        guest().call(Opcode.FALLOCATE, file.entry().node(), arguments, 0, 0, 0);
    }

    private void close(GuestMount.Created file) throws IOException {
        guest().release(file.entry().node(), file.handle());
    }

    private static int errno(ThrowingCall call) throws IOException {
        try {
            call.run();
            return 0;
        } catch (GuestMount.Refused refused) {
            return refused.errno();
        }
    }

    @FunctionalInterface
    private interface ThrowingCall {
        void run() throws IOException;
    }

    // --- one after the other ---

    @ParameterizedTest
    @EnumSource
    void aFileIsFilledToTheLastUnitAndThenNoMore(CountedPlace where) throws Exception {
        serve(where, "2Mi");
        GuestMount.Created file = create("file");
        assertThat(statfs("blocks") * UNIT).isEqualTo(2 * MIB);
        long done = 0;
        int last;
        while ((last = write(file, done, 300_000)) == 300_000) {
            done += last;
        }
        done += last;
        assertThat(quota().usedBytes()).isEqualTo(2 * MIB);
        assertThat(statfs("bfree")).isZero();
        assertThat(statfs("bavail")).isZero();
        long end = done;
        assertThatThrownBy(() -> write(file, end, 1)).hasMessageContaining("ENOSPC");
        assertThat(write(file, 1000, 100_000))
                .as("what is there can be changed")
                .isEqualTo(100_000);
        assertThat(errno(() -> create("another"))).isIn(0, Errno.ENOSPC);
        assertThat(quota().usedBytes()).isEqualTo(2 * MIB);
        assertCountIsTheWalks();
        truncate(file.entry().node(), MIB);
        assertThat(statfs("bfree")).isPositive();
        assertThat(write(file, MIB, 5000)).isEqualTo(5000);
        close(file);
        assertCountIsTheWalks();
    }

    @ParameterizedTest
    @EnumSource
    void holesTakeNothing(CountedPlace where) throws Exception {
        serve(where, "1Mi");
        GuestMount.Created file = create("file");
        truncate(file.entry().node(), 1L << 40);
        assertThat(write(file, 1L << 39, 10)).isEqualTo(10);
        assertCountIsTheWalks();
        assertThat(quota().usedBytes()).isLessThan(100_000);
        assertThat(write(file, 0, MIB)).as("as much as there is room for").isLessThan(MIB);
        assertThat(quota().usedBytes()).isEqualTo(MIB);
        allocate(file, 0, 100 * UNIT, PUNCH_HOLE | KEEP_SIZE);
        assertThat(quota().usedBytes()).isEqualTo(MIB - 100 * UNIT);
        assertThatThrownBy(() -> allocate(file, MIB, 101 * UNIT, KEEP_SIZE))
                .hasMessageContaining("ENOSPC");
        assertThat(quota().usedBytes()).isEqualTo(MIB - 100 * UNIT);
        allocate(file, MIB, 90 * UNIT, KEEP_SIZE);
        close(file);
        assertCountIsTheWalks();
    }

    @ParameterizedTest
    @EnumSource
    void aFileCountsOnceAndUntilNobodyHasIt(CountedPlace where) throws Exception {
        serve(where, "2Mi");
        GuestMount.Created file = create("file");
        write(file, 0, MIB);
        long node = file.entry().node();
        int reply = Structs.ENTRY_OUT.bytes();
        guest().call(Opcode.LINK, GuestMount.ROOT, guest().put(node, "second"), 0, reply, 0);
        assertCountIsTheWalks();
        guest().unlink(GuestMount.ROOT, "file");
        assertCountIsTheWalks();
        guest().unlink(GuestMount.ROOT, "second");
        assertThat(quota().usedBytes()).as("still open").isGreaterThanOrEqualTo(MIB);
        close(file);
        assertThat(quota().usedBytes()).as("still known").isGreaterThanOrEqualTo(MIB);
        guest().forget(node, 2);
        guest().getattr(GuestMount.ROOT); // the queue for what does not wait has no answers
        assertCountIsTheWalks();
        assertThat(quota().usedBytes()).isLessThan(100_000);
    }

    /** Numbers so large that sums of them are negative. */
    @ParameterizedTest
    @EnumSource
    void placesFarAwayAreNoWayAround(CountedPlace where) throws Exception {
        serve(where, "1Mi");
        GuestMount.Created file = create("file");
        int[] refusals = {Errno.ENOSPC, Errno.EFBIG, Errno.EINVAL};
        for (long offset :
                new long[] {Long.MIN_VALUE, -4096, -1, Long.MAX_VALUE, Long.MAX_VALUE - 5000}) {
            assertThat(refusals).contains(errno(() -> write(file, offset, 4096)));
            assertThat(refusals).contains(errno(() -> allocate(file, offset, 4096, 0)));
        }
        for (long length : new long[] {-1, 1L << 62, Long.MAX_VALUE, Long.MAX_VALUE - 8192}) {
            assertThat(refusals).contains(errno(() -> allocate(file, 0, length, 0)));
            assertThat(refusals).contains(errno(() -> allocate(file, 4096, length, KEEP_SIZE)));
        }
        close(file);
        assertCountIsTheWalks();
        assertThat(quota().usedBytes()).isLessThan(100_000);
    }

    @ParameterizedTest
    @EnumSource
    void copyingAndAttributesCount(CountedPlace where) throws Exception {
        serve(where, "1Mi");
        GuestMount.Created from = create("from");
        assertThat(write(from, 0, 600_000)).isEqualTo(600_000);
        GuestMount.Created to = create("to");
        int words =
                guest().put(from.handle(), 0L, to.entry().node(), to.handle(), 0L, 600_000L, 0L);
        int copied =
                guest().call(Opcode.COPY_FILE_RANGE, from.entry().node(), words, 0, 8, 0)
                        .get(INT, 0);
        assertThat(copied).isPositive().isLessThan(600_000);
        assertThat(quota().usedBytes()).isEqualTo(MIB);
        int attribute = guest().put(2000, 0, 0, 0, "user.x", new byte[2000]);
        assertThatThrownBy(
                        () -> guest().call(Opcode.SETXATTR, to.entry().node(), attribute, 0, 0, 0))
                .hasMessageContaining("ENOSPC");
        truncate(from.entry().node(), 500_000);
        int again = guest().put(2000, 0, 0, 0, "trusted.x", new byte[2000]);
        guest().call(Opcode.SETXATTR, to.entry().node(), again, 0, 0, 0);
        close(from);
        close(to);
        assertCountIsTheWalks();
    }

    @ParameterizedTest
    @EnumSource
    void renamingOverAFileGivesBackWhatItTook(CountedPlace where) throws Exception {
        serve(where, "3Mi");
        GuestMount.Created one = create("one");
        write(one, 0, MIB);
        GuestMount.Created two = create("two");
        write(two, 0, MIB);
        close(one);
        close(two);
        guest().forget(two.entry().node(), 1);
        int arguments = guest().put(GuestMount.ROOT, "one", "two");
        guest().call(Opcode.RENAME, GuestMount.ROOT, arguments, 0, 0, 0);
        assertCountIsTheWalks();
        assertThat(quota().usedBytes()).isLessThan(MIB + 100_000);
    }

    @ParameterizedTest
    @EnumSource
    void soManyFilesAndNoMore(CountedPlace where) throws Exception {
        serve(where, "10Mi,5");
        guest().mkdir(GuestMount.ROOT, "folder", 0700);
        long link = guest().symlink(GuestMount.ROOT, "link", "to").node();
        close(create("file"));
        assertThat(statfs("files")).isEqualTo(5);
        assertThat(statfs("ffree")).isEqualTo(1);
        close(create("last"));
        assertThatThrownBy(() -> create("more")).hasMessageContaining("ENOSPC");
        assertThatThrownBy(() -> guest().mkdir(GuestMount.ROOT, "more", 0700))
                .hasMessageContaining("ENOSPC");
        close(create("file")); // which is there
        assertThat(statfs("ffree")).isZero();
        guest().unlink(GuestMount.ROOT, "link");
        guest().forget(link, 1);
        assertCountIsTheWalks();
        assertThat(statfs("ffree")).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource
    void whatIsThereIsCountedWhenItBegins(CountedPlace where) throws Exception {
        serve(where, "4Mi");
        GuestMount.Created file = create("file");
        write(file, 0, MIB);
        close(file);
        long folder = guest().mkdir(GuestMount.ROOT, "folder", 0700).node();
        long node = file.entry().node();
        int reply = Structs.ENTRY_OUT.bytes();
        guest().call(Opcode.LINK, folder, guest().put(node, "second"), 0, reply, 0);
        long before = quota().usedBytes();
        Objects.requireNonNull(now).close();
        start("512Ki");
        assertThat(quota().usedBytes()).isEqualTo(before);
        assertCountIsTheWalks();
        assertThat(statfs("bfree")).isZero();
        GuestMount.Entry found = guest().lookup(GuestMount.ROOT, "file");
        long handle = guest().open(found.node(), Fd.O_RDWR);
        assertThatThrownBy(() -> guest().write(found.node(), handle, MIB, new byte[1]))
                .hasMessageContaining("ENOSPC");
        truncate(found.node(), 0);
        assertThat(guest().write(found.node(), handle, 0, new byte[1])).isEqualTo(1);
        guest().release(found.node(), handle);
        assertCountIsTheWalks();
    }

    // --- at once ---

    /** Sends writes from both queues, many at a time, until nothing fits. */
    @ParameterizedTest
    @EnumSource
    void severalWritersFillItAndNeverMore(CountedPlace where) throws Exception {
        serve(where, "8Mi");
        List<GuestMount.Created> files = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            files.add(create("file" + i));
        }
        List<Thread> writers = new ArrayList<>();
        List<Throwable> failures = new ArrayList<>();
        for (int queue = 0; queue < 2; queue++) {
            int mine = queue;
            writers.add(
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    fill(guest().lane(mine), files, new Random(mine));
                                } catch (IOException | RuntimeException | Error e) {
                                    synchronized (failures) {
                                        failures.add(e);
                                    }
                                }
                            }));
        }
        while (writers.stream().anyMatch(Thread::isAlive)) {
            assertThat(sum(walk())).isLessThanOrEqualTo(8 * MIB + where.maps(4));
            assertThat(quota().usedBytes()).isLessThanOrEqualTo(8 * MIB + where.maps(4));
        }
        for (Thread writer : writers) {
            writer.join();
        }
        assertThat(failures).isEmpty();
        assertThat(quota().usedBytes()).isBetween(8L * MIB, 8 * MIB + where.maps(4));
        for (GuestMount.Created file : files) {
            close(file);
        }
        assertCountIsTheWalks();
    }

    /** Each slot writes one file in turn, until it is told that nothing is left. */
    private static void fill(Lane lane, List<GuestMount.Created> files, Random random)
            throws IOException {
        long[] at = new long[lane.slots()];
        int[] asked = new int[lane.slots()];
        int busy = 0;
        for (int slot = 0; slot < lane.slots(); slot++) {
            at[slot] = (long) (slot / files.size()) * (64L << 20) + random.nextInt(16) * 4L * MIB;
            write(lane, slot, files, at, asked, random);
            busy++;
        }
        lane.submit();
        while (busy > 0) {
            int slot = lane.take();
            if (slot == Lane.NONE) {
                lane.await();
            } else if (lane.error(slot) == Errno.ENOSPC) {
                busy--;
            } else {
                assertThat(lane.error(slot)).isZero();
                at[slot] += lane.reply(slot).get(INT, 0);
                write(lane, slot, files, at, asked, random);
                lane.submit();
            }
        }
    }

    private static void write(
            Lane lane,
            int slot,
            List<GuestMount.Created> files,
            long[] at,
            int[] asked,
            Random random) {
        GuestMount.Created file = files.get(slot % files.size());
        asked[slot] = 1 + random.nextInt(200_000);
        MemorySegment arguments = lane.arguments(slot);
        arguments.asSlice(0, Structs.WRITE_IN.bytes()).fill((byte) 0);
        arguments.set(LONG, 0, file.handle());
        arguments.set(LONG, 8, at[slot]);
        arguments.set(INT, 16, asked[slot]);
        lane.send(
                slot,
                Opcode.WRITE,
                file.entry().node(),
                Structs.WRITE_IN.bytes(),
                asked[slot],
                Structs.WRITE_OUT.bytes(),
                0);
    }

    /** Writes, allocates, punches, truncates, makes and removes at once, at the limit. */
    @ParameterizedTest
    @EnumSource
    void manyAtOnceNeverTakeMoreThanTheyMay(CountedPlace where) throws Exception {
        serve(where, "1Mi,20");
        List<GuestMount.Created> files = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            files.add(create("file" + i));
        }
        List<Long> nodes = Collections.synchronizedList(new ArrayList<>());
        List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
        List<Thread> threads = new ArrayList<>();
        for (int queue = 0; queue < 2; queue++) {
            int mine = queue;
            threads.add(
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    nodes.addAll(
                                            exercise(guest().lane(mine), files, new Random(mine)));
                                } catch (IOException | RuntimeException | Error e) {
                                    failures.add(e);
                                }
                            }));
        }
        while (threads.stream().anyMatch(Thread::isAlive)) {
            assertThat(quota().usedBytes()).isLessThanOrEqualTo(MIB + where.maps(4));
            assertThat(quota().usedInodes()).isLessThanOrEqualTo(20);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failures).isEmpty();
        for (GuestMount.Created file : files) {
            close(file);
        }
        for (long node : nodes) {
            guest().forget(node, 1);
        }
        assertCountIsTheWalks();
    }

    /** {@return nodes that are to be forgotten} */
    private static List<Long> exercise(Lane lane, List<GuestMount.Created> files, Random random)
            throws IOException {
        List<Long> nodes = new ArrayList<>();
        boolean[] makes = new boolean[lane.slots()];
        int left = 3000;
        int busy = 0;
        for (int slot = 0; slot < lane.slots(); slot++) {
            makes[slot] = send(lane, slot, files.get(random.nextInt(files.size())), random);
            busy++;
        }
        lane.submit();
        while (busy > 0) {
            int slot = lane.take();
            if (slot == Lane.NONE) {
                lane.await();
                continue;
            }
            busy--;
            assertThat(lane.error(slot)).isIn(0, Errno.ENOSPC, Errno.EEXIST, Errno.ENOENT);
            if (makes[slot] && lane.error(slot) == 0) {
                nodes.add(lane.reply(slot).get(LONG, 0));
            }
            if (left > 0) {
                left--;
                makes[slot] = send(lane, slot, files.get(random.nextInt(files.size())), random);
                busy++;
                lane.submit();
            }
        }
        return nodes;
    }

    /** {@return whether the answer has a node} */
    private static boolean send(Lane lane, int slot, GuestMount.Created file, Random random) {
        MemorySegment arguments = lane.arguments(slot);
        arguments.asSlice(0, 256).fill((byte) 0);
        int kind = random.nextInt(8);
        long offset = random.nextInt(MIB);
        int length = 1 + random.nextInt(200_000);
        byte[] name = ("n" + random.nextInt(40)).getBytes(StandardCharsets.US_ASCII);
        long node = file.entry().node();
        switch (kind) {
            case 0 -> { // make
                arguments.set(INT, 0, 0100600);
                int at = Structs.MKNOD_IN.bytes();
                MemorySegment.copy(name, 0, arguments, ValueLayout.JAVA_BYTE, at, name.length);
                int reply = Structs.ENTRY_OUT.bytes();
                lane.send(slot, Opcode.MKNOD, 1, at + name.length + 1, 0, reply, 0);
            }
            case 1 -> { // remove
                MemorySegment.copy(name, 0, arguments, ValueLayout.JAVA_BYTE, 0, name.length);
                lane.send(slot, Opcode.UNLINK, 1, name.length + 1, 0, 0, 0);
            }
            case 2, 3 -> { // allocate, punch
                arguments.set(LONG, 0, file.handle());
                arguments.set(LONG, 8, offset);
                arguments.set(LONG, 16, length);
                arguments.set(INT, 24, kind == 2 ? 0 : PUNCH_HOLE | KEEP_SIZE);
                lane.send(slot, Opcode.FALLOCATE, node, Structs.FALLOCATE_IN.bytes(), 0, 0, 0);
            }
            case 4 -> { // truncate
                arguments.set(INT, 0, Flags.FATTR_SIZE);
                arguments.set(LONG, Structs.SETATTR_IN.offset("size"), offset);
                int reply = Structs.ATTR_OUT.bytes();
                lane.send(slot, Opcode.SETATTR, node, Structs.SETATTR_IN.bytes(), 0, reply, 0);
            }
            default -> { // write
                arguments.set(LONG, 0, file.handle());
                arguments.set(LONG, 8, offset);
                arguments.set(INT, 16, length);
                int reply = Structs.WRITE_OUT.bytes();
                lane.send(slot, Opcode.WRITE, node, Structs.WRITE_IN.bytes(), length, reply, 0);
            }
        }
        return kind == 0;
    }

    // --- anything ---

    @ParameterizedTest
    @EnumSource
    void whateverIsDoneTheCountIsTheWalks(CountedPlace where) throws Exception {
        serve(where, "1Mi,30");
        Random random = new Random(7);
        for (int i = 0; i < 1500; i++) {
            step(random);
            assertThat(quota().usedBytes()).isLessThanOrEqualTo(MIB + where.maps(30));
            if (i % 50 == 0) {
                assertCountIsTheWalks();
            }
        }
        assertCountIsTheWalks();
    }

    private void step(Random random) throws IOException {
        String name = "f" + random.nextInt(40);
        String other = "f" + random.nextInt(40);
        int error =
                switch (random.nextInt(6)) {
                    case 0, 1, 2 -> errno(() -> change(name, random));
                    case 3 -> errno(() -> guest().unlink(GuestMount.ROOT, name));
                    case 4 ->
                            errno(() -> {
                                int words = guest().put(GuestMount.ROOT, name, other);
                                guest().call(Opcode.RENAME, GuestMount.ROOT, words, 0, 0, 0);
                            });
                    default ->
                            errno(() -> {
                                long node = guest().mkdir(GuestMount.ROOT, name, 0700).node();
                                guest().forget(node, 1);
                                guest().call(Opcode.RMDIR, 1, guest().put(name), 0, 0, 0);
                            });
                };
        assertThat(error).isIn(0, Errno.ENOSPC, Errno.ENOENT, Errno.EEXIST);
    }

    private void change(String name, Random random) throws IOException {
        GuestMount.Created file = create(name);
        try {
            switch (random.nextInt(4)) {
                case 0 -> truncate(file.entry().node(), random.nextInt(MIB));
                case 1 -> allocate(file, random.nextInt(MIB), 1 + random.nextInt(100_000), 0);
                case 2 ->
                        allocate(
                                file,
                                random.nextInt(MIB),
                                1 + random.nextInt(300_000),
                                PUNCH_HOLE | KEEP_SIZE);
                default -> write(file, random.nextInt(MIB), 1 + random.nextInt(100_000));
            }
        } finally {
            close(file);
            guest().forget(file.entry().node(), 1);
        }
    }
}
