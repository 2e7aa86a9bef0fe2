// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import static io.bunkai.testkit.Hex.hex;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.linux.Errno;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Replies as bytes, each field named. */
class ReplyEncodingTest {
    private static final String ATTRIBUTES =
            """
            0700000000000000 0010000000000000  // ino=7, size=4096
            0800000000000000                   // blocks=8
            0100000000000000 0200000000000000  // atime=1, mtime=2
            ffffffffffffffff                   // ctime=-1
            0a000000 0b000000 0c000000         // atimensec=10, mtimensec=11, ctimensec=12
            a4810000 02000000                  // mode=0100644, nlink=2
            e8030000 64000000                  // uid=1000, gid=100
            03010000 00100000 01000000         // rdev=1:3, blksize=4096, flags=SUBMOUNT
            """;
    private static final long SECOND = 1_000_000_000;

    @Test
    void writesAnError() {
        assertBytes(
                reply(Opcode.LOOKUP, 0, reply -> reply.error(Errno.ENOENT)),
                "10000000 feffffff 0900000000000000 // len=16, error=-2, unique=9");
    }

    @Test
    void writesWhatCanBeNoErrnoAsAnInputOutputError() {
        for (int errno : new int[] {0, -2, 512, Integer.MIN_VALUE}) {
            assertBytes(
                    reply(Opcode.LOOKUP, 0, reply -> reply.error(errno)),
                    "10000000 fbffffff 0900000000000000 // len=16, error=-5, unique=9");
        }
    }

    @Test
    void writesThatSomethingIsDone() {
        assertBytes(
                reply(Opcode.UNLINK, 0, ReplyEncoder::done),
                "10000000 00000000 0900000000000000 // len=16, error=0, unique=9");
    }

    @Test
    void writesAnEntry() {
        assertBytes(
                reply(
                        Opcode.LOOKUP,
                        0,
                        reply -> reply.entry(5, 6, 3 * SECOND / 2, 2 * SECOND, attributes())),
                """
                90000000 00000000 0900000000000000  // len=144, error=0, unique=9
                0500000000000000 0600000000000000   // nodeid=5, generation=6
                0100000000000000 0200000000000000   // entry_valid=1, attr_valid=2
                0065cd1d 00000000                   // entry_valid_nsec=500 ms, attr_valid_nsec=0
                """
                        + ATTRIBUTES);
    }

    @Test
    void writesThatANameIsMissing() {
        assertBytes(
                reply(Opcode.LOOKUP, 0, reply -> reply.missing(SECOND)),
                """
                90000000 00000000 0900000000000000  // len=144, error=0, unique=9
                0000000000000000 0000000000000000   // nodeid=0, generation
                0100000000000000 0000000000000000   // entry_valid=1, attr_valid
                00000000 00000000                   // entry_valid_nsec, attr_valid_nsec
                """
                        + "0000000000000000".repeat(11)
                        + " // attr");
    }

    @Test
    void writesAttributes() {
        assertBytes(
                reply(Opcode.GETATTR, 0, reply -> reply.attributes(SECOND, attributes())),
                """
                78000000 00000000 0900000000000000  // len=120, error=0, unique=9
                0100000000000000 00000000 00000000  // attr_valid=1, attr_valid_nsec, dummy
                """
                        + ATTRIBUTES);
    }

    @Test
    void writesStatx() {
        StatxAttributes attributes =
                new StatxAttributes(
                        0xfff,
                        4096,
                        0x10,
                        2,
                        1000,
                        100,
                        0100644,
                        7,
                        4096,
                        8,
                        0x30,
                        new StatxAttributes.Time(1, 10),
                        new StatxAttributes.Time(2, 11),
                        new StatxAttributes.Time(3, 12),
                        new StatxAttributes.Time(4, 13),
                        new StatxAttributes.Device(1, 3),
                        new StatxAttributes.Device(8, 2));

        assertBytes(
                reply(Opcode.STATX, 0, reply -> reply.statx(SECOND, attributes)),
                """
                30010000 00000000 0900000000000000  // len=304, error=0, unique=9
                0100000000000000 00000000 00000000  // attr_valid=1, attr_valid_nsec, flags
                0000000000000000 0000000000000000   // spare
                ff0f0000 00100000 1000000000000000  // mask, blksize=4096, attributes=IMMUTABLE
                02000000 e8030000 64000000          // nlink=2, uid=1000, gid=100
                a481 0000                           // mode=0100644, __spare0
                0700000000000000 0010000000000000   // ino=7, size=4096
                0800000000000000 3000000000000000   // blocks=8, attributes_mask
                0100000000000000 0a000000 00000000  // atime=1.00000001
                0200000000000000 0b000000 00000000  // btime
                0300000000000000 0c000000 00000000  // ctime
                0400000000000000 0d000000 00000000  // mtime
                01000000 03000000                   // rdev_major=1, rdev_minor=3
                08000000 02000000                   // dev_major=8, dev_minor=2
                """
                        + "0000000000000000".repeat(14)
                        + " // __spare2");
    }

    @Test
    void writesATarget() {
        assertBytes(
                reply(Opcode.READLINK, 4096, reply -> reply.target(ByteString.of("/etc"))),
                "14000000 00000000 0900000000000000 2f657463 // len=20, error, unique, \"/etc\"");
    }

    @Test
    void writesAHandle() {
        assertBytes(
                reply(Opcode.OPEN, 0, reply -> reply.opened(5, Flags.FOPEN_KEEP_CACHE)),
                """
                20000000 00000000 0900000000000000  // len=32, error=0, unique=9
                0500000000000000 02000000 00000000  // fh=5, open_flags=KEEP_CACHE, backing_id
                """);
    }

    @Test
    void writesAFileThatIsMadeAndOpened() {
        assertBytes(
                reply(
                        Opcode.CREATE,
                        0,
                        reply -> reply.created(5, 6, SECOND, SECOND, attributes(), 8, 1)),
                """
                a0000000 00000000 0900000000000000  // len=160, error=0, unique=9
                0500000000000000 0600000000000000   // nodeid=5, generation=6
                0100000000000000 0100000000000000   // entry_valid=1, attr_valid=1
                00000000 00000000                   // entry_valid_nsec, attr_valid_nsec
                """
                        + ATTRIBUTES
                        + "0800000000000000 01000000 00000000 // fh=8, open_flags=DIRECT_IO, -");
    }

    @Test
    void writesDataThatIsCopied() {
        assertBytes(
                reply(Opcode.READ, 4, reply -> reply.data(segment("xabc"), 1, 3)),
                "13000000 00000000 0900000000000000 616263 // len=19, error, unique, \"abc\"");
    }

    @Test
    void writesDataThatWereFilledIn() {
        assertBytes(
                reply(
                        Opcode.READ,
                        4,
                        reply -> {
                            Ranges space = reply.space();
                            assertThat(space.bytes()).isEqualTo(4);
                            space.copyIn(0, segment("abcd"), 0, 4);
                            reply.data(2);
                        }),
                "12000000 00000000 0900000000000000 6162 // len=18, error, unique, \"ab\"");
    }

    @Test
    void writesHowMuchIsWritten() {
        assertBytes(
                reply(Opcode.WRITE, 0, reply -> reply.written(4096)),
                """
                18000000 00000000 0900000000000000  // len=24, error=0, unique=9
                00100000 00000000                   // size=4096, padding
                """);
    }

    @Test
    void writesHowMuchIsCopiedInBothForms() {
        assertBytes(
                reply(Opcode.COPY_FILE_RANGE, 0, reply -> reply.copied(0xfffff000L)),
                """
                18000000 00000000 0900000000000000  // len=24, error=0, unique=9
                00f0ffff 00000000                   // size=2^32-4096, padding
                """);
        assertBytes(
                reply(Opcode.COPY_FILE_RANGE_64, 0, reply -> reply.copied(1L << 32)),
                """
                18000000 00000000 0900000000000000  // len=24, error=0, unique=9
                0000000001000000                    // bytes_copied=2^32
                """);
    }

    @Test
    void writesStatistics() {
        FileSystemStatistics statistics =
                new FileSystemStatistics(1000, 500, 400, 100, 50, 4096, 255, 512);

        assertBytes(
                reply(Opcode.STATFS, 0, reply -> reply.statistics(statistics)),
                """
                60000000 00000000 0900000000000000  // len=96, error=0, unique=9
                e803000000000000 f401000000000000   // blocks=1000, bfree=500
                9001000000000000 6400000000000000   // bavail=400, files=100
                3200000000000000 00100000 ff000000  // ffree=50, bsize=4096, namelen=255
                00020000 00000000                   // frsize=512, padding
                0000000000000000 0000000000000000 0000000000000000 // spare
                """);
    }

    @Test
    void writesTheSizeOfAValueIfThatIsWhatWasAskedFor() {
        assertBytes(
                reply(Opcode.GETXATTR, 0, reply -> reply.value(ByteString.of("abc"))),
                """
                18000000 00000000 0900000000000000  // len=24, error=0, unique=9
                03000000 00000000                   // size=3, padding
                """);
    }

    @Test
    void writesAValueIfThereIsRoomForIt() {
        assertBytes(
                reply(Opcode.GETXATTR, 3, reply -> reply.value(ByteString.of("abc"))),
                "13000000 00000000 0900000000000000 616263 // len=19, error, unique, \"abc\"");
        assertBytes(
                reply(Opcode.GETXATTR, 2, reply -> reply.value(ByteString.of("abc"))),
                "10000000 deffffff 0900000000000000 // len=16, error=-ERANGE, unique=9");
    }

    @Test
    void writesALock() {
        assertBytes(
                reply(
                        Opcode.GETLK,
                        0,
                        reply -> reply.lock(new FileLock(10, 19, FileLock.READ, 42))),
                """
                28000000 00000000 0900000000000000  // len=40, error=0, unique=9
                0a00000000000000 1300000000000000   // start=10, end=19
                00000000 2a000000                   // type=F_RDLCK, pid=42
                """);
    }

    @Test
    void writesABlockAnOffsetAndEvents() {
        assertBytes(
                reply(Opcode.BMAP, 0, reply -> reply.block(3)),
                "18000000 00000000 0900000000000000 0300000000000000 // block=3");
        assertBytes(
                reply(Opcode.LSEEK, 0, reply -> reply.offset(4096)),
                "18000000 00000000 0900000000000000 0010000000000000 // offset=4096");
        assertBytes(
                reply(Opcode.POLL, 0, reply -> reply.ready(5)),
                "18000000 00000000 0900000000000000 05000000 00000000 // revents=5, padding");
    }

    @Test
    void writesWhatAnIoctlReturns() {
        assertBytes(
                reply(Opcode.IOCTL, 8, reply -> reply.result(-1, ByteString.of("ab"))),
                """
                22000000 00000000 0900000000000000  // len=34, error=0, unique=9
                ffffffff 00000000                   // result=-1, flags
                00000000 00000000                   // in_iovs, out_iovs
                6162                                // output
                """);
    }

    @Test
    void writesDirectoryEntriesPaddedWithZeros() {
        assertBytes(
                reply(
                        Opcode.READDIR,
                        4096,
                        reply -> {
                            assertThat(reply.add(7, 1, 8, FileName.of("ninebytes"))).isTrue();
                            assertThat(reply.add(8, 2, 4, FileName.of("d"))).isTrue();
                            reply.done();
                        }),
                """
                58000000 00000000 0900000000000000  // len=88, error=0, unique=9
                0700000000000000 0100000000000000   // ino=7, off=1
                09000000 08000000                   // namelen=9, type=DT_REG
                6e696e6562797465 7300000000000000   // "ninebytes", padding
                0800000000000000 0200000000000000   // ino=8, off=2
                01000000 04000000 6400000000000000  // namelen=1, type=DT_DIR, "d", padding
                """);
    }

    @Test
    void writesDirectoryEntriesWithWhatALookupWouldSay() {
        assertBytes(
                reply(
                        Opcode.READDIRPLUS,
                        4096,
                        reply -> {
                            assertThat(reply.fits(1)).isTrue();
                            MemorySegment name = segment("f");
                            reply.add(5, 6, SECOND, 0, attributes(), 7, 1, 8, name, 0, 1);
                            reply.done();
                        }),
                """
                b0000000 00000000 0900000000000000  // len=176, error=0, unique=9
                0500000000000000 0600000000000000   // nodeid=5, generation=6
                0100000000000000 0000000000000000   // entry_valid=1, attr_valid=0
                00000000 00000000                   // entry_valid_nsec, attr_valid_nsec
                """
                        + ATTRIBUTES
                        + """
                        0700000000000000 0100000000000000   // ino=7, off=1
                        01000000 08000000 6600000000000000  // namelen=1, DT_REG, "f", padding
                        """);
    }

    @Test
    void neverSplitsAnEntryAndNeverExceedsWhatWasAskedFor() {
        for (int room = 0; room <= 200; room++) {
            int most = room;
            int[] added = {0};
            byte[] bytes =
                    reply(
                            Opcode.READDIR,
                            room,
                            reply -> {
                                while (reply.add(1, added[0] + 1, 8, FileName.of("name"))) {
                                    added[0]++;
                                }
                                reply.done();
                            });
            assertThat(added[0]).isEqualTo(most / 32);
            assertThat(bytes).hasSize(16 + added[0] * 32);
        }
    }

    @Test
    void saysEinvalAndNotThatTheListingEndsWhenNotEvenOneEntryFits() {
        assertBytes(
                reply(
                        Opcode.READDIR,
                        24,
                        reply -> {
                            assertThat(reply.add(1, 1, 8, FileName.of("name"))).isFalse();
                            reply.done();
                        }),
                "10000000 eaffffff 0900000000000000 // len=16, error=-EINVAL, unique=9");
    }

    @Test
    void endsAListingWithAnEmptyReply() {
        assertBytes(
                reply(Opcode.READDIR, 24, ReplyEncoder::done),
                "10000000 00000000 0900000000000000 // len=16, error=0, unique=9");
    }

    @Test
    void canStillSayThatAListingFailedAfterEntriesWereAdded() {
        assertBytes(
                reply(
                        Opcode.READDIR,
                        100,
                        reply -> {
                            reply.add(1, 1, 8, FileName.of("name"));
                            reply.error(Errno.EIO);
                        }),
                "10000000 fbffffff 0900000000000000 // len=16, error=-EIO, unique=9");
    }

    @Test
    void putsAReplyIntoAsManyPiecesAsThePeerWants() {
        byte[] whole = reply(Opcode.READ, 8, reply -> reply.data(segment("abcdefgh"), 0, 8));
        byte[] memory = new byte[3 * whole.length];
        Ranges pieces = new Ranges();
        for (int i = 0; i < whole.length; i++) {
            pieces.add(MemorySegment.ofArray(memory), 3L * i + 1, 1);
        }
        reply(pieces, Opcode.READ, 8, reply -> reply.data(segment("abcdefgh"), 0, 8));

        for (int i = 0; i < memory.length; i++) {
            assertThat(memory[i]).isEqualTo(i % 3 == 1 ? whole[i / 3] : 0);
        }
    }

    @Test
    void refusesASecondAnswer() {
        reply(
                Opcode.UNLINK,
                0,
                reply -> {
                    reply.done();
                    assertThatThrownBy(reply::done).isInstanceOf(IllegalStateException.class);
                    assertThatThrownBy(() -> reply.error(5))
                            .isInstanceOf(IllegalStateException.class);
                });
    }

    @Test
    void refusesWhatWasNotAskedForAndCanStillBeAnswered() {
        assertBytes(
                reply(
                        Opcode.READ,
                        4,
                        reply -> {
                            assertRefused(() -> reply.data(5));
                            assertRefused(() -> reply.data(-1));
                            assertRefused(() -> reply.data(segment("12345"), 0, 5));
                            assertThatThrownBy(() -> reply.data(segment("12"), 0, 3))
                                    .isInstanceOf(IndexOutOfBoundsException.class);
                            assertRefused(() -> reply.entry(0, 0, 0, 0, attributes()));
                            assertRefused(() -> reply.written(-1));
                            assertRefused(() -> reply.add(1, 1, 8, segment(""), 0, 0));
                            reply.data(0);
                        }),
                "10000000 00000000 0900000000000000 // len=16, error=0, unique=9");
    }

    private static void assertRefused(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class);
    }

    private static FileAttributes attributes() {
        return new FileAttributes()
                .inode(7)
                .size(4096)
                .blocks(8)
                .accessed(1, 10)
                .modified(2, 11)
                .changed(-1, 12)
                .mode(0100644)
                .links(2)
                .uid(1000)
                .gid(100)
                .device(0x103)
                .blockBytes(4096)
                .flags(Flags.ATTR_SUBMOUNT);
    }

    private static MemorySegment segment(String text) {
        return MemorySegment.ofArray(text.getBytes(StandardCharsets.UTF_8));
    }

    private static byte[] reply(Opcode opcode, int room, Consumer<ReplyEncoder> answer) {
        byte[] memory = new byte[8192];
        int length = reply(Messages.ranges(memory), opcode, room, answer);
        return Arrays.copyOf(memory, length);
    }

    private static int reply(
            Ranges target, Opcode opcode, int room, Consumer<ReplyEncoder> answer) {
        int[] lengths = {-1};
        FuseExchange exchange = new FuseExchange((_, length) -> lengths[0] = length);
        exchange.reply().window(target, 0, target.bytes());
        exchange.encoder().open();
        exchange.encoder().expect(Messages.UNIQUE, opcode, room);
        answer.accept(exchange.encoder());
        return lengths[0];
    }

    private static void assertBytes(byte[] actual, String expected) {
        HexFormat format = HexFormat.of();
        assertThat(format.formatHex(actual)).isEqualTo(format.formatHex(hex(expected)));
    }
}
