// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import io.bunkai.fuse.Opcode;
import io.bunkai.fuse.Structs;
import io.bunkai.linux.Errno;
import io.bunkai.testkit.SmallDisk;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One input of a fuzzer: messages of a hostile guest to the whole server, through a ring, and what
 * must hold whatever they are. The directory is a small file system in memory of its own. Needs
 * root.
 *
 * <p>An input is a row of messages: a byte that says how much room the reply has, one that says
 * whether the message is put right, two with its length, its bytes; as in the corpus of lib/fuse.
 * Put right means: {@code len} fits, and a small {@code nodeid}, and a small handle where the
 * operation has one, is one of those that the guest has been told. A fuzzer would seldom guess
 * them.
 */
public final class GuestFuzzer {
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final List<Integer> ROOMS = List.of(0, 8, 16, 120, 144, 160, 4000, 400);
    private static final int HEADER = Structs.IN_HEADER.bytes();
    private static final int REPLY_HEADER = Structs.OUT_HEADER.bytes();
    private static final int OPCODE = Structs.IN_HEADER.offset("opcode");
    private static final int NODE = Structs.IN_HEADER.offset("nodeid");
    private static final int LONGEST = 4096;
    private static final int FEW = 16;
    private static final int DISK_KIB = 4096;
    private static final String UNTOUCHED = "untouched";

    private static final Set<Integer> WITH_HANDLE =
            numbers(
                    Opcode.READ,
                    Opcode.WRITE,
                    Opcode.RELEASE,
                    Opcode.FSYNC,
                    Opcode.FLUSH,
                    Opcode.READDIR,
                    Opcode.READDIRPLUS,
                    Opcode.RELEASEDIR,
                    Opcode.FSYNCDIR,
                    Opcode.FALLOCATE,
                    Opcode.LSEEK,
                    Opcode.COPY_FILE_RANGE,
                    Opcode.IOCTL);
    private static final Set<Integer> GIVES_NODE =
            numbers(
                    Opcode.LOOKUP,
                    Opcode.MKNOD,
                    Opcode.MKDIR,
                    Opcode.SYMLINK,
                    Opcode.LINK,
                    Opcode.CREATE);
    private static final Set<Integer> GIVES_HANDLE = numbers(Opcode.OPEN, Opcode.OPENDIR);
    private static final Set<Integer> WITHOUT_REPLY =
            numbers(Opcode.FORGET, Opcode.BATCH_FORGET, Opcode.NOTIFY_REPLY);

    private static @Nullable GuestFuzzer fuzzer;

    private final SmallDisk disk;
    private final Path outside;
    private final ServedDirectory served;
    private final Path share;
    private final Path victim;
    private final GuestMount guest;
    private final List<Long> nodes = new ArrayList<>();
    private final List<Long> handles = new ArrayList<>();

    private GuestFuzzer(SmallDisk disk, Path outside) throws IOException {
        this.disk = disk;
        this.outside = outside;
        share = Files.createDirectory(outside.resolve("share"));
        victim = Files.writeString(outside.resolve("victim"), UNTOUCHED);
        served = new ServedDirectory(share, "--xattr", "--thread-pool-size=0");
        guest = served.guest;
    }

    /** A fuzzer never says which input is its last. */
    private static GuestFuzzer open() throws IOException {
        Path outside = Files.createTempDirectory("bk-");
        Runtime.getRuntime().addShutdownHook(new Thread(GuestFuzzer::end));
        return new GuestFuzzer(SmallDisk.on(outside, DISK_KIB), outside);
    }

    /** Removes what inputs have left. Idempotent. */
    static synchronized void end() {
        GuestFuzzer last = fuzzer;
        fuzzer = null;
        if (last == null) {
            return;
        }
        try {
            last.served.close();
            last.disk.detach(); // the share itself stays open in a server to its end
            Files.delete(last.outside);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Set<Integer> numbers(Opcode... opcodes) {
        return Set.copyOf(List.of(opcodes).stream().map(Opcode::number).toList());
    }

    /** Called by Jazzer. */
    public static synchronized void fuzzerTestOneInput(byte[] input) throws IOException {
        GuestFuzzer known = fuzzer;
        if (known == null) {
            known = open();
            fuzzer = known;
        }
        known.run(input);
    }

    private void run(byte[] input) throws IOException {
        begin();
        int at = 0;
        while (at + 4 <= input.length) {
            int room = ROOMS.get((input[at] & 0xff) % ROOMS.size());
            boolean right = input[at + 1] % 2 == 0;
            int said = (input[at + 2] & 0xff) | (input[at + 3] & 0xff) << 8;
            int length = Math.min(Math.min(said, LONGEST), input.length - at - 4);
            if (length + room > 0) { // a chain has a descriptor at least
                send(input, at + 4, length, room, right);
            }
            at += 4 + length;
        }
        check(Files.readString(victim).equals(UNTOUCHED), "a file outside was written to");
        try (var left = Files.list(share.getParent())) {
            check(left.count() == 2, "something was made or removed outside");
        }
    }

    private void begin() throws IOException {
        try {
            guest.call(Opcode.DESTROY, 0, 0, 0, 0, 0);
        } catch (GuestMount.Refused e) {
            check(e.errno() == Errno.EIO, "the end was answered " + e.getMessage());
        }
        Files.walkFileTree(share, new Emptying());
        Files.writeString(share.resolve("a"), "content");
        Files.createDirectory(share.resolve("b"));
        Files.createSymbolicLink(share.resolve("c"), Path.of("../victim"));
        nodes.clear();
        handles.clear();
        nodes.add(GuestMount.ROOT);
        guest.init();
    }

    private final class Emptying extends SimpleFileVisitor<Path> {
        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult postVisitDirectory(Path directory, IOException failure)
                throws IOException {
            if (!directory.equals(share)) {
                Files.delete(directory);
            }
            return FileVisitResult.CONTINUE;
        }
    }

    private void send(byte[] input, int from, int length, int room, boolean right)
            throws IOException {
        Lane lane = guest.lane(0);
        MemorySegment raw = lane.raw(0);
        raw.fill((byte) 0);
        MemorySegment.copy(input, from, raw, ValueLayout.JAVA_BYTE, 0, length);
        if (right && length >= HEADER) {
            putRight(raw, length);
        }
        int opcode = length >= HEADER ? raw.get(INT, OPCODE) : -1;
        lane.sendRaw(0, length, room);
        lane.submit();
        while (lane.take() == Lane.NONE) {
            lane.await();
        }
        int written = lane.queue().written();
        check(written == 0 || (written >= REPLY_HEADER && written <= room), "a wrong length");
        if (written > 0) {
            check(lane.length(0) == written - REPLY_HEADER, "a reply of another length");
            check(lane.error(0) >= 0 && lane.error(0) < 512, "an error that no kernel takes");
            check(lane.error(0) == 0 || written == REPLY_HEADER, "an error with a body");
            if (lane.error(0) == 0) {
                remember(opcode, lane.reply(0), written - REPLY_HEADER);
            }
        } else {
            boolean none = room < REPLY_HEADER || WITHOUT_REPLY.contains(opcode);
            check(none || opcode == Opcode.DESTROY.number(), "no reply to " + opcode);
        }
    }

    private void putRight(MemorySegment raw, int length) {
        raw.set(INT, 0, length);
        raw.set(LONG, NODE, known(nodes, raw.get(LONG, NODE)));
        if (length >= HEADER + Long.BYTES && WITH_HANDLE.contains(raw.get(INT, OPCODE))) {
            raw.set(LONG, HEADER, known(handles, raw.get(LONG, HEADER)));
        }
    }

    private static long known(List<Long> numbers, long number) {
        boolean few = number >= 0 && number < FEW && !numbers.isEmpty();
        return few ? numbers.get((int) number % numbers.size()) : number;
    }

    private void remember(int opcode, MemorySegment reply, int length) {
        if (GIVES_NODE.contains(opcode) && length >= Structs.ENTRY_OUT.bytes()) {
            add(nodes, reply.get(LONG, 0));
        }
        if (GIVES_HANDLE.contains(opcode) && length >= Structs.OPEN_OUT.bytes()) {
            add(handles, reply.get(LONG, 0));
        }
        if (opcode == Opcode.CREATE.number() && length > Structs.ENTRY_OUT.bytes()) {
            add(handles, reply.get(LONG, Structs.ENTRY_OUT.bytes()));
        }
    }

    private static void add(List<Long> numbers, long number) {
        if (numbers.size() < FEW) {
            numbers.add(number);
        }
    }

    private static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }
}
