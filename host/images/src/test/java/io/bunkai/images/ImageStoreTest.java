// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Deadline;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.base.TaskScope;
import io.bunkai.oci.Descriptor;
import io.bunkai.oci.Digest;
import io.bunkai.oci.MediaType;
import io.bunkai.testkit.Await;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From an image's file to its disk, through the real child. */
class ImageStoreTest {
    private static final TestTar LAYER = new TestTar().file("f", "hello");

    @TempDir Path temporary;
    private Path root;
    private Path layout;

    @BeforeEach
    void paths() {
        root = temporary.resolve("store");
        layout = temporary.resolve("layout");
    }

    @AfterEach
    void nothingIsLeftBehind() throws IOException {
        if (Files.exists(root.resolve("staging"))) {
            assertThat(root.resolve("staging")).isEmptyDirectory();
        }
        assertThat(Files.readString(Path.of("/proc/self/mounts"))).doesNotContain(root.toString());
        assertThat(ProcessHandle.current().children()).isEmpty();
    }

    @Test
    void makesADiskOnceAndUsesItAgain() throws IOException {
        TestLayout.of(layout, LAYER);
        ContainerImage first = resolve();
        FileTime made = Files.getLastModifiedTime(first.erofsDisk());

        ContainerImage second = resolve();

        assertThat(second).isEqualTo(first);
        assertThat(Files.getLastModifiedTime(second.erofsDisk())).isEqualTo(made);
        assertThat(first.erofsDisk())
                .hasFileName(first.id().hex() + "-v1.erofs")
                .hasSize(first.size().bytes());
        assertThat(first.size().bytes() % 4096).isZero();
        assertThat(first.name()).isEqualTo(layout.toString());
        assertThat(first.config().config().cmd()).containsExactly("sh");
        assertThat(Command.run("stat", "-c", "%a %u", first.erofsDisk()).strip())
                .isEqualTo("600 0");
        assertThat(Command.run("stat", "-c", "%a", root.resolve("disks")).strip()).isEqualTo("700");
    }

    /** Machines that are copies of one want all their disks to look alike. */
    @Test
    void aDiskThatWasMadeToLookLargerIsUsedAgain() throws IOException {
        TestLayout.of(layout, LAYER);
        ContainerImage first = resolve();
        try (RandomAccessFile disk = new RandomAccessFile(first.erofsDisk().toFile(), "rw")) {
            disk.setLength(1L << 36);
        }
        FileTime padded = Files.getLastModifiedTime(first.erofsDisk());

        assertThat(resolve()).isEqualTo(first);
        assertThat(Files.getLastModifiedTime(first.erofsDisk())).isEqualTo(padded);

        try (RandomAccessFile disk = new RandomAccessFile(first.erofsDisk().toFile(), "rw")) {
            disk.setLength(first.size().bytes() - 1);
        }
        assertThat(resolve()).isEqualTo(first);
        assertThat(first.erofsDisk()).hasSize(first.size().bytes());
    }

    @Test
    void makesTheDiskOfTheEmbeddedImage() throws IOException {
        ContainerImage image = new ImageStore(root).resolve(ImageReference.embedded(), deadline());

        Command.run("fsck.erofs", image.erofsDisk());
        try (MountedDisk mounted = MountedDisk.of(image.erofsDisk(), temporary.resolve("mnt"))) {
            Path files = mounted.directory();
            assertThat(Command.run("chroot", files, "/bin/sh", "-c", "id -un; ls -d /proc /tmp"))
                    .isEqualTo("root\n/proc\n/tmp\n");
            assertThat(files.resolve("usr/bin/env"))
                    .hasSameBinaryContentAs(Path.of("/bin/busybox"));
            assertThat(Command.run("stat", "-c", "%a", files.resolve("tmp")).strip())
                    .isEqualTo("1777");
        }
        assertThat(image.config().config().cmd()).containsExactly("sh");
        assertThat(image.name()).isEqualTo("busybox");
        assertThat(new ImageStore(root).resolve(ImageReference.embedded(), deadline()))
                .isEqualTo(image);
    }

    @Test
    void saysWhatIsMissingForTheEmbeddedImage() {
        for (String busybox : List.of("/no/such/busybox", "/bin/sh", "/etc/passwd")) {
            var settings = new ImageStore.Settings(UnpackLimits.DEFAULTS, Path.of(busybox));
            assertThatExceptionOfType(Fault.class)
                    .isThrownBy(() ->
                            new ImageStore(root, settings)
                                    .resolve(ImageReference.embedded(), deadline()))
                    .satisfies(f -> {
                        assertThat(f.code()).isEqualTo(FaultCode.FAILED_PRECONDITION);
                        assertThat(f.hint()).hasValue("install it: apt-get install busybox-static");
                    });
        }
    }

    @Test
    void makesADiskAtMostOnceForManyThreads() throws Exception {
        TestLayout.of(layout, LAYER);
        List<TaskScope.Subtask<ContainerImage>> asked = new ArrayList<>();
        try (TaskScope tasks = new TaskScope("resolve")) {
            for (int i = 0; i < 8; i++) {
                asked.add(tasks.fork("image " + i, this::resolve));
            }
            tasks.join();
        }
        assertThat(asked.stream().map(TaskScope.Subtask::result).distinct()).hasSize(1);
        Path disk = asked.getFirst().result().erofsDisk();
        assertThat(disk.getParent()).isDirectoryContaining(disk::equals);
        try (var disks = Files.list(disk.getParent())) {
            assertThat(disks).hasSize(1);
        }
    }

    @Test
    void waitsForAnotherProcessThatMakesTheSameImage() throws Exception {
        TestLayout.of(layout, LAYER);
        Digest id = idOfLayout();
        new ImageStore(root);
        // Another process holds the lock as long as its input is open.
        Process other =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-cp",
                                classPath(),
                                LockHolder.class.getName(),
                                root.toRealPath().resolve("lock").toString(),
                                id.hex())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        try {
            assertThat(other.getInputStream().read()).isEqualTo('+');
            assertThatExceptionOfType(Fault.class)
                    .isThrownBy(() ->
                            new ImageStore(root)
                                    .resolve(reference(), Deadline.after(Duration.ofMillis(100))))
                    .satisfies(f -> assertThat(f.code()).isEqualTo(FaultCode.DEADLINE_EXCEEDED));
            try (TaskScope tasks = new TaskScope("resolve")) {
                var image = tasks.fork("image", this::resolve);
                other.getOutputStream().close();
                tasks.join();
                assertThat(image.result().id()).isEqualTo(id);
            }
        } finally {
            other.destroyForcibly();
            other.waitFor();
        }
    }

    /** Locks a name of a store until its standard input ends. */
    static final class LockHolder {
        private LockHolder() {}

        public static void main(String[] arguments) throws IOException {
            try (StoreLocks.Held _ =
                    StoreLocks.of(Path.of(arguments[0]))
                            .acquire(arguments[1], Deadline.after(Duration.ofSeconds(30)))) {
                System.out.write('+');
                System.out.flush();
                while (System.in.read() >= 0) {}
            }
        }
    }

    private static String classPath() {
        List<String> places = new ArrayList<>();
        for (Class<?> type : List.of(LockHolder.class, StoreLocks.class, Fault.class)) {
            places.add(type.getProtectionDomain().getCodeSource().getLocation().getPath());
        }
        return String.join(":", places);
    }

    @Test
    void makesADamagedDiskAnew() throws IOException {
        TestLayout.of(layout, LAYER);
        Path disk = resolve().erofsDisk();
        byte[] good = Files.readAllBytes(disk);
        byte[] otherChecksum = good.clone();
        otherChecksum[1100] ^= 1;
        for (byte[] bad :
                List.of(
                        new byte[0],
                        new byte[good.length],
                        java.util.Arrays.copyOf(good, good.length - 4096),
                        otherChecksum)) {
            Files.write(disk, bad);
            assertThat(resolve().erofsDisk()).hasBinaryContent(good);
        }
    }

    @Test
    void removesWhatAKilledProcessLeft() throws IOException {
        Path leftover = root.resolve("staging").resolve("ab".repeat(32));
        Files.createDirectories(leftover.resolve("root"));
        Files.write(leftover.resolve("disk"), new byte[10]);
        try (StoreLocks.Held _ =
                StoreLocks.of(root.toRealPath().resolve("lock"))
                        .acquire("ab".repeat(32), deadline())) {
            new ImageStore(root);
            assertThat(leftover).exists(); // somebody is still at it
        }
        new ImageStore(root);
        assertThat(leftover).doesNotExist();
    }

    @Test
    void refusesALayerWithAWrongDigest() throws IOException {
        TestLayout.of(layout, LAYER);
        Path blob = layout.resolve("blobs/sha256/" + Digest.of(LAYER.bytes()).hex());
        byte[] bad = LAYER.bytes();
        bad[520] ^= 1;
        Files.write(blob, bad);
        assertRefused(FaultCode.INVALID_ARGUMENT, "is damaged: its digest is");
        bad = LAYER.bytes();
        bad[10] ^= 1; // the child fails first, at the header
        Files.write(blob, bad);
        assertRefused(FaultCode.INVALID_ARGUMENT, "is damaged: its digest is");
    }

    @Test
    void refusesALayerThatUnpacksToSomethingElse() {
        byte[] tar = LAYER.bytes();
        new TestLayout(layout)
                .layer(
                        MediaType.OCI_LAYER_GZIP.text(),
                        TestLayout.gzip(tar),
                        Digest.of(new byte[] {1}))
                .write();
        assertRefused(FaultCode.INVALID_ARGUMENT, "layer 1 unpacks to " + Digest.of(tar));
    }

    @Test
    void refusesCutLayers() {
        byte[] tar = new TestTar().file("f", new byte[5000]).cut();
        byte[] cutTar = java.util.Arrays.copyOf(tar, 3000);
        new TestLayout(layout).layer(cutTar).write();
        assertRefused(FaultCode.INVALID_ARGUMENT, "the tar archive is cut off");

        byte[] gzip = TestLayout.gzip(tar);
        new TestLayout(layout)
                .layer(
                        MediaType.OCI_LAYER_GZIP.text(),
                        java.util.Arrays.copyOf(gzip, gzip.length - 9),
                        Digest.of(tar))
                .write();
        assertRefused(FaultCode.INVALID_ARGUMENT, "the gzip data is damaged");

        new TestLayout(layout)
                .layer(MediaType.OCI_LAYER_ZSTD.text(), new byte[] {1, 2, 3}, Digest.of(tar))
                .write();
        assertRefused(FaultCode.INVALID_ARGUMENT, "the Zstandard data is damaged");
    }

    @Test
    void refusesClimbingLayersInAnArchiveToo() throws IOException {
        new TestLayout(layout)
                .layer(new TestTar().symlink("way", "../../..").file("way/x", "x").bytes())
                .write();
        Path archive = temporary.resolve("image.tar");
        Command.run("tar", "-C", layout, "-cf", archive, ".");
        assertThatExceptionOfType(Fault.class)
                .isThrownBy(() ->
                        new ImageStore(root)
                                .resolve(
                                        new ImageReference.OnDisk(archive, Optional.empty()),
                                        deadline()))
                .withMessage("'way/x' climbs out of the image")
                .satisfies(f -> assertThat(f.hint()).isPresent());
        assertThat(root.resolve("disks")).isEmptyDirectory();
    }

    @Test
    void refusesABomb() throws IOException {
        writeBomb();
        assertRefused(
                FaultCode.RESOURCE_EXHAUSTED, "a layer unpacks to more than 200 times its size");
    }

    @Test
    void endsAChildThatUsesTooMuchProcessorTime() throws IOException {
        writeBomb();
        assertRefused(
                new ImageStore.Settings(
                        Limits.withRatio(1_000_000, 1), ImageStore.Settings.DEFAULTS.busybox()),
                deadline(),
                FaultCode.RESOURCE_EXHAUSTED,
                "more than 1 seconds of processor time");
    }

    @Test
    void endsAChildThatTakesTooLong() throws IOException {
        writeBomb();
        assertRefused(
                new ImageStore.Settings(
                        Limits.withRatio(1_000_000, 60), ImageStore.Settings.DEFAULTS.busybox()),
                Deadline.after(Duration.ofMillis(700)),
                FaultCode.DEADLINE_EXCEEDED,
                "unpacking the image took too long");
    }

    @Test
    void endsTheChildIfTheCallerIsInterrupted() throws Exception {
        writeBomb();
        AtomicReference<Fault> fault = new AtomicReference<>();
        Thread resolving = Thread.ofVirtual().start(() -> fault.set(faultOfPatientStore()));
        awaitChild();
        resolving.interrupt();
        resolving.join();
        assertThat(fault.get().code()).isEqualTo(FaultCode.CANCELLED);
        assertThat(root.resolve("disks")).isEmptyDirectory();
    }

    @Test
    void saysSoIfTheTreeDoesNotFitIntoMemory() {
        TestTar tar = new TestTar();
        for (int i = 0; i < 60_000; i++) {
            tar.file(i + "/" + "n".repeat(90), "");
        }
        TestLayout.of(layout, tar);
        assertRefused(
                new ImageStore.Settings(
                        Limits.withHeap(ByteSize.ofMib(16)),
                        ImageStore.Settings.DEFAULTS.busybox()),
                deadline(),
                FaultCode.RESOURCE_EXHAUSTED,
                "more files and names than fit into the memory");
    }

    @Test
    void saysSoIfTheChildIsKilled() throws Exception {
        writeBomb();
        AtomicReference<Fault> fault = new AtomicReference<>();
        Thread resolving = Thread.ofVirtual().start(() -> fault.set(faultOfPatientStore()));
        awaitChild();
        ProcessHandle.current().children().forEach(ProcessHandle::destroyForcibly);
        resolving.join();
        assertThat(fault.get())
                .hasMessageContaining(
                        "the process that unpacks the image died (killed by SIGKILL)");
        assertThat(root.resolve("disks")).isEmptyDirectory();
    }

    /** Resolves the bomb with limits that let it go on for long. */
    private Fault faultOfPatientStore() {
        var settings =
                new ImageStore.Settings(
                        Limits.withRatio(1_000_000, 600), ImageStore.Settings.DEFAULTS.busybox());
        try {
            new ImageStore(root, settings).resolve(reference(), deadline());
        } catch (Fault e) {
            return e;
        }
        throw new AssertionError("the bomb was unpacked");
    }

    private void awaitChild() {
        Await.until(
                "the child to be a Java runtime",
                deadline(),
                () ->
                        ProcessHandle.current()
                                .children()
                                .anyMatch(child ->
                                        child.info().command().orElse("").endsWith("/java")));
    }

    @Test
    void saysSoIfTheDiskIsFull() throws IOException {
        Path small = Files.createDirectories(temporary.resolve("small"));
        byte[] noise = new byte[3_000_000];
        new java.util.Random(6).nextBytes(noise);
        TestLayout.of(layout, new TestTar().file("f", noise));
        Command.run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small);
        try {
            Path store = small.resolve("store");
            assertThatExceptionOfType(Fault.class)
                    .isThrownBy(() -> new ImageStore(store).resolve(reference(), deadline()))
                    .withMessageContaining("No space left on device")
                    .satisfies(f -> assertThat(f.code()).isEqualTo(FaultCode.RESOURCE_EXHAUSTED));
            assertThat(store.resolve("staging")).isEmptyDirectory();
            assertThat(store.resolve("disks")).isEmptyDirectory();
        } finally {
            Command.run("umount", small);
        }
    }

    @Test
    void saysSoIfALayerIsMissing() {
        new TestLayout(layout)
                .layer(
                        Descriptor.of(MediaType.OCI_LAYER, new byte[] {1}),
                        Digest.of(new byte[] {1}))
                .write();
        assertRefused(FaultCode.NOT_FOUND, "the layer sha256:");
    }

    /** A few hundred kilobytes that are four gigabytes of zeros. */
    private void writeBomb() {
        byte[] zeros = TestLayout.gzip(new byte[64 << 20]);
        int times = 64;
        byte[] header =
                TestTar.header('0', "zeros", "", (long) times * (64 << 20), 0644, 0, 0, 0, 0, 0);
        ByteArrayOutputStream members = new ByteArrayOutputStream();
        members.writeBytes(TestLayout.gzip(header));
        for (int i = 0; i < times; i++) {
            members.writeBytes(zeros);
        }
        // The digest of what it unpacks to does not matter: it never gets that far.
        new TestLayout(layout)
                .layer(
                        MediaType.OCI_LAYER_GZIP.text(),
                        members.toByteArray(),
                        Digest.of(new byte[0]))
                .write();
    }

    private Digest idOfLayout() {
        try (ImageSource source =
                ImageSource.open(
                        layout,
                        Optional.empty(),
                        UnpackLimits.DEFAULTS,
                        io.bunkai.oci.Platform.ofThisMachine())) {
            return source.id();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private ImageReference reference() {
        return new ImageReference.OnDisk(layout, Optional.empty());
    }

    private ContainerImage resolve() {
        return new ImageStore(root).resolve(reference(), deadline());
    }

    private static Deadline deadline() {
        return Deadline.after(Duration.ofMinutes(2));
    }

    private void assertRefused(FaultCode code, String reason) {
        assertRefused(ImageStore.Settings.DEFAULTS, deadline(), code, reason);
    }

    private void assertRefused(
            ImageStore.Settings settings, Deadline deadline, FaultCode code, String reason) {
        assertThatExceptionOfType(Fault.class)
                .isThrownBy(() -> new ImageStore(root, settings).resolve(reference(), deadline))
                .withMessageContaining(reason)
                .satisfies(f -> assertThat(f.code()).isEqualTo(code));
        assertThat(root.resolve("disks")).isEmptyDirectory();
    }
}
