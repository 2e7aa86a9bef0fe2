// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.fuse.Flags;
import io.bunkai.fuse.InitFlag;
import io.bunkai.fuse.Opcode;
import io.bunkai.fuse.Structs;
import io.bunkai.linux.Fd;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What options change. Needs root. */
class SemanticsTest {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final int UID = 1000;
    private static final int GID = 2000;

    @TempDir Path folder;

    private ServedDirectory served;
    private GuestMount guest;

    private void serve(String... arguments) throws IOException {
        serve(EnumSet.allOf(InitFlag.class), arguments);
    }

    private void serve(Set<InitFlag> flags, String... arguments) throws IOException {
        served = new ServedDirectory(folder, arguments);
        guest = served.guest;
        guest.init(flags);
    }

    @AfterEach
    void end() throws IOException {
        served.close();
    }

    private static Object attribute(Path file, String name) throws IOException {
        return Files.getAttribute(file, "unix:" + name);
    }

    // --- identities ---

    @Test
    void filesBelongToTheGuestsUserAndGroup() throws Exception {
        Files.setAttribute(folder, "unix:mode", 0777);
        serve();
        guest.lane(0).actAs(UID, GID);
        guest.create(GuestMount.ROOT, "file", Fd.O_RDWR, 0100664);
        guest.mkdir(GuestMount.ROOT, "dir", 0775);
        guest.symlink(GuestMount.ROOT, "link", "file");
        for (String name : new String[] {"file", "dir"}) {
            assertThat(attribute(folder.resolve(name), "uid")).isEqualTo(UID);
            assertThat(attribute(folder.resolve(name), "gid")).isEqualTo(GID);
        }
        assertThat((int) attribute(folder.resolve("file"), "mode") & 07777).isEqualTo(0664);
        assertThat(guest.lookup(GuestMount.ROOT, "link").uid()).isEqualTo(UID);
        guest.lane(0).actAs(0, 0);
        guest.create(GuestMount.ROOT, "roots", Fd.O_RDWR, 0100600);
        assertThat(attribute(folder.resolve("roots"), "uid")).isEqualTo(0);
    }

    /** CVE-2022-0358: this process's own groups are not the guest's. */
    @Test
    void whoIsNotInTheGroupOfAFolderGetsNoSetGroupIdFileInIt() throws Exception {
        Files.setAttribute(folder, "unix:mode", 02777);
        serve();
        guest.lane(0).actAs(UID, GID);
        guest.create(GuestMount.ROOT, "file", Fd.O_RDWR, 0102771);
        assertThat((int) attribute(folder.resolve("file"), "mode") & 07777).isEqualTo(0771);
        assertThat(attribute(folder.resolve("file"), "gid")).isEqualTo(0);
    }

    @Test
    void devicesAreMadeByRootAlone() throws Exception {
        Files.setAttribute(folder, "unix:mode", 0777);
        serve();
        guest.lane(0).actAs(UID, GID);
        assertThatThrownBy(() ->
                        guest.call(Opcode.MKNOD, 1, guest.put(0020600, 1, 0, 0, "n"), 0, 200, 0))
                .hasMessageContaining("EPERM");
    }

    @Test
    void numbersAreTranslated() throws Exception {
        Files.setAttribute(folder, "unix:mode", 0777);
        serve("--translate-uid=map:1000:501000:10", "--translate-uid=forbid-guest:7:1");
        guest.lane(0).actAs(UID + 1, 0);
        guest.create(GuestMount.ROOT, "file", Fd.O_RDWR, 0100600);
        assertThat(attribute(folder.resolve("file"), "uid")).isEqualTo(501001);
        assertThat(guest.lookup(GuestMount.ROOT, "file").uid()).isEqualTo(UID + 1);
        guest.lane(0).actAs(7, 0);
        assertThatThrownBy(() -> guest.mkdir(GuestMount.ROOT, "no", 0700))
                .hasMessageContaining("EPERM");
        long node = guest.lookup(GuestMount.ROOT, "file").node();
        assertThatThrownBy(() -> setattr(node, Flags.FATTR_UID, 7)).hasMessageContaining("EPERM");
        setattr(node, Flags.FATTR_UID, 1005);
        assertThat(attribute(folder.resolve("file"), "uid")).isEqualTo(501005);
    }

    private void setattr(long node, int valid, int uid) throws IOException {
        byte[] arguments = new byte[Structs.SETATTR_IN.bytes()];
        ByteBuffer.wrap(arguments)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(0, valid)
                .putInt(Structs.SETATTR_IN.offset("uid"), uid)
                .putLong(Structs.SETATTR_IN.offset("size"), uid);
        int reply = Structs.ATTR_OUT.bytes();
        guest.call(Opcode.SETATTR, node, guest.put((Object) arguments), 0, reply, 0);
    }

    // --- set-id bits and capabilities ---

    @Test
    void aWriteOfOneWhoMayNotKeepThemDropsSetIdBits() throws Exception {
        Files.writeString(folder.resolve("file"), "x");
        serve("--killpriv-v2");
        GuestMount.Entry entry = guest.lookup(GuestMount.ROOT, "file");
        long handle = guest.open(entry.node(), Fd.O_RDWR);
        Files.setAttribute(folder.resolve("file"), "unix:mode", 06777);
        write(entry.node(), handle, 0);
        assertThat(guest.getattr(entry.node()).mode() & 07777).isEqualTo(06777);
        write(entry.node(), handle, Flags.WRITE_KILL_SUIDGID);
        assertThat(guest.getattr(entry.node()).mode() & 07777).isEqualTo(0777);
        Files.setAttribute(folder.resolve("file"), "unix:mode", 06777);
        setattr(entry.node(), Flags.FATTR_SIZE | Flags.FATTR_KILL_SUIDGID, 0);
        assertThat(guest.getattr(entry.node()).mode() & 07777).isEqualTo(0777);
    }

    private void write(long node, long handle, int writeFlags) throws IOException {
        int arguments = guest.put(handle, 0L, 1, writeFlags, 0L, 0, 0);
        guest.call(Opcode.WRITE, node, arguments, 1, Structs.WRITE_OUT.bytes(), 0);
    }

    /** CVE-2021-20263. */
    @Test
    void capabilitiesUnderAnotherNameDoNotSurviveAChange() throws Exception {
        Files.writeString(folder.resolve("file"), "x");
        serve("--xattrmap=:map::user.virtiofs.:");
        GuestMount.Entry entry = guest.lookup(GuestMount.ROOT, "file");
        long handle = guest.open(entry.node(), Fd.O_RDWR);
        setCapability(entry.node());
        assertThat(hasCapability()).isTrue();
        write(entry.node(), handle, 0);
        assertThat(hasCapability()).isFalse();
        setCapability(entry.node());
        setattr(entry.node(), Flags.FATTR_SIZE, 0);
        assertThat(hasCapability()).isFalse();
        setCapability(entry.node());
        setattr(entry.node(), Flags.FATTR_UID, 5);
        assertThat(hasCapability()).isFalse();
    }

    private void setCapability(long node) throws IOException {
        int arguments = guest.put(4, 0, 0, 0, "security.capability", new byte[] {1, 2, 3, 4});
        guest.call(Opcode.SETXATTR, node, arguments, 0, 0, 0);
    }

    private boolean hasCapability() throws IOException {
        return Files.readAttributes(folder.resolve("file"), "user:*")
                .containsKey("virtiofs.security.capability");
    }

    // --- extended attributes ---

    @Test
    void attributesHaveTheNameThatTheMapGivesThem() throws Exception {
        Files.writeString(folder.resolve("file"), "x");
        serve("--xattrmap=:map:trusted.:user.t.:");
        long node = guest.lookup(GuestMount.ROOT, "file").node();
        guest.call(Opcode.SETXATTR, node, guest.put(2, 0, 0, 0, "trusted.x", new byte[2]), 0, 0, 0);
        assertThat(Files.readAttributes(folder.resolve("file"), "user:*"))
                .containsKey("t.trusted.x");
        MemorySegment size =
                guest.call(Opcode.GETXATTR, node, guest.put(0, 0, "trusted.x"), 0, 8, 0);
        assertThat(size.get(INT, 0)).isEqualTo(2);
        MemorySegment list = guest.call(Opcode.LISTXATTR, node, guest.put(100, 0), 0, 100, 0);
        assertThat(list.asSlice(0, 10).toArray(ValueLayout.JAVA_BYTE))
                .isEqualTo("trusted.x\0".getBytes(UTF_8));
        assertThatThrownBy(() ->
                        guest.call(
                                Opcode.GETXATTR,
                                node,
                                guest.put(0, 0, "user.t.trusted.x"),
                                0,
                                8,
                                0))
                .hasMessageContaining("EPERM");
        guest.call(Opcode.REMOVEXATTR, node, guest.put("trusted.x"), 0, 0, 0);
        assertThat(Files.readAttributes(folder.resolve("file"), "user:*")).isEmpty();
    }

    @Test
    void withoutTheOptionThereAreNoAttributes() throws Exception {
        serve();
        assertThatThrownBy(() -> guest.call(Opcode.GETXATTR, 1, guest.put(0, 0, "user.x"), 0, 8, 0))
                .hasMessageContaining("ENOSYS");
        assertThatThrownBy(() -> guest.call(Opcode.LISTXATTR, 1, guest.put(0, 0), 0, 8, 0))
                .hasMessageContaining("ENOSYS");
    }

    @Test
    void accessControlListsAreHiddenUnlessTheGuestChecksByThem() throws Exception {
        serve("--xattr");
        assertThatThrownBy(() ->
                        guest.call(
                                Opcode.GETXATTR,
                                1,
                                guest.put(0, 0, "system.posix_acl_access"),
                                0,
                                8,
                                0))
                .hasMessageContaining("EOPNOTSUPP");
    }

    @Test
    void aGuestWithoutAccessControlListsIsRefusedWhereTheyArePromised() throws Exception {
        served = new ServedDirectory(folder, "--posix-acl");
        guest = served.guest;
        assertThatThrownBy(() -> guest.init(Set.of())).hasMessageContaining("errno 71");
        assertThat(guest.init() & InitFlag.POSIX_ACL.mask()).isNotZero();
    }

    /** With a default list the umask does not count; without one it does. */
    @Test
    void theUmaskCountsWhereThereIsNoDefaultList() throws Exception {
        serve("--posix-acl");
        guest.call(Opcode.MKDIR, 1, guest.put(0777, 027, "plain"), 0, 200, 0);
        assertThat((int) attribute(folder.resolve("plain"), "mode") & 07777).isEqualTo(0750);
        // version 2; user::rwx, group::rwx, other::r-x
        byte[] list =
                ByteBuffer.allocate(28)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt(2)
                        .putShort((short) 1)
                        .putShort((short) 7)
                        .putInt(-1)
                        .putShort((short) 4)
                        .putShort((short) 7)
                        .putInt(-1)
                        .putShort((short) 0x20)
                        .putShort((short) 5)
                        .putInt(-1)
                        .array();
        int arguments = guest.put(28, 0, 0, 0, "system.posix_acl_default", list);
        guest.call(Opcode.SETXATTR, 1, arguments, 0, 0, 0);
        guest.call(Opcode.MKDIR, 1, guest.put(0777, 027, "listed"), 0, 200, 0);
        assertThat((int) attribute(folder.resolve("listed"), "mode") & 07777).isEqualTo(0775);
    }

    // --- caching ---

    @Test
    void howLongAnswersHoldIsWhatTheModeSays() throws Exception {
        Files.writeString(folder.resolve("file"), "x");
        serve("--cache=always");
        MemorySegment reply =
                guest.call(Opcode.LOOKUP, 1, guest.put("file"), 0, Structs.ENTRY_OUT.bytes(), 0);
        assertThat(reply.get(LONG, Structs.ENTRY_OUT.offset("entry_valid"))).isEqualTo(86_400);
        assertThat(reply.get(LONG, Structs.ENTRY_OUT.offset("attr_valid"))).isEqualTo(86_400);
        long node = reply.get(LONG, 0);
        reply = guest.call(Opcode.OPEN, node, guest.put(0, 0), 0, Structs.OPEN_OUT.bytes(), 0);
        assertThat(reply.get(INT, 8) & Flags.FOPEN_KEEP_CACHE).isNotZero();
        reply = guest.call(Opcode.LOOKUP, 1, guest.put("none"), 0, Structs.ENTRY_OUT.bytes(), 0);
        assertThat(reply.get(LONG, 0)).isZero();
        assertThat(reply.get(LONG, Structs.ENTRY_OUT.offset("entry_valid"))).isEqualTo(1);
    }

    @Test
    void withoutACacheNothingHolds() throws Exception {
        Files.writeString(folder.resolve("file"), "x");
        served = new ServedDirectory(folder, "--cache=never");
        guest = served.guest;
        long agreed = guest.init();
        assertThat(agreed & InitFlag.DO_READDIRPLUS.mask()).isZero();
        MemorySegment reply =
                guest.call(Opcode.LOOKUP, 1, guest.put("file"), 0, Structs.ENTRY_OUT.bytes(), 0);
        assertThat(reply.get(LONG, Structs.ENTRY_OUT.offset("entry_valid"))).isZero();
        long node = reply.get(LONG, 0);
        reply = guest.call(Opcode.OPEN, node, guest.put(0, 0), 0, Structs.OPEN_OUT.bytes(), 0);
        assertThat(reply.get(INT, 8) & Flags.FOPEN_DIRECT_IO).isNotZero();
        assertThatThrownBy(() -> guest.lookup(GuestMount.ROOT, "none"))
                .hasMessageContaining("ENOENT");
    }

    @Test
    void aFileThatCollectsWritesCanBeRead() throws Exception {
        Files.writeString(folder.resolve("file"), "content");
        serve("--writeback");
        long node = guest.lookup(GuestMount.ROOT, "file").node();
        long handle = guest.open(node, Fd.O_WRONLY | Fd.O_APPEND);
        assertThat(guest.read(node, handle, 0, 100)).asString().isEqualTo("content");
        int arguments = guest.put(handle, 2L, 1, Flags.WRITE_CACHE, 0L, Fd.O_APPEND, 0);
        guest.lane(0).data(0).set(ValueLayout.JAVA_BYTE, 0, (byte) '!');
        guest.call(Opcode.WRITE, node, arguments, 1, Structs.WRITE_OUT.bytes(), 0);
        assertThat(Files.readString(folder.resolve("file"))).isEqualTo("co!tent");
    }

    @Test
    void appendingIsToldWithEachWrite() throws Exception {
        Files.writeString(folder.resolve("file"), "content");
        serve();
        long node = guest.lookup(GuestMount.ROOT, "file").node();
        long handle = guest.open(node, Fd.O_WRONLY | Fd.O_APPEND);
        guest.lane(0).data(0).set(ValueLayout.JAVA_BYTE, 0, (byte) '!');
        int arguments = guest.put(handle, 2L, 1, 0, 0L, Fd.O_APPEND, 0);
        guest.call(Opcode.WRITE, node, arguments, 1, Structs.WRITE_OUT.bytes(), 0);
        assertThat(Files.readString(folder.resolve("file"))).isEqualTo("content!");
    }

    // --- the rest ---

    @Test
    void whatMayOnlyBeReadIsNotChanged() throws Exception {
        Files.writeString(folder.resolve("file"), "content");
        serve("--readonly", "--xattr");
        long node = guest.lookup(GuestMount.ROOT, "file").node();
        long handle = guest.open(node, Fd.O_RDONLY);
        assertThat(guest.read(node, handle, 0, 100)).asString().isEqualTo("content");
        String refused = "EROFS";
        assertThatThrownBy(() -> guest.open(node, Fd.O_RDWR)).hasMessageContaining(refused);
        assertThatThrownBy(() -> guest.open(node, Fd.O_TRUNC)).hasMessageContaining(refused);
        assertThatThrownBy(() -> guest.write(node, handle, 0, new byte[1]))
                .hasMessageContaining(refused);
        assertThatThrownBy(() -> guest.unlink(1, "file")).hasMessageContaining(refused);
        assertThatThrownBy(() -> guest.mkdir(1, "d", 0700)).hasMessageContaining(refused);
        assertThatThrownBy(() -> guest.symlink(1, "s", "x")).hasMessageContaining(refused);
        assertThatThrownBy(() -> guest.create(1, "c", Fd.O_RDWR, 0100600))
                .hasMessageContaining(refused);
        assertThatThrownBy(() -> setattr(node, Flags.FATTR_SIZE, 0)).hasMessageContaining(refused);
        assertThatThrownBy(() -> guest.call(Opcode.RENAME, 1, guest.put(1L, "file", "x"), 0, 0, 0))
                .hasMessageContaining(refused);
        assertThatThrownBy(() -> guest.call(Opcode.REMOVEXATTR, node, guest.put("user.x"), 0, 0, 0))
                .hasMessageContaining(refused);
        assertThat(Files.readString(folder.resolve("file"))).isEqualTo("content");
    }

    @Test
    void aMountBeneathTheDirectoryIsAnnouncedAndCanBeUnmountedAgain() throws Exception {
        Path mount = Files.createDirectory(folder.resolve("mount"));
        serve();
        new ProcessBuilder("mount", "-t", "tmpfs", "none", mount.toString()).start().waitFor();
        try {
            Files.writeString(mount.resolve("inside"), "x");
            MemorySegment reply =
                    guest.call(
                            Opcode.LOOKUP, 1, guest.put("mount"), 0, Structs.ENTRY_OUT.bytes(), 0);
            int flags = Structs.ENTRY_OUT.offset("attr") + Structs.ATTR.offset("flags");
            assertThat(reply.get(INT, flags)).isEqualTo(Flags.ATTR_SUBMOUNT);
            long node = reply.get(LONG, 0);
            GuestMount.Entry inside = guest.lookup(node, "inside");
            assertThat(inside.size()).isEqualTo(1);
            guest.forget(inside.node(), 1);
            guest.forget(node, 1);
        } finally {
            int result = new ProcessBuilder("umount", mount.toString()).start().waitFor();
            assertThat(result).as("nothing of the mount is held").isZero();
        }
    }

    @Test
    void aGuestThatMountsAgainKnowsNothingOfBefore() throws Exception {
        Files.writeString(folder.resolve("file"), "x");
        serve();
        long node = guest.lookup(GuestMount.ROOT, "file").node();
        long handle = guest.open(node, Fd.O_RDONLY);
        guest.init();
        assertThatThrownBy(() -> guest.getattr(node)).hasMessageContaining("EBADF");
        assertThatThrownBy(() -> guest.read(node, handle, 0, 1)).hasMessageContaining("EBADF");
        assertThat(served.descriptors.used()).isEqualTo(1);
    }

    @Test
    void bytesAreCopiedFromFileToFile() throws Exception {
        Files.writeString(folder.resolve("from"), "0123456789");
        Files.writeString(folder.resolve("to"), "");
        serve();
        long from = guest.lookup(GuestMount.ROOT, "from").node();
        long to = guest.lookup(GuestMount.ROOT, "to").node();
        long fromHandle = guest.open(from, Fd.O_RDONLY);
        long toHandle = guest.open(to, Fd.O_RDWR);
        int arguments = guest.put(fromHandle, 2L, to, toHandle, 1L, 5L, 0L);
        MemorySegment reply =
                guest.call(
                        Opcode.COPY_FILE_RANGE, from, arguments, 0, Structs.WRITE_OUT.bytes(), 0);
        assertThat(reply.get(INT, 0)).isEqualTo(5);
        assertThat(Files.readString(folder.resolve("to"))).isEqualTo("\00023456");
    }
}
