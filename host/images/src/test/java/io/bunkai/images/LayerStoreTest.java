// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.base.TaskScope;
import io.bunkai.testkit.Await;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From directories to their disk, through the real child, against what the kernel shows. */
class LayerStoreTest {
    private static final UnpackLimits SMALL =
            new UnpackLimits(
                    ByteSize.ofMib(1),
                    100,
                    3,
                    10,
                    ByteSize.ofBytes(1000),
                    20,
                    1000,
                    ByteSize.ofMib(1),
                    10,
                    ByteSize.ofMib(64));

    @TempDir Path temporary;
    private Path root;

    @BeforeEach
    void paths() {
        root = temporary.resolve("store");
    }

    @AfterEach
    void nothingIsLeftBehind() throws IOException {
        if (Files.exists(root.resolve("staging"))) {
            assertThat(root.resolve("staging")).isEmptyDirectory();
        }
        assertThat(Files.readString(Path.of("/proc/self/mounts"))).doesNotContain(root.toString());
        assertThat(ProcessHandle.current().children()).isEmpty();
    }

    // What survives.

    @Test
    void keepsEveryTypeAndAttribute() {
        assertSame(
                layer(
                        "layer",
                        """
                                mkdir -p etc/dir empty tmp
                                echo root:x:0:0::/:/bin/sh > etc/passwd
                                touch etc/empty
                                echo s > etc/setuid; chown 12:34 etc/setuid; chmod 6755 etc/setuid
                                echo x > etc/none; chmod 0 etc/none
                                echo x > etc/secret; chmod 600 etc/secret
                                echo x > etc/large-ids; chown 70000:4000000000 etc/large-ids
                                touch -d '1969-12-31 23:59:53.25 UTC' etc/empty
                                touch -d '2009-02-13 23:31:30.123456789 UTC' etc/passwd
                                touch -d '2128-06-11 08:53:20.5 UTC' etc/secret
                                echo ELF > etc/ping; setcap cap_net_raw+ep etc/ping
                                setfattr -n user.binary -v 0x00ff0a3d00 etc/ping
                                setfattr -n user.empty etc/ping
                                setfattr -n trusted.t -v 0x01 etc/ping
                                setfattr -n system.posix_acl_access -v \
                        0x0200000001000600ffffffff020004000100000004000400ffffffff10000600ffffffff20000400ffffffff \
                        etc/passwd
                                setfattr -n user.of-a-directory -v "$(printf '%0300d' 7)" etc/dir
                                ln -s ../etc/passwd etc/link
                                ln -s /no/where dangling
                                setfattr -h -n trusted.of-a-link -v x dangling
                                ln etc/passwd etc/hard
                                ln etc/passwd a-hard
                                ln dangling hard-to-link
                                mknod sda b 8 0
                                mknod null c 1 3
                                ln null another-null
                                mknod large-minor c 300 70000
                                mkfifo pipe
                                setfattr -n trusted.of-a-pipe -v x pipe
                                chmod 1777 tmp
                                chown 5:6 .; chmod 2750 .; setfattr -n user.of-the-root -v x .
                        """));
    }

    @Test
    void keepsNamesOfAnyBytes() {
        assertSame(
                layer(
                        "layer",
                        """
                        touch "$(printf 'not-\\377\\376-utf8')" "$(printf 'new\\nline\\ttab')"
                        touch grüße-分解-🥋 -- - '!' ... .hidden '~' "back\\\\slash 'quote'"
                        touch .wh.looks-like-a-whiteout .wh..wh..opq
                        mkdir .wh.reserved-in-archives
                        touch .wh.reserved-in-archives/file
                        mkdir "$(printf 'd\\377')"
                        touch "$(printf 'd\\377/f\\377')"
                        touch "$(printf '%0255d' 0)"
                        ln -s "/$(printf '%04094d' 0)" longest-link
                        ln -s "$(printf 'to\\377')" link-to-no-text
                        """));
    }

    @Test
    void keepsFilesOfEveryLength() throws IOException {
        Path layer =
                layer(
                        "layer",
                        """
                        truncate -s 3M hole; echo end >> hole
                        truncate -s 1M holes; echo 1 >> holes; truncate -s 5M holes
                        echo 2 >> holes; truncate -s 8000001 holes
                        """);
        Random random = new Random(1);
        int[] sizes = {
            1, 511, 512, 2047, 2048, 2049, 4031, 4095, 4096, 4097, 6145, 8192, 65_535, 65_536,
            65_537, 1_048_575, 1_048_576, 1_048_577, 3_000_000
        };
        for (int size : sizes) {
            byte[] content = new byte[size];
            random.nextBytes(content);
            Files.write(layer.resolve("random-" + size), content);
            Files.write(layer.resolve("zero-" + size), new byte[size]);
        }
        assertSame(layer);
    }

    @Test
    void keepsLargeFilesWithoutReadingTheirHoles() throws IOException {
        Path disk = disk(layer("layer", "truncate -s 5G file; echo end >> file"));
        try (MountedDisk mounted = MountedDisk.of(disk, temporary.resolve("mnt"))) {
            Path file = mounted.directory().resolve("file");
            assertThat(Files.size(file)).isEqualTo((5L << 30) + 4);
            assertThat(Command.run("tail", "-c", "5", file)).isEqualTo("\0end\n");
        }
        long allocated = Long.parseLong(Command.run("stat", "-c", "%b", disk).strip()) * 512;
        assertThat(allocated).isLessThan(100_000);
    }

    @Test
    void keepsLargeAndDeepDirectories() {
        assertSame(
                layer(
                        "layer",
                        """
                        mkdir many
                        cd many
                        seq 3000 | sed 's/^/a-rather-long-name-of-a-file-/' | xargs touch
                        cd ..
                        for i in $(seq 200); do mkdir "$i"; cd "$i"; ln -s x "link$i"; done
                        echo bottom > file
                        """));
    }

    @Test
    void leavesSocketsOut() throws Exception {
        Path layer = layer("layer", "echo x > file");
        listen(layer.resolve("socket"));
        assertThat(snapshot(layer).keySet()).containsExactly("./", "./file");
    }

    // Markers.

    @Test
    void keepsTheMarkersOfASingleDirectory() {
        Path layer =
                layer(
                        "layer",
                        """
                        mkdir opaque opaque/below plain
                        mknod hidden c 0 0
                        mknod opaque/below/hidden c 0 0
                        setfattr -n trusted.overlay.opaque -v y opaque
                        """);
        assertSame(layer);
        assertThat(snapshot(layer).get("./opaque/")).endsWith("{trusted.overlay.opaque=79}");
        assertThat(snapshot(layer).get("./hidden")).startsWith("CHARACTER_DEVICE");
    }

    @Test
    void dropsAttributesThatWouldSpeakToTheHostOrTheOverlay() {
        Path layer =
                layer(
                        "layer",
                        """
                        mkdir d
                        echo x > f
                        setfattr -n security.selinux -v x d
                        setfattr -n trusted.overlay.origin -v x d
                        setfattr -n trusted.overlay.impure -v y d
                        setfattr -n trusted.overlay.opaque -v x d
                        setfattr -n trusted.overlay.opaque -v y f
                        setfattr -n user.overlay.opaque -v y d
                        setfattr -n user.kept -v 1 d
                        """);
        assertThat(snapshot(layer).get("./d/")).endsWith("{user.kept=31}");
        assertThat(snapshot(layer).get("./f")).endsWith("{}");
    }

    @Test
    void refusesReferencesIntoOtherLayers() {
        for (String attribute : List.of("redirect", "metacopy", "whiteout")) {
            Path layer =
                    layer(
                            attribute,
                            "mkdir d; echo x > d/f; setfattr -n trusted.overlay."
                                    + attribute
                                    + " -v x d/f");
            for (List<Path> stack : List.of(List.of(layer), List.of(layer, layer))) {
                assertRefused(
                        stack,
                        UnpackLimits.DEFAULTS,
                        FaultCode.UNIMPLEMENTED,
                        "'/d/f' has the attribute trusted.overlay." + attribute);
            }
        }
    }

    @Test
    void mergesDirectoriesAsTheKernelDoes() {
        Path lowest =
                layer(
                        "lowest",
                        """
                        mkdir -p keep gone opaque/sub becomes-file metadata a/b/c opaque-twice hidden
                        echo 'lower a' > keep/a; echo 'lower b' > keep/b; ln keep/b keep/hard
                        echo x > gone/x; echo old > opaque/old; echo old > opaque/sub/old
                        echo file > becomes-directory; echo x > becomes-file/inside
                        ln -s keep was-link; ln -s keep link-to-directory
                        echo c > a/b/c/file; echo 1 > opaque-twice/1; echo x > hidden/x
                        chmod 700 metadata; chown 1:1 metadata; setfattr -n user.lower -v 1 metadata
                        echo stays > metadata/file
                        dd if=/dev/urandom of=replaced bs=1k count=200 status=none
                        dd if=/dev/urandom of=stays bs=1k count=300 status=none
                        """);
        Path middle =
                layer(
                        "middle",
                        """
                        mkdir -p keep opaque/sub becomes-directory metadata a/b opaque-twice
                        mknod keep/a c 0 0; echo upper > keep/c; mknod gone c 0 0; mknod hidden c 0 0
                        echo new > opaque/new; setfattr -n trusted.overlay.opaque -v y opaque
                        echo x > becomes-directory/now; echo file > becomes-file
                        echo 'a file now' > was-link; mkdir link-to-directory
                        echo in > link-to-directory/in
                        chown 2:2 metadata; setfattr -n user.upper -v 2 metadata
                        mknod never-was c 0 0; mknod a/b/c c 0 0
                        echo 2 > opaque-twice/2; setfattr -n trusted.overlay.opaque -v y opaque-twice
                        echo small > replaced
                        dd if=/dev/urandom of=from-the-middle bs=1k count=100 status=none
                        """);
        Path highest =
                layer(
                        "highest",
                        """
                        mkdir -p keep gone a/b/c opaque-twice hidden
                        echo back > keep/a; echo y > gone/y; echo again > a/b/c/other
                        echo 3 > opaque-twice/3; setfattr -n trusted.overlay.opaque -v y opaque-twice
                        mknod opaque-never c 0 0; ln keep/a keep/second; echo 'not hidden' > hidden/y
                        chmod 711 .; touch -d '2001-02-03 04:05:06.789 UTC' .
                        setfattr -n trusted.overlay.opaque -v y .
                        """);
        assertMerged(lowest, middle);
        assertMerged(lowest, middle, highest);
        assertMerged(middle, highest, lowest);
    }

    private void assertMerged(Path... lowestFirst) {
        List<Path> layers = List.of(lowestFirst);
        Path mountPoint = layer("mnt-overlay", "");
        assertThat(text(snapshot(layers)))
                .isEqualTo(text(TreeSnapshot.ofOverlay(layers, mountPoint)));
    }

    @Test
    void hidesWhatASocketStandsFor() throws Exception {
        Path lower = layer("lower", "echo x > socket; echo x > file");
        Path upper = layer("upper", "");
        listen(upper.resolve("socket"));
        assertThat(snapshot(List.of(lower, upper)).keySet()).containsExactly("./", "./file");
    }

    // Kept disks.

    @Test
    void makesADiskOnceAndUsesItAgain() throws IOException {
        Path layer = layer("layer", "echo x > file");
        Path first = disk(layer);
        FileTime made = Files.getLastModifiedTime(first);
        assertThat(disk(layer)).isEqualTo(first).hasParent(root.toRealPath().resolve("disks"));
        assertThat(Files.getLastModifiedTime(first)).isEqualTo(made);
        assertThat(Command.run("stat", "-c", "%a %u", first).strip()).isEqualTo("600 0");
        Path link = Files.createSymbolicLink(temporary.resolve("link"), layer);
        assertThat(disk(link)).isEqualTo(first);
    }

    @Test
    void makesTheSameBytesEveryTime() {
        Path lower = layer("lower", "mkdir d; seq 9999 > d/a; seq 99 > d/b; ln d/a c; mkfifo p");
        Path upper = layer("upper", "mkdir d; mknod d/b c 0 0; seq 5000 > d/a");
        Path other = temporary.resolve("other");
        for (List<Path> layers : List.of(List.of(lower), List.of(lower, upper))) {
            assertThat(new LayerStore(root).disk(layers, deadline()))
                    .hasSameBinaryContentAs(new LayerStore(other).disk(layers, deadline()));
        }
    }

    @Test
    void takesADirectoryThatWasMadeAnewForAnother() {
        Path layer = layer("layer", "echo first > file");
        Path first = disk(layer);
        Command.run("rm", "-r", layer);
        layer("layer", "echo second > file");
        Path second = disk(layer);
        assertThat(second).isNotEqualTo(first);
        assertSame(layer);
        Command.run("chmod", "700", layer);
        assertThat(disk(layer)).isNotEqualTo(second);
    }

    @Test
    void takesAnotherOrderForAnotherStack() {
        Path one = layer("one", "echo 1 > file");
        Path two = layer("two", "echo 2 > file");
        assertThat(disk(one, two)).isNotEqualTo(disk(two, one)).isNotEqualTo(disk(one));
    }

    @Test
    void makesADiskAtMostOnceForManyThreads() throws Exception {
        Path layer = layer("layer", "echo x > file");
        List<TaskScope.Subtask<Path>> asked = new ArrayList<>();
        try (TaskScope tasks = new TaskScope("disk")) {
            for (int i = 0; i < 8; i++) {
                asked.add(tasks.fork("layer " + i, () -> disk(layer)));
            }
            tasks.join();
        }
        assertThat(asked.stream().map(TaskScope.Subtask::result).distinct()).hasSize(1);
        Path disk = asked.getFirst().result();
        // Made once more, it would be another file.
        assertThat(Files.getAttribute(disk, "unix:ino")).isEqualTo(onlyInodeIn(disk.getParent()));
    }

    private static Object onlyInodeIn(Path directory) throws IOException {
        try (var files = Files.list(directory)) {
            List<Path> all = files.toList();
            assertThat(all).hasSize(1);
            return Files.getAttribute(all.getFirst(), "unix:ino");
        }
    }

    @Test
    void makesADamagedDiskAnew() throws IOException {
        Path layer = layer("layer", "echo x > file");
        Path disk = disk(layer);
        byte[] good = Files.readAllBytes(disk);
        Files.write(disk, java.util.Arrays.copyOf(good, good.length - 4096));
        assertThat(disk(layer)).hasBinaryContent(good);
    }

    @Test
    void removesWhatAKilledProcessLeft() throws IOException {
        Path leftover = root.resolve("staging").resolve("ab".repeat(32));
        Files.createDirectories(leftover.resolve("root"));
        Files.write(leftover.resolve("disk"), new byte[10]);
        new LayerStore(root);
        assertThat(leftover).doesNotExist();
    }

    // Disks for one use.

    @Test
    void writesADiskThatItDoesNotKeep() throws IOException {
        Path layer = layer("layer", "echo x > file");
        Path disk = temporary.resolve("own");
        new LayerStore(root).write(List.of(layer), disk, deadline());
        assertThat(text(mounted(disk))).isEqualTo(text(TreeSnapshot.of(layer)));
        assertThat(root.resolve("disks")).isEmptyDirectory();
        assertThat(Command.run("stat", "-c", "%a", disk).strip()).isEqualTo("600");
    }

    @Test
    void leavesNoFileIfItCannotWriteADisk() {
        LayerStore store = new LayerStore(root, SMALL);
        Path disk = temporary.resolve("own");
        Path large = layer("large", "truncate -s 2M file");
        assertFault(
                FaultCode.RESOURCE_EXHAUSTED,
                "larger than 1 MiB",
                () -> store.write(List.of(large), disk, deadline()));
        assertThat(disk).doesNotExist();
        assertFault(
                FaultCode.NOT_FOUND,
                "the directory of the disk",
                () -> store.write(List.of(large), disk.resolve("x"), deadline()));
        assertFault(
                FaultCode.ALREADY_EXISTS,
                "exists",
                () -> store.write(List.of(large), layer("own", ""), deadline()));
    }

    @Test
    void neverFollowsALinkThatReplacesADirectoryMeanwhile() throws Exception {
        Path outside = layer("outside", "echo secret > file");
        Path layer = layer("layer", "mkdir d aside; echo x > d/file; ln -s ../outside link");
        AtomicBoolean ended = new AtomicBoolean();
        Thread swapping =
                Thread.ofPlatform()
                        .start(() -> {
                            while (!ended.get()) {
                                exchange(layer.resolve("d"), layer.resolve("link"));
                            }
                        });
        try {
            for (int i = 0; i < 3; i++) {
                Path disk = temporary.resolve("own" + i);
                try {
                    new LayerStore(root).write(List.of(layer), disk, deadline());
                    assertThat(Files.readString(disk, java.nio.charset.StandardCharsets.ISO_8859_1))
                            .doesNotContain("secret");
                } catch (Fault e) {
                    assertThat(e.code()).isEqualTo(FaultCode.ABORTED);
                }
            }
        } finally {
            ended.set(true);
            swapping.join();
        }
        assertThat(outside.resolve("file")).hasContent("secret");
    }

    private static void exchange(Path one, Path other) {
        try {
            io.bunkai.linux.Renames.exchange(one, other);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    // What is refused, and what goes wrong.

    @Test
    void saysWhatIsNoLayer() {
        Path file = layer("layer", "echo x > file").resolve("file");
        assertRefused(List.of(), UnpackLimits.DEFAULTS, FaultCode.INVALID_ARGUMENT, "no directory");
        assertRefused(
                List.of(file),
                UnpackLimits.DEFAULTS,
                FaultCode.INVALID_ARGUMENT,
                "is no directory");
        for (Path gone : List.of(temporary.resolve("gone"), file.resolve("below"))) {
            assertRefused(
                    List.of(gone), UnpackLimits.DEFAULTS, FaultCode.NOT_FOUND, "does not exist");
        }
    }

    @Test
    void limitsWhatALayerMayDemand() {
        assertExhausted("larger than 1 MiB", layer("large", "truncate -s 1048577 f"));
        assertExhausted(
                "larger than 1 MiB",
                layer("half", "truncate -s 600000 f"),
                layer("other-half", "truncate -s 600000 f"));
        assertExhausted("more than 100 files", layer("many", "seq 101 | xargs touch"));
        assertExhausted(
                "more than 100 files",
                layer("whiteouts", "for i in $(seq 101); do mknod \"$i\" c 0 0; done"));
        assertExhausted(
                "nested more than 20 directories",
                layer("deep", "for i in $(seq 20); do mkdir d; cd d; done"));
        assertExhausted(
                "extended attributes of more than",
                layer("xattrs", "touch f; setfattr -n user.x -v \"$(printf '%01001d' 0)\" f"));
        Path one = layer("one", "");
        assertExhausted("more than 3 layers", one, one, one, one);
    }

    @Test
    void saysSoIfTheDiskIsFull() {
        Path layer = layer("layer", "dd if=/dev/urandom of=f bs=1M count=3 status=none");
        Path small = layer("small", "");
        Command.run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small);
        try {
            LayerStore store = new LayerStore(small.resolve("store"));
            assertFault(
                    FaultCode.RESOURCE_EXHAUSTED,
                    "No space left",
                    () -> store.disk(List.of(layer), deadline()));
            assertThat(small.resolve("store/disks")).isEmptyDirectory();
        } finally {
            Command.run("umount", small);
        }
    }

    @Test
    void endsAChildThatTakesTooLong() {
        Path slow = slowLayer();
        assertFault(
                FaultCode.DEADLINE_EXCEEDED,
                "packing the layer took too long",
                () ->
                        new LayerStore(root)
                                .disk(List.of(slow), Deadline.after(Duration.ofMillis(300))));
        assertThat(root.resolve("disks")).isEmptyDirectory();
    }

    @Test
    void endsTheChildIfTheCallerIsInterrupted() throws Exception {
        Path slow = slowLayer();
        AtomicReference<Fault> fault = new AtomicReference<>();
        Thread asking = Thread.ofVirtual().start(() -> fault.set(faultOf(slow)));
        awaitChild();
        asking.interrupt();
        asking.join();
        assertThat(fault.get().code()).isEqualTo(FaultCode.CANCELLED);
        assertThat(root.resolve("disks")).isEmptyDirectory();
    }

    @Test
    void saysSoIfTheChildIsKilled() throws Exception {
        Path slow = slowLayer();
        AtomicReference<Fault> fault = new AtomicReference<>();
        Thread asking = Thread.ofVirtual().start(() -> fault.set(faultOf(slow)));
        awaitChild();
        ProcessHandle.current().children().forEach(ProcessHandle::destroyForcibly);
        asking.join();
        assertThat(fault.get())
                .hasMessageContaining("the process that packs layers died (killed by SIGKILL)");
        assertThat(root.resolve("disks")).isEmptyDirectory();
    }

    @Test
    void saysSoIfALayerChangesMeanwhile() throws Exception {
        Path slow = slowLayer();
        AtomicReference<Fault> fault = new AtomicReference<>();
        Thread asking = Thread.ofVirtual().start(() -> fault.set(faultOf(slow)));
        awaitChild();
        Files.writeString(slow.resolve("new"), "");
        ProcessHandle.current().children().forEach(ProcessHandle::destroyForcibly);
        asking.join();
        assertThat(fault.get().code()).isEqualTo(FaultCode.ABORTED);
        assertThat(fault.get()).hasMessageContaining("changed while its disk was made");
        assertThat(root.resolve("disks")).isEmptyDirectory();
    }

    @Test
    void readsInAChildThatCannotAdministerTheSystem() throws Exception {
        Path slow = slowLayer();
        Thread asking = Thread.ofVirtual().start(() -> faultOf(slow));
        String status = awaitChild();
        assertThat(status)
                .contains("\nNoNewPrivs:\t1\n")
                .contains("\nUid:\t65534\t65534\t65534\t65534\n")
                // CAP_DAC_READ_SEARCH, CAP_SYS_ADMIN
                .contains("\nCapEff:\t0000000000200004\n")
                .contains("\nCapBnd:\t0000000000200004\n");
        asking.interrupt();
        asking.join();
    }

    private static String statusOf(long pid) {
        try {
            return Files.readString(Path.of("/proc/" + pid + "/status"));
        } catch (IOException e) {
            return "";
        }
    }

    /** Nothing to write but much to read: it has no holes, and no data yet. */
    private Path slowLayer() {
        return layer("slow", "fallocate -l 4G zeros");
    }

    private Fault faultOf(Path layer) {
        return catchThrowableOfType(Fault.class, () -> disk(layer));
    }

    /** {@return the status of the child once it has given up what it does not need, and reads} */
    private static String awaitChild() {
        AtomicReference<String> found = new AtomicReference<>("");
        Await.until(
                "the child to read",
                deadline(),
                () -> {
                    ProcessHandle.current()
                            .children()
                            .map(child -> statusOf(child.pid()))
                            .filter(status -> status.contains("\nSeccomp:\t2\n"))
                            .forEach(found::set);
                    return !found.get().isEmpty();
                });
        return found.get();
    }

    // Tools.

    /** A directory that a shell has filled. */
    private Path layer(String name, String script) {
        try {
            Path layer = Files.createDirectories(temporary.resolve(name));
            Command.run("sh", "-ec", "cd \"$1\"\n" + script, "sh", layer);
            return layer;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void listen(Path socket) {
        Command.run(
                "perl",
                "-e",
                "use Socket; socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un($ARGV[0]))"
                        + " or die",
                socket);
    }

    private void assertSame(Path layer) {
        assertThat(text(snapshot(layer))).isEqualTo(text(TreeSnapshot.of(layer)));
    }

    private SortedMap<String, String> snapshot(Path layer) {
        return snapshot(List.of(layer));
    }

    private SortedMap<String, String> snapshot(List<Path> layers) {
        Path disk = new LayerStore(root).disk(layers, deadline());
        Command.run("fsck.erofs", disk);
        return mounted(disk);
    }

    private SortedMap<String, String> mounted(Path disk) {
        try (MountedDisk mounted = MountedDisk.of(disk, temporary.resolve("mnt"))) {
            return TreeSnapshot.of(mounted.directory());
        }
    }

    private Path disk(Path... layers) {
        return new LayerStore(root).disk(List.of(layers), deadline());
    }

    /** A line per file, so that a failure shows what differs and no more. */
    private static List<String> text(SortedMap<String, String> files) {
        return files.entrySet().stream().map(e -> e.getKey() + " " + e.getValue()).toList();
    }

    private void assertExhausted(String reason, Path... layers) {
        assertRefused(List.of(layers), SMALL, FaultCode.RESOURCE_EXHAUSTED, reason);
    }

    private void assertRefused(
            List<Path> layers, UnpackLimits limits, FaultCode code, String reason) {
        assertFault(code, reason, () -> new LayerStore(root, limits).disk(layers, deadline()));
        assertThat(root.resolve("disks")).isEmptyDirectory();
    }

    private static void assertFault(FaultCode code, String reason, Runnable attempt) {
        Fault fault = catchThrowableOfType(Fault.class, attempt::run);
        assertThat(fault).hasMessageContaining(reason);
        assertThat(fault.code()).isEqualTo(code);
    }

    private static Deadline deadline() {
        return Deadline.after(Duration.ofMinutes(2));
    }
}
