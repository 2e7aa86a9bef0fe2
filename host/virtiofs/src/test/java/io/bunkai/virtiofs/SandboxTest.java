// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Closer;
import io.bunkai.fuse.Opcode;
import io.bunkai.fuse.Structs;
import io.bunkai.linux.Fd;
import io.bunkai.linux.Identity;
import io.bunkai.linux.MountNamespace;
import io.bunkai.linux.Mounts;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Scanner;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The program itself, in each of its sandboxes, with a guest that wants out of the share. */
@Timeout(120)
class SandboxTest {
    private static final List<String> WAYS =
            List.of("..", ".", "", "/", "../outside", "/etc/passwd", "folder/../x", "file/");

    @TempDir static Path programs;
    private static Path launcher;
    @TempDir Path temporary;
    private Path share;
    private Path secret;

    @BeforeEach
    void makeShare() throws IOException {
        Path real = temporary.toRealPath();
        share = Files.createDirectory(real.resolve("share"));
        Files.writeString(share.resolve("file"), "content");
        Files.createDirectory(share.resolve("folder"));
        Path outside = Files.createDirectory(real.resolve("outside"));
        secret = Files.writeString(outside.resolve("secret"), "nobody's");
        Files.createSymbolicLink(share.resolve("absolute"), secret);
        Files.createSymbolicLink(share.resolve("relative"), Path.of("../outside"));
    }

    @BeforeAll
    static void makeProgram() throws Exception {
        launcher = LaidOutProgram.make(programs);
    }

    private RealServer server(Sandbox sandbox, String... more) throws IOException {
        return new RealServer(launcher, temporary, share, sandbox, more);
    }

    @ParameterizedTest
    @EnumSource(Sandbox.class)
    void nothingOutsideOfTheShareIsReached(Sandbox sandbox) throws Exception {
        try (RealServer server = server(sandbox)) {
            GuestMount guest = server.guest;
            for (String way : WAYS) {
                refused(guest, Opcode.LOOKUP, way);
                refused(guest, Opcode.UNLINK, way);
                refused(guest, Opcode.RMDIR, way);
                refused(guest, Opcode.MKDIR, 0755, 0, way);
                refused(guest, Opcode.SYMLINK, way, "target");
                refused(guest, Opcode.LINK, 1L, way);
                refused(guest, Opcode.CREATE, 2, 0100644, 0, 0, way);
                refused(guest, Opcode.RENAME, 1L, "file", way);
            }
            for (String link : List.of("absolute", "relative")) {
                GuestMount.Entry entry = guest.lookup(GuestMount.ROOT, link);
                assertThat(entry.mode() & 0170000).isEqualTo(0120000);
                assertThatThrownBy(() -> guest.open(entry.node(), Fd.O_RDWR))
                        .hasMessageContaining("EBADF");
                assertThatThrownBy(() -> guest.opendir(entry.node()))
                        .hasMessageContaining("ENOTDIR");
                assertThatThrownBy(() -> guest.lookup(entry.node(), "secret"))
                        .hasMessageContaining("ENOTDIR");
                assertThatThrownBy(() -> guest.create(GuestMount.ROOT, link, Fd.O_RDWR, 0100600))
                        .hasMessageContaining("EBADF");
            }
            long file = guest.lookup(GuestMount.ROOT, "file").node();
            long handle = guest.open(file, Fd.O_RDWR);
            assertThat(guest.read(file, handle, 0, 100)).asString().isEqualTo("content");
            guest.release(file, handle);
        }
        assertThat(secret).hasContent("nobody's");
        assertThat(secret.getParent()).isDirectoryContaining(path -> path.equals(secret));
        try (Stream<Path> entries = Files.list(temporary)) {
            assertThat(entries.map(path -> path.getFileName().toString()))
                    .contains("share", "outside")
                    .doesNotContain("x", "target");
        }
    }

    private static void refused(GuestMount guest, Opcode opcode, Object... arguments) {
        assertThatThrownBy(() -> guest.call(opcode, 1, guest.put(arguments), 0, 400, 0))
                .as(opcode + " of '" + arguments[arguments.length - 1] + "'")
                .isInstanceOf(GuestMount.Refused.class)
                .hasMessageContaining("EINVAL");
    }

    /** A device or a pipe of the host that was opened would do something. */
    @ParameterizedTest
    @EnumSource(Sandbox.class)
    void whatIsNoFileIsNeverOpened(Sandbox sandbox) throws Exception {
        try (RealServer server = server(sandbox)) {
            GuestMount guest = server.guest;
            for (int kind : new int[] {0010666, 0140666}) {
                guest.call(Opcode.MKNOD, 1, guest.put(kind, 0, 0, 0, "special"), 0, 200, 0);
                long node = guest.lookup(GuestMount.ROOT, "special").node();
                assertThatThrownBy(() -> guest.open(node, Fd.O_RDWR)).hasMessageContaining("EBADF");
                guest.unlink(GuestMount.ROOT, "special");
            }
        }
    }

    /** The process itself has no other root, where it is said to have none. */
    @ParameterizedTest
    @EnumSource(names = {"NAMESPACE", "CHROOT"})
    void theShareIsTheServersRoot(Sandbox sandbox) throws Exception {
        try (RealServer server = server(sandbox)) {
            Path root = Path.of("/proc", Long.toString(server.process.pid()), "root");
            try (Stream<Path> entries = Files.list(root)) {
                assertThat(entries.map(path -> path.getFileName().toString()))
                        .containsExactlyInAnyOrder("file", "folder", "absolute", "relative");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Sandbox.class)
    void whatIsMountedBeneathTheShareIsSeen(Sandbox sandbox) throws Exception {
        Path beneath = share.resolve("folder");
        MountNamespace.call(() -> {
            Mounts.mount("beneath", beneath, "tmpfs", 0, "size=64k");
            try (RealServer server = server(sandbox)) {
                Files.writeString(beneath.resolve("inside"), "here");
                long folder = server.guest.lookup(GuestMount.ROOT, "folder").node();
                long file = server.guest.lookup(folder, "inside").node();
                long handle = server.guest.open(file, Fd.O_RDONLY);
                assertThat(server.guest.read(file, handle, 0, 100)).asString().isEqualTo("here");
                server.guest.release(file, handle);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
            return beneath;
        });
    }

    /** The virtual machine's own threads as well: whoever can make one work for him has no more. */
    @ParameterizedTest
    @EnumSource(Sandbox.class)
    void noThreadHasMoreThanTheOptionsNeed(Sandbox sandbox) throws Exception {
        try (RealServer server = server(sandbox)) {
            server.guest.lookup(GuestMount.ROOT, "file");
            serversThreadsHave(server, 0xdb | 1L << 31);
        }
        try (RealServer server = server(sandbox, "--inode-file-handles=prefer")) {
            serversThreadsHave(server, 0xdf | 1L << 31);
        }
        try (RealServer server = server(sandbox, "--modcaps=+mknod:-setfcap")) {
            serversThreadsHave(server, 0xdb | 1L << 27);
        }
    }

    private static void serversThreadsHave(RealServer server, long capabilities)
            throws IOException {
        Path threads = Path.of("/proc", Long.toString(server.process.pid()), "task");
        int serving = 0;
        int others = 0;
        try (Stream<Path> all = Files.list(threads)) {
            for (Path thread : all.toList()) {
                String status = Files.readString(thread.resolve("status"));
                long permitted = Identity.capabilities(status, "CapPrm");
                assertThat(permitted).as(status).isIn(0L, capabilities);
                assertThat(Identity.capabilities(status, "CapEff")).isEqualTo(permitted);
                assertThat(Identity.capabilities(status, "CapBnd")).as(status).isZero();
                assertThat(Identity.capabilities(status, "CapAmb")).as(status).isZero();
                assertThat(status).contains("NoNewPrivs:\t1\n", "Seccomp:\t2\n");
                assertThat(status).containsPattern("Groups:\\s*\n");
                if (permitted == 0) {
                    others++;
                    assertThat(status).contains("Uid:\t65533\t65533\t65533\t65533\n");
                } else {
                    serving++;
                    assertThat(status).contains("Uid:\t0\t0\t0\t0\n");
                }
            }
        }
        assertThat(serving).as("the session's and a queue's").isGreaterThanOrEqualTo(2);
        assertThat(others).as("the virtual machine's").isGreaterThanOrEqualTo(5);
    }

    @ParameterizedTest
    @EnumSource(Sandbox.class)
    void devicesAreMadeOnlyWhereThatIsAskedFor(Sandbox sandbox) throws Exception {
        try (RealServer server = server(sandbox)) {
            for (int kind : new int[] {0020666, 0060666}) {
                assertThatThrownBy(() -> makeNode(server, kind, 0x103, "null"))
                        .hasMessageContaining("EPERM");
            }
            makeNode(server, 0020666, 0, "whiteout"); // device 0:0 is none
            makeNode(server, 0010666, 0, "pipe");
        }
        try (RealServer server = server(sandbox, "--modcaps=+mknod")) {
            makeNode(server, 0020666, 0x103, "null");
        }
        assertThat((int) Files.getAttribute(share.resolve("null"), "unix:mode") & 0170000)
                .isEqualTo(0020000);
    }

    private static void makeNode(RealServer server, int mode, int device, String name)
            throws IOException {
        server.guest.call(Opcode.MKNOD, 1, server.guest.put(mode, device, 0, 0, name), 0, 200, 0);
    }

    /** Nothing is remembered of what is taken: it is counted again. */
    @Test
    void aServerThatWasKilledWhileItWroteCountsRightAgain() throws Exception {
        try (Closer all = new Closer()) {
            RealServer killed = limited();
            all.onClose(killed::abandon);
            GuestMount.Created file =
                    killed.guest.create(GuestMount.ROOT, "new", Fd.O_RDWR, 0100600);
            Lane lane = killed.guest.lane(0);
            for (int slot = 0; slot < lane.slots(); slot++) {
                MemorySegment arguments = lane.arguments(slot);
                arguments.asSlice(0, Structs.WRITE_IN.bytes()).fill((byte) 0);
                arguments.set(ValueLayout.JAVA_LONG_UNALIGNED, 0, file.handle());
                arguments.set(ValueLayout.JAVA_LONG_UNALIGNED, 8, (long) slot << 20);
                arguments.set(ValueLayout.JAVA_INT_UNALIGNED, 16, 1 << 20);
                int reply = Structs.WRITE_OUT.bytes();
                int words = Structs.WRITE_IN.bytes();
                lane.send(slot, Opcode.WRITE, file.entry().node(), words, 1 << 20, reply, 0);
            }
            lane.submit();
            while (lane.take() == Lane.NONE) {
                lane.await();
            }
        } // killed with what is left
        Files.delete(temporary.resolve("fs.sock"));
        try (RealServer next = limited()) {
            MemorySegment reply =
                    next.guest.call(
                            Opcode.STATFS, GuestMount.ROOT, 0, 0, Structs.STATFS_OUT.bytes(), 0);
            long blocks = reply.get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
            long free = reply.get(ValueLayout.JAVA_LONG_UNALIGNED, 8);
            assertThat((blocks - free) * 4096).isEqualTo(taken()).isGreaterThan(1 << 20);
        }
    }

    private RealServer limited() throws IOException {
        return new RealServer(launcher, temporary, share, Sandbox.CHROOT, "--fs-quota=64Mi");
    }

    private long taken() throws IOException {
        Process du =
                new ProcessBuilder("du", "-s", "--block-size=1", share.toString())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        try (var words = new Scanner(du.getInputStream(), StandardCharsets.UTF_8)) {
            return words.nextLong();
        }
    }
}
