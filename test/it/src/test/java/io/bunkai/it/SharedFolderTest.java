// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.linux.MountNamespace;
import io.bunkai.linux.Mounts;
import io.bunkai.linux.ProcessIdentity;
import io.bunkai.linux.Processes;
import io.bunkai.linux.Signals;
import io.bunkai.testkit.Await;
import io.bunkai.testkit.CommandResult;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Folders and files of the host in containers; what becomes of them whoever dies. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(600)
class SharedFolderTest {
    @RegisterExtension static final TestNode NODE = new TestNode();

    private static final String BOX = "box";

    @TempDir static Path temporary;
    private static Path shared;
    private static Path outside;

    private Path folder;

    /** A place whose later mounts other namespaces see, as all are on a host with systemd. */
    @BeforeAll
    static void makeSharedMount() throws Exception {
        Path real = temporary.toRealPath();
        shared = Files.createDirectory(real.resolve("shared"));
        outside = Files.writeString(real.resolve("secret"), "nobody's");
        Mounts.mount(shared.toString(), shared, "none", Mounts.MS_BIND, "");
        Mounts.mount("none", shared, "none", Mounts.MS_SHARED, "");
    }

    @AfterAll
    static void unmount() throws IOException {
        NODE.removeContainers();
        Mounts.unmount(shared, Mounts.MNT_DETACH);
    }

    @BeforeEach
    void makeFolder() throws IOException {
        folder = Files.createTempDirectory(shared, "test");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    @AfterEach
    void removeContainers() {
        NODE.removeContainers();
        assertThat(mountsBeneath(NODE.root())).as("nothing is mounted on the host").isEmpty();
        // One that removes itself is gone from the list before its machine is torn down.
        Await.until("no server is left", TestNode.patience(), () -> servers().isEmpty());
    }

    private static List<String> mountsBeneath(Path root) {
        try {
            return Files.readAllLines(Path.of("/proc/self/mountinfo")).stream()
                    .filter(line -> line.contains(root.toString()))
                    .toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Whose root is a folder of shares; a spare server has the host's until it is needed. */
    private static List<ProcessIdentity> servers() {
        try (var processes = Files.list(Path.of("/proc"))) {
            return processes
                    .filter(path ->
                            path.getFileName().toString().chars().allMatch(Character::isDigit))
                    .filter(path -> Files.exists(path.resolve("root/0")))
                    .map(path -> Integer.parseInt(path.getFileName().toString()))
                    .filter(pid ->
                            TestNode.commandLine(pid).stream()
                                    .anyMatch(word -> word.endsWith(".VirtiofsdMain")))
                    .flatMap(pid -> ProcessIdentity.of(pid).stream())
                    .toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private String volume(String place) {
        return folder + ":" + place;
    }

    private static CommandResult run(String volume, String script) {
        return NODE.bunkai("run", "--rm", "-v", volume, "--", "sh", "-c", script);
    }

    @Test
    void eachSideSeesWhatTheOtherWrites() throws Exception {
        Files.writeString(folder.resolve("hosts"), "of the host\n");
        NODE.bunkai("run", "-d", "--name", BOX, "-v", volume("/data"), "--", "sleep", "1000")
                .expectSuccess();

        assertThat(exec("cat /data/hosts")).isEqualTo("of the host");
        exec("echo of the guest >/data/guests; chown 12:13 /data/guests; chmod 640 /data/guests");
        assertThat(folder.resolve("guests")).hasContent("of the guest\n");
        assertThat(Files.readAttributes(folder.resolve("guests"), "unix:uid,gid,mode"))
                .containsEntry("uid", 12)
                .containsEntry("gid", 13)
                .containsEntry("mode", 0100640);
        Files.writeString(folder.resolve("later"), "later\n");
        assertThat(exec("cat /data/later")).isEqualTo("later");
        exec("rm /data/hosts; mkdir /data/made");
        assertThat(folder.resolve("hosts")).doesNotExist();
        assertThat(folder.resolve("made")).isDirectory();
    }

    private static String exec(String script) {
        return NODE.out("exec", BOX, "sh", "-c", script);
    }

    @Test
    void aCloneHasFilesOfTheHostAsWell() throws Exception {
        NODE.bunkai("run", "--rm", "--", "true").expectSuccess();
        NODE.awaitTemplate();
        byte[] content = new byte[3 * 1024 * 1024 + 17];
        new Random(1).nextBytes(content);
        Files.write(folder.resolve("in"), content);
        NODE.bunkai("run", "-d", "--name", BOX, "-v", volume("/data"), "--", "sleep", "1000")
                .expectSuccess();

        assertThat(TestNode.commandLine(NODE.vmmPid(BOX))).contains("-incoming");
        exec("cat /data/in >/data/out && sync");
        assertThat(folder.resolve("out")).hasBinaryContent(content);
    }

    @Test
    void whatIsReadOnlyNoGuestChanges() throws Exception {
        Files.writeString(folder.resolve("file"), "as it was\n");
        CommandResult result =
                run(
                        volume("/data:ro"),
                        "cat /data/file; echo x >/data/file; touch /data/new; rm /data/file;"
                                + " cat /data/file");

        assertThat(result.out()).isEqualTo("as it was\nas it was\n");
        assertThat(result.err()).contains("Read-only file system");
        assertThat(folder).isDirectoryNotContaining(path -> !path.endsWith("file"));
    }

    @Test
    void aSingleFileIsSharedAndNothingBesideIt() throws Exception {
        Path file = Files.writeString(folder.resolve("one"), "first\n");
        Files.writeString(folder.resolve("other"), "not shared");
        CommandResult result =
                run(file + ":/etc/one", "cat /etc/one; echo second >/etc/one; ls /etc/..");

        assertThat(result.expectSuccess().out()).startsWith("first\n");
        assertThat(file).hasContent("second\n");
    }

    @Test
    void memoryAndTheLongNotation() {
        CommandResult result =
                NODE.bunkai(
                        "run",
                        "--rm",
                        "--tmpfs",
                        "/scratch:size=1m",
                        "--mount",
                        "type=tmpfs,target=/more,tmpfs-size=2m,tmpfs-mode=700",
                        "--mount",
                        "type=bind,source=" + folder + ",target=/data,readonly",
                        "--",
                        "sh",
                        "-c",
                        "df -k /scratch /more | tail -n 2 | tr -s ' ' | cut -d ' ' -f 2,6;"
                                + " stat -c %a /more; touch /data/x");

        assertThat(result.out()).isEqualTo("1024 /scratch\n2048 /more\n700\n");
        assertThat(result.err()).contains("Read-only file system");
    }

    @Test
    void aMountThatAppearsLaterIsSeen() throws Exception {
        Path later = Files.createDirectory(folder.resolve("later"));
        NODE.bunkai("run", "-d", "--name", BOX, "-v", volume("/data"), "--", "sleep", "1000")
                .expectSuccess();
        assertThat(exec("ls /data/later")).isEmpty();

        Mounts.mount("later", later, "tmpfs", 0, "size=64k");
        try {
            Files.writeString(later.resolve("file"), "here\n");
            Await.until(
                    "the mount is seen",
                    TestNode.patience(),
                    () -> exec("cat /data/later/file || :").equals("here"));
        } finally {
            Mounts.unmount(later, Mounts.MNT_DETACH);
        }
    }

    @Test
    void aLinkLeadsToNothingOutsideOfTheFolder() throws Exception {
        Files.createSymbolicLink(folder.resolve("link"), outside);
        Files.createSymbolicLink(folder.resolve("up"), Path.of("../../secret"));
        CommandResult result =
                run(volume("/data"), "cat /data/link; cat /data/up; cat /data/../../secret; true");

        assertThat(result.expectSuccess().out()).isEmpty();
    }

    @Test
    void badMountsAreRefusedBeforeAnythingIsMade() {
        for (String[] bad :
                new String[][] {
                    {"-v", "/no/such/folder:/data", "does not exist"},
                    {"-v", volume("data"), "absolute"},
                    {"-v", volume("/"), "nothing can be mounted"},
                    {"-v", "/dev/null:/data", "neither a folder nor a file"},
                    {"-v", "named:/data", "no volumes"},
                    {"--mount", "type=bind,target=/data", "no source"},
                    {"--tmpfs", "scratch", "absolute"}
                }) {
            CommandResult result = NODE.bunkai("run", "--rm", bad[0], bad[1], "--", "true");

            assertThat(result.exitCode()).as(bad[1]).isEqualTo(125);
            assertThat(result.err()).contains(bad[2]);
        }
        assertThat(NODE.machines()).isEmpty();
    }

    @Test
    void aServerThatIsKilledEndsItsContainerWithTheCause() throws Exception {
        NODE.bunkai("run", "-d", "--name", BOX, "-v", volume("/data"), "--", "sleep", "1000")
                .expectSuccess();
        for (ProcessIdentity server : servers()) {
            Processes.signal(server.pid(), Signals.SIGKILL);
        }

        NODE.awaitState(BOX, "lost");
        assertThat(NODE.json("inspect", BOX).path("error").asString())
                .contains("its file server ended")
                .contains("killed by SIGKILL");
        NODE.bunkai("rm", BOX).expectSuccess();
        assertThat(NODE.machines()).isEmpty();
    }

    @Test
    void theDaemonMayDieAndTheFilesStay() throws Exception {
        Files.writeString(folder.resolve("file"), "still here\n");
        NODE.bunkai("run", "-d", "--name", BOX, "-v", volume("/data"), "--", "sleep", "1000")
                .expectSuccess();
        Processes.signal(NODE.daemonPid(), Signals.SIGKILL);

        assertThat(exec("cat /data/file")).isEqualTo("still here");
        for (ProcessIdentity server : servers()) {
            Processes.signal(server.pid(), Signals.SIGKILL);
        }
        NODE.awaitState(BOX, "lost");
        assertThat(NODE.json("inspect", BOX).path("error").asString())
                .contains("its file server ended");
    }

    @Test
    void aFileServerThatCannotStartSaysWhy() throws Exception {
        NODE.stopDaemon();
        Path configuration = folder.resolve("configuration.toml");
        Files.writeString(
                configuration,
                """
                [hypervisor.qemu]
                virtio_fs_extra_args = ["-o", "source=/"]
                """);
        NODE.bunkai("daemon", "start", "--config", configuration.toString()).expectSuccess();
        try {
            CommandResult result = run(volume("/data"), "true");

            assertThat(result.exitCode()).isEqualTo(125);
            assertThat(result.err())
                    .contains("its file server ended")
                    .contains("--shared-dir")
                    .contains("virtio_fs_extra_args");
        } finally {
            NODE.stopDaemon();
        }
    }

    @Test
    void withoutSharingAFolderIsRefusedAndASmallFileCopied() throws Exception {
        NODE.stopDaemon();
        Path configuration = folder.resolve("configuration.toml");
        Files.writeString(configuration, "[hypervisor.qemu]\nshared_fs = \"none\"\n");
        NODE.bunkai("daemon", "start", "--config", configuration.toString()).expectSuccess();
        try {
            assertThat(run(volume("/data"), "true").err()).contains("shared_fs");
            assertThat(run(configuration + ":/copy", "cat /copy").expectSuccess().out())
                    .contains("shared_fs");
        } finally {
            NODE.stopDaemon();
        }
    }

    @Test
    void aLargeSparseFileKeepsItsHoles() throws Exception {
        try (RandomAccessFile sparse =
                new RandomAccessFile(folder.resolve("sparse").toFile(), "rw")) {
            sparse.setLength(1L << 40);
        }
        CommandResult result =
                run(
                        volume("/data"),
                        "stat -c '%s %b' /data/sparse;"
                                + " dd if=/dev/zero of=/data/sparse bs=4k count=1 seek=1000"
                                + " conv=notrunc 2>/dev/null; stat -c %b /data/sparse");

        assertThat(result.expectSuccess().out()).isEqualTo("1099511627776 0\n8\n");
    }

    /** The server's mounts are its own: whoever else looks sees an empty folder. */
    @Test
    void whatIsSharedIsMountedForTheServerAlone() throws Exception {
        NODE.bunkai("run", "-d", "--name", BOX, "-v", volume("/data"), "--", "sleep", "1000")
                .expectSuccess();
        Path gathered =
                NODE.root()
                        .resolve("run/sandboxes")
                        .resolve(NODE.get(BOX).path("id").asString())
                        .resolve("shared");

        assertThat(gathered).isEmptyDirectory();
        assertThat(MountNamespace.call(() -> gathered.toFile().list())).isEmpty();
    }

    private static double secondsOfReading(long bytes) {
        String uptime = "cut -d' ' -f1 /proc/uptime";
        String script = uptime + "; head -c " + bytes + " /shared/data >/dev/null; " + uptime;
        String[] words =
                NODE.bunkai("exec", BOX, "sh", "-c", script)
                        .expectSuccess()
                        .out()
                        .strip()
                        .split("\n", -1);
        return Double.parseDouble(words[1]) - Double.parseDouble(words[0]);
    }

    @Test
    void whatAContainerReadsOfTheHostIsLimitedWhileItRuns() throws Exception {
        try (RandomAccessFile data = new RandomAccessFile(folder.resolve("data").toFile(), "rw")) {
            data.setLength(100_000_000);
        }
        NODE.bunkai("run", "-d", "--name", BOX, "-v", volume("/shared:ro"), "--", "sleep", "1000")
                .expectSuccess();
        NODE.bunkai("limits", "set", BOX, "--bw", "5MB/s").expectSuccess();
        assertThat(secondsOfReading(20_000_000)).isGreaterThan(2.9); // five are saved up
        JsonNode figures = NODE.json("limits", "get", "--format=json", BOX);
        assertThat(figures.path("limits.fs-bw-size").asString("")).isEqualTo("5000000");
        assertThat(Long.parseLong(figures.path("throttled").asString("0"))).isPositive();
        NODE.bunkai("limits", "set", BOX, "--bw", "0").expectSuccess();
        assertThat(NODE.json("limits", "get", "--format=json", BOX).has("limits.fs-bw-size"))
                .isFalse();
        CommandResult refused = NODE.bunkai("limits", "set", BOX, "--burst", "5M");
        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err()).contains("makes no sense without");
    }

    @Test
    void aContainerThatSharesNothingHasNoLimits() {
        NODE.bunkai("run", "-d", "--name", BOX, "--", "sleep", "1000").expectSuccess();
        CommandResult refused = NODE.bunkai("limits", "get", BOX);
        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err()).contains("has nothing to limit");
    }
}
