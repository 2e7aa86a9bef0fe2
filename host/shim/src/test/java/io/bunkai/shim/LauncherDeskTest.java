// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.shim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.linux.Fd;
import io.bunkai.testkit.Await;
import io.bunkai.testkit.CommandRun;
import io.bunkai.testkit.TestRoot;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LauncherDeskTest {
    private static final String ADDRESS = "unix:///state/run/tasks/0123456789abcdef.sock";
    private static final TaskOwner OWNER =
            new TaskOwner("/run/containerd.sock", "k8s.io", "/run/containerd.sock.ttrpc");

    private final TestRoot root = TestRoot.create();
    private final Path directory = root.resolve("shim");
    private final FakeLaunches launches = new FakeLaunches(ADDRESS);

    @AfterEach
    void delete() {
        root.close();
    }

    private static Deadline soon() {
        return Deadline.after(Duration.ofSeconds(60));
    }

    private LauncherDesk serve() throws IOException {
        LauncherDesk desk = LauncherDesk.open(directory, launches);
        desk.serve();
        return desk;
    }

    private static String request(String verb, String id) {
        return """
        bunkai launch 1
        verb %s
        address /run/containerd.sock
        namespace k8s.io
        events /run/containerd.sock.ttrpc
        id %s
        bundle /run/bundles/%s
        end
        """
                .formatted(verb, id, id);
    }

    private Path write(String name, String request) throws IOException {
        Files.createDirectories(directory);
        return Files.writeString(directory.resolve(name + ".request"), request);
    }

    private Path pipe(String name) throws IOException {
        Files.createDirectories(directory);
        Path pipe = directory.resolve(name + ".reply");
        CommandRun.of("mkfifo", pipe.toString()).run(soon()).expectSuccess();
        return pipe;
    }

    /** {@return a launcher's end of the pipe} */
    private Fd reply(String name) throws IOException {
        return Fd.open(pipe(name), Fd.O_RDWR);
    }

    private static String read(Fd reply) throws IOException {
        byte[] buffer = new byte[8192];
        return new String(buffer, 0, reply.read(buffer, 0, buffer.length), StandardCharsets.UTF_8);
    }

    private void assertGone(String name) {
        Await.until(
                "the removal of " + name,
                soon(),
                () ->
                        !Files.exists(directory.resolve(name + ".request"))
                                && !Files.exists(directory.resolve(name + ".reply")));
    }

    @Test
    void answersAStartWithTheAddressInThreeForms() throws Exception {
        try (LauncherDesk _ = serve();
                Fd reply = reply("1-0")) {
            write("1-0", request("start", "c1"));
            List<String> lines = read(reply).lines().toList();
            assertThat(lines).hasSize(4).startsWith("ok", ADDRESS);
            assertThat(lines.get(2))
                    .isEqualTo(
                            "{\"version\":3,\"address\":\""
                                    + ADDRESS
                                    + "\",\"protocol\":\"ttrpc\"}");
            assertThat(lines.get(3)).startsWith("\\0010\\0003\\0022").endsWith("\\0143");
            assertGone("1-0");
        }
        assertThat(launches.starts()).containsExactly(OWNER);
    }

    @Test
    void answersADeleteWithTheBytesOfItsResponse() throws Exception {
        try (LauncherDesk _ = serve();
                Fd reply = reply("1-0")) {
            write("1-0", request("delete", "c1"));
            assertThat(read(reply))
                    .isEqualTo(
                            "ok\n"
                                    + "\\0010\\0347\\0044" // 1 pid = 4711
                                    + "\\0020\\0012" // 2 exit_status = 10
                                    + "\\0032\\0010" // 3 exited_at, 8 bytes
                                    + "\\0010\\0212\\0244\\0247\\0332\\0006" // 1 seconds
                                    + "\\0020\\0015" // 2 nanos = 13
                                    + "\n");
            assertGone("1-0");
        }
        assertThat(launches.deletions())
                .containsExactly(
                        new FakeLaunches.Deletion(OWNER, "c1", Path.of("/run/bundles/c1")));
    }

    @Test
    void takesAnEmptyAddressAsCriOHasIt() throws Exception {
        try (LauncherDesk _ = serve();
                Fd reply = reply("1-0")) {
            String request = request("start", "c1").replaceAll("(address|events) .*", "$1 ");
            write("1-0", request);
            assertThat(read(reply)).startsWith("ok\n");
        }
        assertThat(launches.starts()).containsExactly(new TaskOwner("", "k8s.io", ""));
    }

    @Test
    void tellsALauncherWhyNot() throws Exception {
        launches.failWith(
                Fault.unavailable("no\u001b[31m room")
                        .causedBy(new IOException("disk full\nerror: forged"))
                        .withHint("make %s", "room"));
        try (LauncherDesk _ = serve();
                Fd reply = reply("1-0")) {
            write("1-0", request("start", "c1"));
            assertThat(read(reply))
                    .isEqualTo(
                            """
                            refused
                            error: c1 was not started
                            cause: no [31m room: disk full error: forged
                            hint:  make room
                            end
                            """);
            assertGone("1-0");
            launches.failWith(new IllegalStateException("x".repeat(10_000)));
            try (Fd other = reply("1-1")) {
                write("1-1", request("delete", "c1"));
                String answer = read(other);
                assertThat(answer)
                        .startsWith("refused\nerror: c1 was not deleted\ncause: internal");
                assertThat(answer).hasSizeLessThan(4096).endsWith("\nend\n");
            }
        }
    }

    static List<String> nonsense() {
        String good = request("start", "c1");
        return List.of(
                "",
                "end\n",
                "\0\0\0\0",
                good.replace("launch 1", "launch 2"),
                good.replace("verb start", "verb run"),
                good.replace("verb start", "verb "),
                good.replace("verb start", "verb"),
                good.replace("namespace k8s.io", "namespace "),
                good.replace("id c1", "id "),
                good.replace("bundle /", "bundle "),
                good.replace("bundle ", "directory "),
                good.replace("id c1\n", "id c1\nid c2\n"),
                good.replace("id c1\n", ""),
                good.replace("id c1", "id c1\u001b[2J"),
                good.replace("id c1", "id c1\rc2"),
                good.replace("id c1", "id c1\0c2"),
                good.replace("end\n", ""),
                good.replace("end\n", "end"),
                good + "\n",
                good + good);
    }

    @ParameterizedTest
    @MethodSource("nonsense")
    void refusesWhatIsNoRequest(String request) throws Exception {
        try (LauncherDesk _ = serve();
                Fd reply = reply("1-0")) {
            write("1-0", request);
            assertThat(read(reply))
                    .startsWith("refused\nerror: the launcher's request was not understood\n");
            assertGone("1-0");
        }
        assertThat(launches.starts()).isEmpty();
    }

    @Test
    void refusesBytesThatAreNoTextAndFilesThatAreTooLong() throws Exception {
        try (LauncherDesk _ = serve();
                Fd first = reply("1-0");
                Fd second = reply("1-1")) {
            byte[] broken = request("start", "c?").getBytes(StandardCharsets.US_ASCII);
            broken[request("start", "c?").indexOf('?')] = (byte) 0xff;
            Files.write(directory.resolve("1-0.request"), broken);
            assertThat(read(first)).contains("no UTF-8 text");
            write("1-1", request("start", "c".repeat(20_000)));
            assertThat(read(second)).contains("more than 16384 bytes");
        }
        assertThat(launches.starts()).isEmpty();
    }

    @Test
    void isNotHeldUpByARequestThatIsAPipe() throws Exception {
        Files.createDirectories(directory);
        CommandRun.of("mkfifo", directory.resolve("0-0.request").toString())
                .run(soon())
                .expectSuccess();
        Files.createSymbolicLink(directory.resolve("0-1.request"), Path.of("/dev/zero"));
        Files.createDirectories(directory.resolve("0-2.request/x"));
        try (LauncherDesk _ = serve();
                Fd reply = reply("1-0")) {
            assertGone("0-0");
            assertGone("0-1");
            write("1-0", request("start", "c1"));
            assertThat(read(reply)).startsWith("ok\n");
        }
    }

    @Test
    void forgetsALauncherThatWasKilledWhileItWaited() throws Exception {
        try (LauncherDesk _ = serve()) {
            pipe("1-0"); // that nobody reads
            write("1-0", request("start", "c1"));
            assertGone("1-0");
            try (Fd reply = reply("1-1")) {
                write("1-1", request("start", "c2"));
                assertThat(read(reply)).startsWith("ok\n");
            }
        }
    }

    @Test
    void doesNotWaitForALauncherThatDoesNotRead() throws Exception {
        try (LauncherDesk _ = serve();
                Fd reply = reply("1-0")) {
            reply.setNonBlocking();
            byte[] much = new byte[4096];
            Await.until("a full pipe", soon(), () -> !fits(reply, much));
            write("1-0", request("delete", "c1"));
            assertGone("1-0");
        }
        assertThat(launches.deletions()).hasSize(1);
    }

    private static boolean fits(Fd pipe, byte[] data) {
        try {
            return pipe.write(data, 0, data.length) > 0;
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void startsNothingForALauncherThatHasGoneButDeletes() throws Exception {
        write("1-0", request("start", "c1"));
        write("1-1", request("delete", "c1"));
        try (LauncherDesk _ = serve()) {
            assertGone("1-0");
            assertGone("1-1");
        }
        assertThat(launches.starts()).isEmpty();
        assertThat(launches.deletions()).hasSize(1);
    }

    @Test
    void deletesWhatWasLeftBeforeAnythingElse() throws Exception {
        write("2-0", request("delete", "c1"));
        write("2-1", request("delete", "c2"));
        try (Fd reply = reply("1-0")) {
            write("1-0", request("start", "c1"));
            try (LauncherDesk desk = LauncherDesk.open(directory, launches)) {
                assertThat(launches.deletions())
                        .extracting(FakeLaunches.Deletion::id)
                        .containsExactlyInAnyOrder("c1", "c2");
                assertThat(launches.starts()).isEmpty();
                desk.serve();
                assertThat(read(reply)).startsWith("ok\n");
            }
        }
    }

    /** {@return a desk that was opened, and answered another launcher, while a file was written} */
    private LauncherDesk serveBeside(Path file, String before, String after) throws Exception {
        try (Fd half = Fd.open(file, Fd.O_WRONLY | Fd.O_CREAT | Fd.O_EXCL, 0600)) {
            half.writeFully(before.getBytes(StandardCharsets.UTF_8));
            LauncherDesk desk = serve();
            try (Fd other = reply("1-1")) {
                write("1-1", request("start", "c2"));
                assertThat(read(other)).startsWith("ok\n");
            }
            assertThat(file).exists();
            half.writeFully(after.getBytes(StandardCharsets.UTF_8));
            return desk;
        }
    }

    @Test
    void leavesAFileAloneThatIsBeingWritten() throws Exception {
        try (Fd reply = reply("1-0")) {
            String whole = request("start", "c1");
            Path file = directory.resolve("1-0.request");
            try (LauncherDesk _ = serveBeside(file, whole.substring(0, 30), whole.substring(30))) {
                assertThat(read(reply)).startsWith("ok\n");
            }
        }
        assertThat(launches.starts()).hasSize(2);
    }

    @Test
    void removesWhatWasAbandonedLongAgo() throws Exception {
        Path request = write("1-0", "bunkai launch 1\nverb st");
        // Not with Java, which opens the pipe for it and waits.
        CommandRun.of("touch", "-d", "1 hour ago", request.toString(), pipe("1-1").toString())
                .run(soon())
                .expectSuccess();
        pipe("1-2");
        try (LauncherDesk _ = serve()) {
            assertGone("1-0");
            assertGone("1-1");
            assertThat(directory.resolve("1-2.reply")).exists();
        }
    }

    @Test
    void isItsOwnersAloneAndIgnoresOtherFiles() throws Exception {
        try (LauncherDesk _ = serve();
                Fd reply = reply("1-0")) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory)))
                    .isEqualTo("rwx------");
            Files.writeString(directory.resolve("README"), request("start", "c1"));
            write("1-0", request("start", "c2"));
            read(reply);
        }
        assertThat(launches.starts()).hasSize(1);
        assertThat(directory.resolve("README")).exists();
    }

    @Test
    void saysWhichDirectoryCannotBeMade() throws Exception {
        Files.writeString(directory, "");
        assertThatThrownBy(() -> LauncherDesk.open(directory, launches))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(directory.toString());
    }

    @Test
    void answersNothingWhenItIsClosed() throws Exception {
        LauncherDesk desk = serve();
        desk.close();
        desk.close();
        Path request = write("1-0", request("delete", "c1"));
        assertThat(request).exists();
        assertThat(launches.deletions()).isEmpty();
        LauncherDesk.open(directory, launches).close();
        assertThat(launches.deletions()).hasSize(1);
    }
}
