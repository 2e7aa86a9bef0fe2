// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.fuse.Opcode;
import io.bunkai.linux.Errno;
import io.bunkai.linux.Fd;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Messages that no kernel sends. The server goes on, and touches nothing outside. Needs root. */
class HostileGuestTest {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final int OPCODE = 4;
    private static final int NODE = 16;

    @TempDir Path folder;

    private Path share;
    private ServedDirectory served;
    private GuestMount guest;
    private Lane lane;

    @BeforeEach
    void serve() throws Exception {
        share = Files.createDirectory(folder.resolve("share"));
        Files.writeString(folder.resolve("victim"), "untouched");
        Files.writeString(share.resolve("file"), "content");
        served = new ServedDirectory(share, "--xattr");
        guest = served.guest;
        guest.init();
        lane = guest.lane(0);
    }

    @AfterEach
    void theServerLivesAndNothingOutsideIsTouched() throws Exception {
        assertThat(guest.getattr(GuestMount.ROOT).mode() & 0170000).isEqualTo(0040000);
        assertThat(guest.lookup(GuestMount.ROOT, "file").size()).isEqualTo(7);
        assertThat(Files.readString(folder.resolve("victim"))).isEqualTo("untouched");
        try (var left = Files.list(folder)) {
            assertThat(left.map(path -> path.getFileName().toString()))
                    .containsExactlyInAnyOrder("share", "victim");
        }
        served.close();
    }

    private void header(Opcode opcode, long node, int length) {
        MemorySegment raw = lane.raw(0);
        raw.fill((byte) 0);
        raw.set(INT, 0, length);
        raw.set(INT, OPCODE, opcode.number());
        raw.set(LONG, 8, 99);
        raw.set(LONG, NODE, node);
    }

    /** {@return how long the reply is that came back} */
    private int exchange(int readable, int writable) throws IOException {
        lane.sendRaw(0, readable, writable);
        lane.submit();
        while (lane.take() == Lane.NONE) {
            lane.await();
        }
        return lane.queue().written();
    }

    @Test
    void aHeaderThatIsCutOffIsAnsweredWithAnError() throws Exception {
        header(Opcode.GETATTR, 1, 56);
        assertThat(exchange(20, 120)).isEqualTo(16);
        assertThat(lane.error(0)).isEqualTo(Errno.EINVAL);
    }

    @Test
    void aWriteWithoutItsNumbersIsAnsweredWithAnError() throws Exception {
        header(Opcode.WRITE, 1, 40);
        assertThat(exchange(40, 24)).isEqualTo(16);
        assertThat(lane.error(0)).isEqualTo(Errno.EINVAL);
    }

    @Test
    void aNameWithoutAnEndIsAnsweredWithAnError() throws Exception {
        header(Opcode.LOOKUP, 1, 44);
        lane.raw(0).asSlice(40, 4).fill((byte) 'n');
        assertThat(exchange(44, 144)).isEqualTo(16);
        assertThat(lane.error(0)).isEqualTo(Errno.EINVAL);
    }

    @Test
    void aReplyThatHasNoRoomIsGivenBackEmpty() throws Exception {
        header(Opcode.GETATTR, 1, 56);
        assertThat(exchange(56, 8)).isZero();
        header(Opcode.GETATTR, 1, 56);
        exchange(56, 40);
        assertThat(lane.error(0)).isNotZero();
        header(Opcode.GETATTR, 1, 56);
        assertThat(exchange(56, 0)).isZero();
        assertThat(exchange(0, 100)).isLessThanOrEqualTo(16);
    }

    @Test
    void forgettingMoreThanThereIsForgetsNoMore() throws Exception {
        guest.forget(GuestMount.ROOT, 1L << 40);
        guest.forget(GuestMount.ROOT, -1L);
        GuestMount.Entry file = guest.lookup(GuestMount.ROOT, "file");
        guest.forget(file.node(), Long.MIN_VALUE);
        guest.forget(file.node(), 1L << 62);
        guest.forget(file.node(), 1);
        guest.forget(0x7777_0000_1234L, 1);
        assertThatThrownBy(() -> guest.getattr(file.node())).hasMessageContaining("EBADF");
        assertThat(served.files.known()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, 2, 1L << 32 | 1, Long.MIN_VALUE, 0xffff_ffffL, 1 << 20})
    void aNodeThatIsNoneIsAnsweredWithAnError(long node) {
        assertThatThrownBy(() -> guest.getattr(node)).hasMessageContaining("EBADF");
        assertThatThrownBy(() -> guest.lookup(node, "file")).hasMessageContaining("EBADF");
        assertThatThrownBy(() -> guest.open(node, 0)).hasMessageContaining("EBADF");
        assertThatThrownBy(() -> guest.unlink(node, "file")).hasMessageContaining("EBADF");
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, 5, 1L << 32 | 1, Long.MIN_VALUE})
    void aHandleThatIsNoneIsAnsweredWithAnError(long handle) {
        assertThatThrownBy(() -> guest.read(1, handle, 0, 10)).hasMessageContaining("EBADF");
        assertThatThrownBy(() -> guest.write(1, handle, 0, new byte[3]))
                .hasMessageContaining("EBADF");
        assertThatThrownBy(() -> guest.release(1, handle)).hasMessageContaining("EBADF");
    }

    @Test
    void aHandleIsOfNoUseOnceItIsReleased() throws Exception {
        long node = guest.lookup(GuestMount.ROOT, "file").node();
        long handle = guest.open(node, Fd.O_RDONLY);
        guest.release(node, handle);
        assertThatThrownBy(() -> guest.release(node, handle)).hasMessageContaining("EBADF");
        long next = guest.open(node, Fd.O_RDONLY);
        assertThat(next).isNotEqualTo(handle);
        assertThatThrownBy(() -> guest.read(node, handle, 0, 1)).hasMessageContaining("EBADF");
        guest.release(node, next);
    }

    @Test
    void anUnknownOperationIsAnsweredEnosys() throws Exception {
        header(Opcode.GETATTR, 1, 40);
        for (int opcode : new int[] {0, 7, 19, 999, 4096, -1}) {
            lane.raw(0).set(INT, OPCODE, opcode);
            assertThat(exchange(40, 200)).isEqualTo(16);
            assertThat(lane.error(0)).isEqualTo(Errno.ENOSYS);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"/", "..", ".", "", "../victim", "/etc/passwd", "a/b", "file/", "sub/../x"})
    void namesThatAreWaysAreRefusedInEveryOperation(String name) {
        refused(Opcode.LOOKUP, name);
        refused(Opcode.UNLINK, name);
        refused(Opcode.RMDIR, name);
        refused(Opcode.MKDIR, 0755, 0, name);
        refused(Opcode.MKNOD, 0100644, 0, 0, 0, name);
        refused(Opcode.SYMLINK, name, "target");
        refused(Opcode.LINK, 1L, name);
        refused(Opcode.CREATE, 2, 0100644, 0, 0, name);
        refused(Opcode.RENAME, 1L, "file", name);
        refused(Opcode.RENAME, 1L, name, "other");
        refused(Opcode.RENAME2, 1L, 0, 0, name, "other");
        refused(Opcode.RENAME2, 1L, 2, 0, "file", name);
    }

    private void refused(Opcode opcode, Object... arguments) {
        assertThatThrownBy(() -> guest.call(opcode, 1, guest.put(arguments), 0, 400, 0))
                .as(opcode + " of " + arguments[arguments.length - 1])
                .isInstanceOf(GuestMount.Refused.class)
                .hasMessageContaining("EINVAL");
    }

    @Test
    void namesThatAreTooLongAreRefused() {
        assertThatThrownBy(() -> guest.lookup(GuestMount.ROOT, "n".repeat(256)))
                .hasMessageContaining("ENAMETOOLONG");
    }

    @Test
    void linksThatLeadOutsideAreNotFollowed() throws Exception {
        guest.symlink(GuestMount.ROOT, "out", "../victim");
        guest.symlink(GuestMount.ROOT, "up", "..");
        GuestMount.Entry out = guest.lookup(GuestMount.ROOT, "out");
        assertThat(out.mode() & 0170000).isEqualTo(0120000);
        assertThatThrownBy(() -> guest.open(out.node(), Fd.O_RDWR)).hasMessageContaining("EBADF");
        GuestMount.Entry up = guest.lookup(GuestMount.ROOT, "up");
        assertThatThrownBy(() -> guest.lookup(up.node(), "victim")).hasMessageContaining("ENOTDIR");
        assertThatThrownBy(() -> guest.opendir(up.node())).hasMessageContaining("ENOTDIR");
        assertThatThrownBy(() -> guest.create(GuestMount.ROOT, "out", Fd.O_RDWR, 0100600))
                .hasMessageContaining("EBADF");
        assertThatThrownBy(() ->
                        guest.call(
                                Opcode.SETATTR,
                                out.node(),
                                guest.put(1 << 3, 0, 0L, 3L, new byte[64]),
                                0,
                                200,
                                0))
                .isInstanceOf(GuestMount.Refused.class);
    }

    /** Opening a device of the host, or a pipe that nobody writes, would do something. */
    @ParameterizedTest
    @ValueSource(ints = {0020666, 0060666, 0010666, 0140666})
    void whatIsNoFileIsNeverOpened(int mode) throws Exception {
        guest.call(Opcode.MKNOD, 1, guest.put(mode, 0x103, 0, 0, "special"), 0, 200, 0);
        GuestMount.Entry special = guest.lookup(GuestMount.ROOT, "special");
        assertThatThrownBy(() -> guest.open(special.node(), Fd.O_RDWR))
                .hasMessageContaining("EBADF");
        assertThatThrownBy(() -> guest.create(GuestMount.ROOT, "special", Fd.O_RDWR, 0100600))
                .hasMessageContaining("EBADF");
        assertThatThrownBy(() -> guest.opendir(special.node())).hasMessageContaining("ENOTDIR");
    }

    @Test
    void aFileThatWasReplacedByADeviceOnTheHostIsNotOpened() throws Exception {
        GuestMount.Entry file = guest.lookup(GuestMount.ROOT, "file");
        guest.unlink(GuestMount.ROOT, "file");
        guest.call(Opcode.MKNOD, 1, guest.put(0020666, 0x103, 0, 0, "file"), 0, 200, 0);
        long handle = guest.open(file.node(), Fd.O_RDWR); // the old file, which has no name
        assertThat(guest.read(file.node(), handle, 0, 100)).asString().isEqualTo("content");
        guest.release(file.node(), handle);
        guest.unlink(GuestMount.ROOT, "file");
        Files.writeString(share.resolve("file"), "content");
    }

    @Test
    void flagsThatWouldMakeOrFollowNamesAreNotPassedOn() throws Exception {
        long node = guest.lookup(GuestMount.ROOT, "file").node();
        int odd = Fd.O_PATH | Fd.O_DIRECTORY | 0x2000 | 0x400000 | Fd.O_CREAT;
        long handle = guest.open(node, Fd.O_RDONLY | odd);
        assertThat(guest.read(node, handle, 0, 7)).asString().isEqualTo("content");
        guest.release(node, handle);
    }

    @Test
    void aGuestThatOpensWithoutEndIsToldThatThereAreNoMore() throws Exception {
        long node = guest.lookup(GuestMount.ROOT, "file").node();
        int opened = 0;
        int errno = 0;
        while (errno == 0 && opened <= ServedDirectory.MOST_DESCRIPTORS) {
            try {
                guest.open(node, Fd.O_RDONLY);
                opened++;
            } catch (GuestMount.Refused e) {
                errno = e.errno();
            }
        }
        assertThat(errno).isEqualTo(Errno.ENFILE);
        assertThat(opened).isLessThan(ServedDirectory.MOST_DESCRIPTORS);
        assertThatThrownBy(() -> guest.create(GuestMount.ROOT, "more", Fd.O_RDWR, 0100600))
                .hasMessageContaining("ENFILE");
        assertThat(Files.exists(share.resolve("more"))).isFalse();
        assertThat(guest.getattr(node).size()).isEqualTo(7);
        guest.init(); // as after a restart of the guest
        assertThat(served.descriptors.used()).isEqualTo(1);
    }

    @Test
    void sizesBeyondAllBoundsAreRefused() throws Exception {
        long node = guest.lookup(GuestMount.ROOT, "file").node();
        long handle = guest.open(node, Fd.O_RDWR);
        header(Opcode.READ, node, 80);
        MemorySegment raw = lane.raw(0);
        raw.set(LONG, 40, handle);
        raw.set(INT, 56, Integer.MAX_VALUE);
        exchange(80, 100);
        assertThat(lane.error(0)).isEqualTo(Errno.EINVAL);
        raw.set(INT, 56, -1);
        exchange(80, 100);
        assertThat(lane.error(0)).isEqualTo(Errno.EINVAL);
        header(Opcode.WRITE, node, 80);
        raw.set(LONG, 40, handle);
        raw.set(INT, 56, 1 << 30);
        exchange(80, 100);
        assertThat(lane.error(0)).isEqualTo(Errno.EINVAL);
        header(Opcode.READ, node, 80);
        raw.set(LONG, 40, handle);
        raw.set(LONG, 48, -5);
        exchange(80, 100);
        assertThat(lane.error(0)).isEqualTo(Errno.EINVAL);
        guest.release(node, handle);
    }

    @Test
    void aBrokenQueueIsReportedAndTheOtherGoesOn() throws Exception {
        Lane other = guest.lane(1);
        other.queue().begin();
        other.queue().readable(0x7777_0000_0000L, 40); // outside of all memory
        other.queue().end();
        other.submit();
        assertThat(served.brokenQueue()).isEqualTo(2);
        assertThat(guest.lookup(GuestMount.ROOT, "file").size()).isEqualTo(7);
    }

    @ParameterizedTest
    @EnumSource(Opcode.class)
    void argumentsByChanceHarmNobody(Opcode opcode) throws Exception {
        if (opcode == Opcode.DESTROY || opcode == Opcode.INIT) {
            return; // they end the mount, as they may; the random messages below have them, too
        }
        SplittableRandom random = new SplittableRandom(opcode.number());
        long[] nodes = {1, guest.lookup(GuestMount.ROOT, "file").node(), 0, -1};
        long handle = guest.open(nodes[1], Fd.O_RDONLY);
        byte[] junk = new byte[400];
        for (int i = 0; i < 200; i++) {
            new Random(random.nextLong()).nextBytes(junk);
            int length = 40 + random.nextInt(junk.length);
            header(opcode, nodes[random.nextInt(nodes.length)], length);
            MemorySegment raw = lane.raw(0);
            MemorySegment.copy(junk, 0, raw, ValueLayout.JAVA_BYTE, 40, junk.length);
            if (random.nextBoolean()) {
                raw.set(LONG, 40, random.nextBoolean() ? handle : 1);
                raw.asSlice(48, 40).fill((byte) 0);
            }
            exchange(length, random.nextInt(300));
        }
        restore();
    }

    /** Some of that is a request that can be carried out. */
    private void restore() throws IOException {
        guest.init();
        try (var all = Files.walk(share)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                if (!path.equals(share)) {
                    Files.delete(path);
                }
            }
        }
        Files.writeString(share.resolve("file"), "content");
        Files.setPosixFilePermissions(share, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
