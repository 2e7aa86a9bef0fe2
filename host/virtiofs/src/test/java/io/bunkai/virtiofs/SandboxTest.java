// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.virtiofs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Closer;
import io.bunkai.base.Deadline;
import io.bunkai.fuse.FuseServer;
import io.bunkai.fuse.Opcode;
import io.bunkai.fuse.Structs;
import io.bunkai.linux.ErrnoException;
import io.bunkai.linux.Fd;
import io.bunkai.linux.MountNamespace;
import io.bunkai.linux.Mounts;
import io.bunkai.linux.UnixSockets;
import io.bunkai.virtio.VhostUserSession;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Scanner;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
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
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final List<String> WAYS =
            List.of("..", ".", "", "/", "../outside", "/etc/passwd", "folder/../x", "file/");

    @TempDir static Path modules;
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

    /** A server, and a guest that is none connected to it. */
    private final class Server implements AutoCloseable {
        private final Closer all = new Closer();
        final Process process;
        final GuestMount guest;

        Server(Sandbox sandbox, String... more) throws IOException {
            Path socket = temporary.resolve("fs.sock");
            List<String> words = new ArrayList<>();
            if (sandbox == Sandbox.NAMESPACE) { // as the launcher does
                words.addAll(List.of("unshare", "--mount", "--net", "--propagation", "slave"));
            }
            words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            words.addAll(
                    List.of("--enable-native-access=io.bunkai.linux", "-XX:TieredStopAtLevel=1"));
            words.addAll(List.of("-p", modules.toString(), "-m"));
            words.add("io.bunkai.virtiofs/" + VirtiofsdMain.class.getName());
            words.add("--sandbox=" + sandbox.name().toLowerCase(Locale.ROOT));
            words.add("--shared-dir=" + share);
            words.addAll(List.of(more));
            words.add("--socket-path=" + socket);
            Path log = temporary.resolve("log");
            process = new ProcessBuilder(words).redirectError(log.toFile()).start();
            all.onClose(() -> {
                if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                }
            });
            guest = all.own(GuestMount.connect(connect(socket, log), 1, 4));
            guest.init();
        }

        private Fd connect(Path socket, Path log) throws IOException {
            Deadline deadline = Deadline.after(PATIENCE);
            while (true) {
                try {
                    return UnixSockets.connect(socket);
                } catch (ErrnoException e) {
                    if (!process.isAlive() || deadline.hasPassed()) {
                        throw new AssertionError(Files.readString(log), e);
                    }
                    Thread.onSpinWait();
                }
            }
        }

        /** Kills it, and forgets the guest. */
        void abandon() throws IOException {
            process.destroyForcibly();
            all.close();
        }

        @Override
        public void close() throws IOException {
            guest.stop();
            all.close();
            assertThat(process.exitValue()).as("it ended by itself").isZero();
        }
    }

    /** As the program is laid out: a class that is loaded late comes from a file that is open. */
    @BeforeAll
    static void makeModules() throws Exception {
        for (Class<?> type :
                List.of(
                        VirtiofsdMain.class,
                        FuseServer.class,
                        VhostUserSession.class,
                        Fd.class,
                        Closer.class)) {
            Path classes =
                    Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
            Path jar = modules.resolve(type.getPackageName() + ".jar");
            if (Files.isRegularFile(classes)) { // packaged already
                Files.copy(classes, jar);
                continue;
            }
            try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar));
                    Stream<Path> files = Files.walk(classes)) {
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    out.putNextEntry(new JarEntry(classes.relativize(file).toString()));
                    Files.copy(file, out);
                    out.closeEntry();
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Sandbox.class)
    void nothingOutsideOfTheShareIsReached(Sandbox sandbox) throws Exception {
        try (Server server = new Server(sandbox)) {
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
        try (Server server = new Server(sandbox)) {
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
        try (Server server = new Server(sandbox)) {
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
            try (Server server = new Server(sandbox)) {
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

    /** Nothing is remembered of what is taken: it is counted again. */
    @Test
    void aServerThatWasKilledWhileItWroteCountsRightAgain() throws Exception {
        try (Closer all = new Closer()) {
            Server killed = new Server(Sandbox.CHROOT, "--fs-quota=64m");
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
        try (Server next = new Server(Sandbox.CHROOT, "--fs-quota=64m")) {
            MemorySegment reply =
                    next.guest.call(
                            Opcode.STATFS, GuestMount.ROOT, 0, 0, Structs.STATFS_OUT.bytes(), 0);
            long blocks = reply.get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
            long free = reply.get(ValueLayout.JAVA_LONG_UNALIGNED, 8);
            assertThat((blocks - free) * 4096).isEqualTo(taken()).isGreaterThan(1 << 20);
        }
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
