// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;
import io.bunkai.images.UnpackRequest.Compression;
import io.bunkai.oci.Digest;
import io.bunkai.oci.Platform;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damaged and random input gives a fault or a sound disk, and never anything else. The child's
 * program is called in this process. A failure names its seed.
 */
class FuzzTest {
    private static final int ROUNDS = 1500;
    private static final UnpackLimits LIMITS =
            new UnpackLimits(
                    ByteSize.ofMib(8),
                    500,
                    5,
                    50,
                    ByteSize.ofMib(1),
                    50,
                    4000,
                    ByteSize.ofMib(1),
                    10,
                    ByteSize.ofMib(64));
    private static final List<String> NAMES =
            List.of(
                    "a",
                    "b",
                    "a/b",
                    "a/b/c",
                    "b/a",
                    "..",
                    ".",
                    "/",
                    "a/..",
                    "../a",
                    "c",
                    "c/a",
                    "a/c/b",
                    ".wh.a",
                    "a/.wh.b",
                    ".wh..wh..opq",
                    "a/.wh..wh..opq",
                    ".wh.",
                    ".wh...",
                    "//a//b/",
                    "b/.wh..wh.plnk",
                    "");

    @TempDir Path temporary;

    @Test
    void damagedArchives() throws IOException {
        TestTar tar =
                new TestTar()
                        .directory("d")
                        .xattr("user.a", (byte) 1)
                        .pax("mtime", "1.5")
                        .file("d/f", "content")
                        .symlink("l", "d")
                        .hardLink("l/h", "d/f")
                        .pax("GNU.sparse.map", "0,1,3,2")
                        .pax("GNU.sparse.size", "9")
                        .file("sparse", "abc")
                        .member('L', "x", "", 4, "long".getBytes(UTF_8))
                        .file("short", "x")
                        .characterDevice("c", 1, 3)
                        .fifo("p")
                        .file("d/.wh.f", "");
        byte[] good = tar.bytes();
        for (int seed = 0; seed < ROUNDS; seed++) {
            Random random = new Random(seed);
            byte[] bad = damaged(good, random);
            if (random.nextBoolean()) {
                repairChecksums(bad);
            }
            Compression compression = Compression.NONE;
            if (seed % 5 == 0) {
                bad = TestLayout.gzip(bad);
                compression = Compression.GZIP;
                bad = random.nextBoolean() ? damaged(bad, random) : bad;
            } else if (seed % 5 == 1) {
                bad = TestLayout.zstd(bad);
                compression = Compression.ZSTD;
                bad = random.nextBoolean() ? damaged(bad, random) : bad;
            }
            assertSound("seed " + seed, List.of(bad), compression);
        }
    }

    @Test
    void randomTrees() throws IOException {
        for (int seed = 0; seed < ROUNDS; seed++) {
            Random random = new Random(seed);
            List<byte[]> layers = new ArrayList<>();
            for (int i = random.nextInt(3); i >= 0; i--) {
                TestTar tar = new TestTar();
                for (int j = random.nextInt(12); j > 0; j--) {
                    randomMember(tar, random);
                }
                layers.add(tar.bytes());
            }
            assertSound("seed " + seed, layers, Compression.NONE);
        }
    }

    private static void randomMember(TestTar tar, Random random) {
        String name = NAMES.get(random.nextInt(NAMES.size()));
        String other = NAMES.get(random.nextInt(NAMES.size()));
        if (random.nextInt(4) == 0) {
            tar.xattr("user.x", new byte[1 + random.nextInt(3999)]);
        }
        switch (random.nextInt(9)) {
            case 0, 1 -> tar.directory(name);
            case 2 -> tar.symlink(name, other);
            case 3 -> tar.hardLink(name, other);
            case 4 -> tar.fifo(name);
            case 5 -> tar.blockDevice(name, random.nextInt(4096), random.nextInt(1 << 20));
            default -> tar.file(name, new byte[random.nextInt(10_000)]);
        }
    }

    /** As the child is called: the digest always matches, since damage comes first. */
    private void assertSound(String what, List<byte[]> layers, Compression compression)
            throws IOException {
        List<UnpackRequest.Layer> described = new ArrayList<>();
        for (byte[] layer : layers) {
            described.add(new UnpackRequest.Layer(compression, diffId(layer, compression)));
        }
        ByteArrayOutputStream request = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(request);
        new UnpackRequest(LIMITS, Stacks.UUID, described).writeTo(out);
        for (byte[] layer : layers) {
            for (int at = 0; at < layer.length; at += UnpackRequest.MAX_CHUNK) {
                int end = Math.min(layer.length, at + UnpackRequest.MAX_CHUNK);
                UnpackRequest.writeChunk(out, Arrays.copyOfRange(layer, at, end), end - at);
            }
            out.writeInt(UnpackRequest.END_OF_LAYER);
        }
        out.writeInt(UnpackRequest.COMMIT);

        Path disk = temporary.resolve("disk");
        ByteArrayOutputStream report = new ByteArrayOutputStream();
        int status;
        try (FileChannel channel =
                FileChannel.open(
                        disk,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING)) {
            status =
                    LayerUnpacker.run(
                            new ByteArrayInputStream(request.toByteArray()),
                            new BlockOutput(channel, channel),
                            new PrintStream(report, true, UTF_8));
        }
        String said = report.toString(UTF_8);
        if (status == 0) {
            assertThat(said).as(what).startsWith(ChildReport.OK);
            checkSometimes(what, disk);
        } else {
            assertThat(said)
                    .as(what)
                    .matches(
                            "(?s)bunkai-unpack fault"
                                    + " (INVALID_ARGUMENT|RESOURCE_EXHAUSTED|UNIMPLEMENTED) .*\n");
        }
        assertThat(report.size()).as(what).isLessThan(2000);
    }

    private int sound;

    /** Starting a program for each would take minutes. */
    private void checkSometimes(String what, Path disk) {
        if (sound++ % 20 == 0) {
            try {
                Command.run("fsck.erofs", disk);
            } catch (AssertionError e) {
                throw new AssertionError(what, e);
            }
        }
    }

    private static String diffId(byte[] layer, Compression compression) {
        if (compression == Compression.NONE) {
            return Digest.of(layer).hex();
        }
        try (var in =
                compression == Compression.GZIP
                        ? new GzipStream(new ByteArrayInputStream(layer))
                        : new io.airlift.compress.v3.zstd.ZstdJavaInputStream(
                                new ZstdFrames(new ByteArrayInputStream(layer)))) {
            return Digest.of(in.readAllBytes()).hex();
        } catch (IOException | RuntimeException e) {
            return "00".repeat(32);
        }
    }

    @Test
    void damagedLayouts() throws IOException {
        Path layout = temporary.resolve("layout");
        TestLayout.of(layout, new TestTar().file("f", "x"));
        Path archive = temporary.resolve("layout.tar");
        Command.run("tar", "-C", layout, "-cf", archive, ".");
        byte[] goodArchive = Files.readAllBytes(archive);
        byte[] goodIndex = Files.readAllBytes(layout.resolve("index.json"));
        for (int seed = 0; seed < ROUNDS; seed++) {
            Random random = new Random(seed);
            Files.write(layout.resolve("index.json"), damaged(goodIndex, random));
            openAndClose("seed " + seed, layout);
            byte[] bad = damaged(goodArchive, random);
            repairChecksums(bad);
            Files.write(archive, bad);
            openAndClose("seed " + seed, archive);
        }
    }

    private static void openAndClose(String what, Path path) throws IOException {
        try (ImageSource source =
                ImageSource.open(path, Optional.empty(), LIMITS, Platform.ofThisMachine())) {
            assertThat(source.layers()).as(what).hasSize(1);
        } catch (Fault e) {
            assertThat(e.getMessage()).as(what).isNotBlank();
        }
    }

    private static byte[] damaged(byte[] good, Random random) {
        byte[] bad = good.clone();
        for (int i = 1 + random.nextInt(4); i > 0; i--) {
            int at = random.nextInt(bad.length);
            switch (random.nextInt(6)) {
                case 0 -> bad[at] = (byte) random.nextInt();
                case 1 -> bad[at] ^= (byte) (1 << random.nextInt(8));
                case 2 -> bad[at] = (byte) ('0' + random.nextInt(10));
                case 3 -> bad = Arrays.copyOf(bad, Math.max(1, at));
                case 4 -> {
                    int from = random.nextInt(bad.length);
                    int length = Math.min(random.nextInt(600), bad.length - Math.max(at, from));
                    System.arraycopy(bad, from, bad, at, length);
                }
                default -> {
                    int end = Math.min(bad.length, at + random.nextInt(20));
                    Arrays.fill(bad, at, end, (byte) (random.nextBoolean() ? 0xff : 0));
                }
            }
        }
        return bad;
    }

    /** So that damage gets past the first check. */
    private static void repairChecksums(byte[] archive) {
        for (int at = 0; at + 512 <= archive.length; at += 512) {
            byte[] block = Arrays.copyOfRange(archive, at, at + 512);
            if (Bytes.of(block, 257, 5).equals("ustar")) {
                System.arraycopy(TestTar.summed(block), 0, archive, at, 512);
            }
        }
    }
}
