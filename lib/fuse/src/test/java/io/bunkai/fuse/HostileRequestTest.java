// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.fuse;

import static io.bunkai.fuse.Messages.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.bunkai.linux.Errno;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a hostile kernel may send, among it everything that is known to have brought down another
 * server. Each is answered, or comes back with nothing; and the next request is served.
 */
class HostileRequestTest {
    private static final String LONG_NAME = "n".repeat(256);

    private final MemoryFileSystem memory = new MemoryFileSystem();
    private final Peer peer = new Peer(memory);

    @BeforeEach
    void init() {
        peer.init();
        assertThat(peer.error(Messages.request(Opcode.MKDIR, bytes(0755, 0, "d")))).isZero();
    }

    static Stream<Arguments> malformed() {
        byte[] lookup = Messages.request(Opcode.LOOKUP, bytes("d"));
        return Stream.of(
                arguments("a header cut to 20 bytes", Arrays.copyOf(lookup, 20), Errno.EINVAL),
                arguments("a header cut to 39 bytes", Arrays.copyOf(lookup, 39), Errno.EINVAL),
                arguments("not even a unique", Arrays.copyOf(lookup, 7), Errno.EINVAL),
                arguments("nothing at all", new byte[0], Errno.EINVAL),
                arguments("len of 39", withLength(lookup, 39), Errno.EINVAL),
                arguments("len of 0", withLength(lookup, 0), Errno.EINVAL),
                arguments("len beyond the message", withLength(lookup, 43), Errno.EINVAL),
                arguments("len of 2^32-1", withLength(lookup, -1), Errno.EINVAL),
                of("extensions longer than all", Opcode.LOOKUP, 0xffff, Errno.EINVAL, "d"),
                of("extensions in the numbers", Opcode.GETATTR, 1, Errno.EINVAL, 0, 0, 0L),

                // names
                of("a name without NUL", Opcode.LOOKUP, 0, Errno.EINVAL, raw("d")),
                of("a name of nothing", Opcode.LOOKUP, 0, Errno.EINVAL, new byte[0]),
                of("an empty name", Opcode.LOOKUP, 0, Errno.EINVAL, ""),
                of("a name of 256 bytes", Opcode.LOOKUP, 0, Errno.ENAMETOOLONG, LONG_NAME),
                of("a name with bytes behind it", Opcode.LOOKUP, 0, Errno.EINVAL, "d", "e"),
                of("'/' in LOOKUP", Opcode.LOOKUP, 0, Errno.EINVAL, "d/e"),
                of("'..' in LOOKUP", Opcode.LOOKUP, 0, Errno.EINVAL, ".."),
                of("'.' in LOOKUP", Opcode.LOOKUP, 0, Errno.EINVAL, "."),
                of("an absolute SYMLINK", Opcode.SYMLINK, 0, Errno.EINVAL, "/tmp/x", "t"),
                of("MKDIR upwards", Opcode.MKDIR, 0, Errno.EINVAL, 0755, 0, "../x"),
                of("MKDIR '..'", Opcode.MKDIR, 0, Errno.EINVAL, 0755, 0, ".."),
                of("MKNOD with '/'", Opcode.MKNOD, 0, Errno.EINVAL, 0, 0, 0, 0, "/"),
                of("UNLINK upwards", Opcode.UNLINK, 0, Errno.EINVAL, "../victim"),
                of("RMDIR '..'", Opcode.RMDIR, 0, Errno.EINVAL, ".."),
                of("RENAME upwards", Opcode.RENAME, 0, Errno.EINVAL, 1L, "d", "../d"),
                of("RENAME from above", Opcode.RENAME, 0, Errno.EINVAL, 1L, "../d", "d"),
                of("RENAME of one name", Opcode.RENAME, 0, Errno.EINVAL, 1L, "d"),
                of("RENAME2 to '.'", Opcode.RENAME2, 0, Errno.EINVAL, 1L, 0, 0, "d", "."),
                of("LINK upwards", Opcode.LINK, 0, Errno.EINVAL, 2L, "../d"),
                of("CREATE upwards", Opcode.CREATE, 0, Errno.EINVAL, 0, 0, 0, 0, "../x"),
                of("CREATE without NUL", Opcode.CREATE, 0, Errno.EINVAL, 0, 0, 0, 0, raw("x")),
                of("SYMLINK without target", Opcode.SYMLINK, 0, Errno.EINVAL, "s"),
                of("SYMLINK to nothing", Opcode.SYMLINK, 0, Errno.EINVAL, "s", ""),
                of(
                        "SYMLINK to 4096 bytes",
                        Opcode.SYMLINK,
                        0,
                        Errno.ENAMETOOLONG,
                        "s",
                        "t".repeat(4096)),

                // sizes, offsets and counts
                of("WRITE without write_in", Opcode.WRITE, 0, Errno.EINVAL, raw("x")),
                of("WRITE without its data", Opcode.WRITE, 0, Errno.EINVAL, write(0, 100)),
                of("WRITE of 2^32-1 bytes", Opcode.WRITE, 0, Errno.EINVAL, write(0, -1)),
                of("WRITE beyond max_write", Opcode.WRITE, 0, Errno.EINVAL, write(0, 1 << 20 | 1)),
                of("WRITE before the start", Opcode.WRITE, 0, Errno.EINVAL, write(-1, 0)),
                of(
                        "WRITE beyond 63 bits",
                        Opcode.WRITE,
                        0,
                        Errno.EINVAL,
                        write(Long.MAX_VALUE, 1),
                        raw("x")),
                of("READ of 2^32-1 bytes", Opcode.READ, 0, Errno.EINVAL, write(0, -1)),
                of("READ beyond the reply", Opcode.READ, 0, Errno.EINVAL, write(0, 1 << 30)),
                of("READ beyond 63 bits", Opcode.READ, 0, Errno.EINVAL, write(-2, 1)),
                of("READDIR of 2^31 bytes", Opcode.READDIR, 0, Errno.EINVAL, write(0, 1 << 31)),
                of("READDIRPLUS likewise", Opcode.READDIRPLUS, 0, Errno.EINVAL, write(0, -1)),
                of("GETXATTR of 2^32-1", Opcode.GETXATTR, 0, Errno.EINVAL, -1, 0, "user.a"),
                of("GETXATTR of 2^30", Opcode.GETXATTR, 0, Errno.EINVAL, 1 << 30, 0, "user.a"),
                of("LISTXATTR of 2^31", Opcode.LISTXATTR, 0, Errno.EINVAL, 1 << 31, 0),
                of("SETXATTR without value", Opcode.SETXATTR, 0, Errno.EINVAL, 9, 0, "user.a"),
                of("SETXATTR of 2^32-1", Opcode.SETXATTR, 0, Errno.E2BIG, -1, 0, "user.a"),
                of("SETXATTR of 65537", Opcode.SETXATTR, 0, Errno.E2BIG, 65537, 0, "user.a"),
                of("SETXATTR without name", Opcode.SETXATTR, 0, Errno.EINVAL, 0, 0),
                of("a long attribute", Opcode.REMOVEXATTR, 0, Errno.ERANGE, LONG_NAME),
                of("an empty attribute", Opcode.REMOVEXATTR, 0, Errno.EINVAL, ""),
                of("FALLOCATE of -1 bytes", Opcode.FALLOCATE, 0, Errno.EINVAL, 1L, 0L, -1L, 0, 0),
                of(
                        "FALLOCATE beyond 63 bits",
                        Opcode.FALLOCATE,
                        0,
                        Errno.EINVAL,
                        1L,
                        Long.MAX_VALUE,
                        1L,
                        0,
                        0),
                of(
                        "COPY_FILE_RANGE beyond 63 bits",
                        Opcode.COPY_FILE_RANGE,
                        0,
                        Errno.EINVAL,
                        1L,
                        1L,
                        1L,
                        1L,
                        1L,
                        Long.MAX_VALUE,
                        0L),
                of(
                        "a lock that ends before it begins",
                        Opcode.SETLK,
                        0,
                        Errno.EINVAL,
                        1L,
                        1L,
                        10L,
                        9L,
                        1,
                        1,
                        0,
                        0),
                of("IOCTL without input", Opcode.IOCTL, 0, Errno.EINVAL, 1L, 0, 0, 0L, 9, 0),
                of("IOCTL of 2^32-1", Opcode.IOCTL, 0, Errno.E2BIG, 1L, 0, 0, 0L, -1, 0),
                of("IOCTL for 2^30", Opcode.IOCTL, 0, Errno.EINVAL, 1L, 0, 0, 0L, 0, 1 << 30),
                of("REMOVEMAPPING of 2^32-1", Opcode.REMOVEMAPPING, 0, Errno.E2BIG, -1),
                of("REMOVEMAPPING of 1 of 0", Opcode.REMOVEMAPPING, 0, Errno.EINVAL, 1),
                of("a negative size", Opcode.SETATTR, 0, Errno.EINVAL, setattr(8, -1, 0)),
                of("a time of 2^32-1 ns", Opcode.SETATTR, 0, Errno.EINVAL, setattr(16, 0, -1)),
                of(
                        "a time of 10^9 ns",
                        Opcode.SETATTR,
                        0,
                        Errno.EINVAL,
                        setattr(16, 0, 1000000000)),
                of(
                        "200 KiB that are no data",
                        Opcode.SYMLINK,
                        0,
                        Errno.E2BIG,
                        "s",
                        new byte[200 * 1024]),
                of("INIT without flags2", Opcode.INIT, 0, Errno.EINVAL, 7, 45, 0, 1 << 30),
                of("INIT of half its numbers", Opcode.INIT, 0, Errno.EINVAL, 7, 45),

                // extensions
                of("half an extension", Opcode.MKDIR, 1, Errno.EINVAL, 0, 0, "x", 4, 1),
                of("an extension of 0 bytes", Opcode.MKDIR, 1, Errno.EINVAL, 0, 0, "x", 0, 99),
                of("an extension too long", Opcode.MKDIR, 1, Errno.EINVAL, 0, 0, "x", 16, 99),
                of("an extension of 2^32-1", Opcode.MKDIR, 1, Errno.EINVAL, 0, 0, "x", -1, 99),
                of("31 contexts of none", Opcode.MKDIR, 1, Errno.EINVAL, 0, 0, "x", 8, 31),
                of(
                        "a context of 2^32-1 bytes",
                        Opcode.MKDIR,
                        3,
                        Errno.EINVAL,
                        0,
                        0,
                        "x",
                        24,
                        1,
                        -1,
                        0,
                        "1234567"),
                of(
                        "a context without NUL",
                        Opcode.MKDIR,
                        3,
                        Errno.EINVAL,
                        0,
                        0,
                        "x",
                        24,
                        1,
                        0,
                        0,
                        raw("12345678")),
                of("2^32-1 groups", Opcode.MKDIR, 2, Errno.EINVAL, 0, 0, "x", 16, 32, -1, 7),
                of("groups without a count", Opcode.MKDIR, 1, Errno.EINVAL, 0, 0, "x", 8, 32),
                of("bytes in no extension", Opcode.MKDIR, 0, Errno.EINVAL, 0, 0, "x", 8, 32),

                // numbers that were never given
                of("an unknown opcode", 54, Errno.ENOSYS),
                of("opcode 0", 0, Errno.ENOSYS),
                of("opcode 2^32-1", -1, Errno.ENOSYS));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("malformed")
    void isAnsweredWithAnErrorAndTheNextRequestIsServed(String what, byte[] request, int errno) {
        assertThat(peer.error(request)).as(what).isEqualTo(errno);
        assertNothingHappened();
    }

    @Test
    void isServedWithNodesAndHandlesThatWereNeverGiven() {
        for (long node : new long[] {0, 3, Long.MAX_VALUE, -1}) {
            byte[] getattr = Messages.request(Opcode.GETATTR.number(), node, 0, bytes(0, 0, 0L));
            assertThat(peer.error(getattr)).isEqualTo(Errno.EBADF);
        }
        assertThat(peer.error(Messages.request(Opcode.READ, write(0, 4)))).isEqualTo(Errno.EBADF);
        assertThat(peer.error(Messages.request(Opcode.RELEASE, bytes(7L, 0, 0, 0L))))
                .isEqualTo(Errno.EBADF);
        assertNothingHappened();
    }

    @Test
    void cannotForgetTheRootOrMoreThanWasLookedUp() {
        for (long count : new long[] {1L << 40, Long.MAX_VALUE, -1}) {
            peer.sendWithoutReply(Messages.request(Opcode.FORGET, bytes(count)));
            peer.sendWithoutReply(
                    Messages.request(Opcode.BATCH_FORGET, bytes(2, 0, 1L, count, 2L, count)));
        }
        assertThat(memory.lookups(1)).isZero();
        assertThat(memory.lookups(2)).isZero();
        assertNothingHappened();
    }

    @Test
    void getsNoReplyToAForgetThatIsMalformed() {
        peer.sendWithoutReply(Messages.request(Opcode.FORGET, new byte[7]));
        peer.sendWithoutReply(Messages.request(Opcode.BATCH_FORGET, bytes(2, 0, 1L, 1L)));
        peer.sendWithoutReply(Messages.request(Opcode.BATCH_FORGET, bytes(-1, 0)));
        peer.sendWithoutReply(Messages.request(Opcode.NOTIFY_REPLY, bytes(0L)));
        assertThat(peer.server.malformed()).isEqualTo(8);
        assertNothingHappened();
    }

    @ParameterizedTest
    @EnumSource(Opcode.class)
    void isNotServedIfTheReplyWouldNotFit(Opcode opcode) {
        if (!opcode.hasReply()) {
            return;
        }
        byte[] request = wellFormed(opcode);
        int needed = 16 + opcode.replyBytes();
        for (int room : IntStream.of(0, 8, 15, needed - 1).filter(n -> n < needed).toArray()) {
            byte[] reply = peer.send(request, room);
            if (room < 16) {
                assertThat(reply).isEmpty();
            } else {
                assertThat(MemorySegment.ofArray(reply).get(Wire.LE32, 4)).isEqualTo(-Errno.EINVAL);
            }
        }
        assertNothingHappened();
    }

    @ParameterizedTest
    @EnumSource(Opcode.class)
    void isRefusedWhereverItIsCutOff(Opcode opcode) {
        byte[] whole = wellFormed(opcode);
        int numbers = 40 + opcode.requestBytes();
        for (int length = 0; length < numbers; length++) {
            byte[] cut = Arrays.copyOf(withLength(whole, length), length);
            byte[] reply = peer.send(cut);
            if (opcode.hasReply() || length < 40) {
                assertThat(MemorySegment.ofArray(reply).get(Wire.LE32, 4))
                        .as("cut to %d bytes", length)
                        .isEqualTo(-Errno.EINVAL);
            } else {
                assertThat(reply).isEmpty();
            }
        }
        assertNothingHappened();
    }

    /** The peer's memory changes between two looks: only the first one counts. */
    @Test
    void cannotChangeARequestWhileItIsBeingChecked() throws FuseProtocolException {
        byte[] message = Messages.request(Opcode.UNLINK, bytes("abc"));
        RequestView view = new RequestView();
        view.decode(Messages.ranges(message), Messages.agreement());
        Arrays.fill(message, (byte) '/');

        assertThat(FuseRequest.of(view))
                .isEqualTo(
                        new FuseRequest.Unlink(Messages.header(Opcode.UNLINK), FileName.of("abc")));
    }

    /** The directory is still there, alone, and the server serves. */
    private void assertNothingHappened() {
        assertThat(peer.server.agreement()).isPresent();
        assertThat(memory.nodeCount()).isEqualTo(2);
        assertThat(memory.handleCount()).isZero();
        assertThat(peer.server.failed()).isZero();
        byte[] lookup = peer.send(Messages.request(Opcode.LOOKUP, bytes("d")));
        assertThat(MemorySegment.ofArray(lookup).get(Wire.LE32, 4)).isZero();
        assertThat(MemorySegment.ofArray(lookup).get(Wire.LE64, 16)).isEqualTo(2);
    }

    private static byte[] wellFormed(Opcode opcode) {
        byte[] numbers = new byte[opcode.requestBytes()];
        return Messages.request(
                opcode,
                switch (opcode) {
                    case LOOKUP, UNLINK, RMDIR, MKNOD, MKDIR, CREATE, TMPFILE, LINK ->
                            bytes(numbers, "x");
                    case REMOVEXATTR, GETXATTR, SETXATTR -> bytes(numbers, "user.x");
                    case RENAME, RENAME2, SYMLINK -> bytes(numbers, "x", "y");
                    default -> numbers;
                });
    }

    private static Arguments of(
            String what, Opcode opcode, int extensions, int errno, Object... parts) {
        return arguments(
                what, Messages.request(opcode.number(), 1, extensions, bytes(parts)), errno);
    }

    private static Arguments of(String what, int opcode, int errno) {
        return arguments(what, Messages.request(opcode, 1, 0, new byte[64]), errno);
    }

    /** {@return read_in or write_in, which have the same form} */
    private static byte[] write(long offset, int size) {
        return bytes(1L, offset, size, 0, 0L, 0, 0);
    }

    private static byte[] setattr(int valid, long size, int nanos) {
        return bytes(valid, 0, 0L, size, 0L, 0L, 0L, 0L, nanos, 0, 0, 0, 0, 0, 0, 0);
    }

    private static byte[] raw(String text) {
        return text.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    }

    private static byte[] withLength(byte[] message, int length) {
        byte[] changed = message.clone();
        MemorySegment.ofArray(changed).set(Wire.LE32, 0, length);
        return changed;
    }
}
