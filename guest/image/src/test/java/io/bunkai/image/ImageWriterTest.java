// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bunkai.base.Fault;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The images, as other programs read them. */
class ImageWriterTest {
    private static final UUID ID = UUID.fromString("0bad5eed-1122-8344-9566-778899aabbcc");
    private static final String ID_TEXT = ID.toString();
    private static final long TIME = 1_700_000_000;
    private static final long MIB = 1 << 20;

    private final CommandRunner commands = new HostCommands();

    @TempDir private Path folder;
    private Path work = Path.of("");

    @BeforeEach
    void aFolderToWorkIn() throws Exception {
        work = Files.createDirectory(folder.resolve("work"));
    }

    static Stream<Arguments> formats() {
        return Stream.of(ImageFormat.FileSystem.values())
                .flatMap(fs ->
                        Stream.of(ImageFormat.Layout.values())
                                .map(layout ->
                                        Arguments.of(
                                                new ImageFormat(fs, layout, Compression.NONE, 4))));
    }

    /** A tree of some depth, its entries made in this order. */
    private Path tree(String name, boolean backwards) throws IOException {
        RootTree tree = RootTree.create(folder.resolve(name));
        List<String> names = List.of("a", "b", "c", "d", "e");
        for (String entry : backwards ? names.reversed() : names) {
            tree.write("usr/share/" + entry, entry.repeat(10_000));
            tree.write("opt/" + entry + "/file", "");
        }
        Files.createSymbolicLink(tree.resolve("long"), Path.of("x".repeat(100)));
        Trees.setTimes(tree.root(), Instant.ofEpochSecond(TIME));
        return tree.root();
    }

    private Path write(Path tree, ImageFormat format, String name) throws Exception {
        Path image = folder.resolve(name);
        ContentManifest.Image written =
                ImageWriter.write(commands, tree, format, ID, TIME, work, image);
        assertThat(written.bytes()).isEqualTo(Files.size(image));
        assertThat(written.sha256()).isEqualTo(Digests.sha256(image));
        assertThat(work).isEmptyDirectory();
        return image;
    }

    private String run(String... command) throws Exception {
        return commands.check(folder, List.of(command));
    }

    @ParameterizedTest
    @MethodSource("formats")
    void isTheSameTwice(ImageFormat format) throws Exception {
        Path first = write(tree("one", false), format, "first.img");
        // Elsewhere, made in another order, at another time.
        Path second = write(tree("another/place", true), format, "second.img");
        Files.setLastModifiedTime(first, FileTime.fromMillis(0));
        assertThat(first).hasSameBinaryContentAs(second);
    }

    @Test
    void compressedItIsTheSameTwiceAndSmaller() throws Exception {
        ImageFormat format =
                new ImageFormat(
                        ImageFormat.FileSystem.EROFS, ImageFormat.Layout.PLAIN, Compression.ALL, 4);
        Path first = write(tree("one", false), format, "first.img");
        assertThat(first).hasSameBinaryContentAs(write(tree("two", true), format, "second.img"));
        ImageFormat unpacked =
                new ImageFormat(
                        ImageFormat.FileSystem.EROFS,
                        ImageFormat.Layout.PLAIN,
                        Compression.NONE,
                        4);
        Path plain = write(tree("three", true), unpacked, "plain.img");
        assertThat(Files.size(first)).isLessThan(Files.size(plain));
        run("fsck.erofs", first.toString());
    }

    @Test
    void onlyTheLargeFilesArePackedUnlessSomebodyAsksForMore() throws Exception {
        Path root = tree("one", false);
        Files.writeString(root.resolve(RootTree.AOT_CACHE), "cache".repeat(100_000));
        Trees.setTimes(root, Instant.ofEpochSecond(TIME));
        Path image = write(root, ImageFormat.PLAIN_EROFS, "image");
        assertThat(Files.size(image)).isBetween(50_000L, 200_000L);
        assertThat(run("dump.erofs", "--path=/usr/lib/bunkai/agent.aot", image.toString()))
                .containsPattern("Compression ratio: +[0-9]\\.");
        assertThat(run("dump.erofs", "--path=/usr/share/a", image.toString()))
                .containsPattern("Compression ratio: +100\\.00");
        run("fsck.erofs", image.toString());
    }

    @Test
    void ext4CannotBeCompressed() {
        assertThatThrownBy(() ->
                        new ImageFormat(
                                ImageFormat.FileSystem.EXT4,
                                ImageFormat.Layout.KATA,
                                Compression.ALL,
                                4))
                .isInstanceOf(Fault.class)
                .hasMessageContaining("ext4 cannot be compressed");
    }

    @Test
    void erofsIsReadByItsOwnTools() throws Exception {
        Path image = write(tree("one", false), ImageFormat.PLAIN_EROFS, "image");
        assertThat(run("dump.erofs", "-s", image.toString()))
                .containsPattern("Filesystem UUID: +" + ID_TEXT);
        run("fsck.erofs", "--extract=" + folder.resolve("out"), image.toString());
        assertThat(TreeListing.of(folder.resolve("out")))
                .isEqualTo(TreeListing.of(folder.resolve("one")));
    }

    @Test
    void ext4IsReadByItsOwnTools() throws Exception {
        ImageFormat format =
                new ImageFormat(
                        ImageFormat.FileSystem.EXT4, ImageFormat.Layout.PLAIN, Compression.NONE, 4);
        Path image = write(tree("one", false), format, "image");
        run("e2fsck", "-f", "-n", image.toString());
        String about = run("dumpe2fs", "-h", image.toString());
        assertThat(about)
                .containsPattern("Filesystem UUID: +" + ID_TEXT)
                .containsPattern("Directory Hash Seed: +" + ID_TEXT)
                .containsPattern("Filesystem created: +Tue Nov 14 22:13:20 2023")
                .doesNotContain("has_journal")
                .doesNotContain("metadata_csum");
        String stat = run("debugfs", "-R", "stat /usr/share/a", image.toString());
        assertThat(stat).contains("User:     0", "Mode:  0644", "Size: 10000");
        for (String time : List.of("ctime", "atime", "mtime", "crtime")) {
            assertThat(stat).containsPattern(" *" + time + ": 0x6553f100(:00000000)? -- ");
        }
        run("debugfs", "-R", "rdump /usr " + folder.resolve("work"), image.toString());
        assertThat(TreeListing.of(work.resolve("usr")).files())
                .isEqualTo(TreeListing.of(folder.resolve("one/usr")).files());
    }

    @ParameterizedTest
    @MethodSource("formats")
    void kataLayoutIsReadByOtherProgramsFromBothTables(ImageFormat given) throws Exception {
        ImageFormat format =
                new ImageFormat(given.fileSystem(), ImageFormat.Layout.KATA, Compression.NONE, 4);
        Path tree = tree("one", false);
        Path image = write(tree, format, "image");
        Path bare =
                write(
                        tree,
                        new ImageFormat(
                                given.fileSystem(), ImageFormat.Layout.PLAIN, Compression.NONE, 4),
                        "bare");
        assertThat(Files.size(image))
                .isEqualTo(Math.ceilDiv(3 * MIB + Files.size(bare), 4 * MIB) * 4 * MIB);
        long sectors = Math.ceilDiv(Files.size(bare), MIB) * MIB / 512;
        assertThat(run("sfdisk", "--dump", image.toString()))
                .contains("label: dos", "label-id: 0x0bad5eed", "start=        6144,")
                .containsPattern("size= +" + sectors + ", type=83");

        Path shifted = folder.resolve("shifted"); // what a kernel makes of it with the header
        cut(image, shifted, 2 * MIB, Files.size(image) - 2 * MIB);
        assertThat(run("sfdisk", "--dump", shifted.toString()))
                .contains("label-id: 0x0bad5eed", "start=        2048,")
                .containsPattern("size= +" + sectors + ", type=83");

        for (long offset : new long[] {6144 * 512, 2 * MIB + 2048 * 512}) {
            Path partition = folder.resolve("partition");
            cut(image, partition, offset, Files.size(bare));
            assertThat(partition).hasSameBinaryContentAs(bare);
            Files.delete(partition);
        }
    }

    @Test
    void aSizeIsAMultipleOf128MibUnlessSaidOtherwise() throws Exception {
        Path bare = Files.write(folder.resolve("bare"), new byte[4096]);
        Path image = folder.resolve("image");
        KataLayout.write(bare, image, ImageFormat.PLAIN_EROFS.alignMib(), ID);
        assertThat(Files.size(image)).isEqualTo(128 * MIB);
        assertThatThrownBy(() ->
                        new ImageFormat(
                                ImageFormat.FileSystem.EXT4,
                                ImageFormat.Layout.KATA,
                                Compression.NONE,
                                3))
                .isInstanceOf(Fault.class)
                .hasMessageContaining("3 MiB");
    }

    /** The fields as the kernel's pfn.h has them; the checksum computed another way. */
    @Test
    void theDaxSuperBlockIsAsDocumented() throws Exception {
        ImageFormat format =
                new ImageFormat(
                        ImageFormat.FileSystem.EROFS, ImageFormat.Layout.KATA, Compression.NONE, 4);
        Path image = write(tree("one", false), format, "image");
        Path cut = folder.resolve("block");
        cut(image, cut, 4096, 4096);
        byte[] content = Files.readAllBytes(cut);
        ByteBuffer block = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(new String(content, 0, 16, StandardCharsets.US_ASCII))
                .isEqualTo("NVDIMM_PFN_INFO\0");
        assertThat(java.util.HexFormat.of().formatHex(content, 16, 32))
                .isEqualTo(ID_TEXT.replace("-", ""));
        assertThat(java.util.Arrays.copyOfRange(content, 32, 52)).containsOnly(0); // parent, flags
        assertThat(block.getShort(52)).isZero(); // major
        assertThat(block.getShort(54)).isEqualTo((short) 2); // minor
        assertThat(block.getLong(56)).isEqualTo(2 * MIB); // dataoff
        assertThat(block.getLong(64)).isZero(); // npfns
        assertThat(block.getInt(72)).isEqualTo(1); // PFN_MODE_RAM
        assertThat(block.getLong(76)).isZero(); // start_pad, end_trunc
        assertThat(block.getInt(84)).isEqualTo(2 * (int) MIB); // align
        assertThat(java.util.Arrays.copyOfRange(content, 88, 4088)).containsOnly(0);
        java.math.BigInteger low = java.math.BigInteger.ZERO;
        java.math.BigInteger high = java.math.BigInteger.ZERO;
        java.math.BigInteger word = java.math.BigInteger.ONE.shiftLeft(32);
        for (int at = 0; at < 4088; at += 4) {
            low = low.add(java.math.BigInteger.valueOf(block.getInt(at) & 0xffffffffL)).mod(word);
            high = high.add(low);
        }
        high = high.add(low).add(low); // the checksum's own eight bytes count as zeros
        assertThat(block.getLong(4088)).isEqualTo(high.shiftLeft(32).add(low).longValue());
    }

    @Test
    void aToolThatFailsHalfWayLeavesNothing() throws Exception {
        Path target = folder.resolve("out/guest.img");
        CommandRunner full =
                (_, command) -> {
                    Files.writeString(Path.of(command.get(command.size() - 2)), "half");
                    return new CommandRunner.Result(1, "", "write: No space left on device\n");
                };
        assertThatThrownBy(
                        () -> {
                            try (OutputDirectory output = OutputDirectory.open(target)) {
                                ImageWriter.write(
                                        full,
                                        tree("one", false),
                                        ImageFormat.PLAIN_EROFS,
                                        ID,
                                        TIME,
                                        output.work(),
                                        output.results().resolve("guest.img"));
                            }
                        })
                .isInstanceOf(Fault.class)
                .hasMessage("mkfs.erofs ended with status 1")
                .hasRootCauseMessage("write: No space left on device")
                .satisfies(e ->
                        assertThat(((Fault) e).hint())
                                .hasValueSatisfying(
                                        hint -> assertThat(hint).startsWith("make room")));
        assertThat(target).doesNotExist();
        try (Stream<Path> left = Files.list(folder.resolve("out"))) {
            assertThat(left.map(file -> String.valueOf(file.getFileName())))
                    .containsExactly(".guest.img.lock");
        }
    }

    @Test
    void anInterruptLeavesTheFormerImage() throws Exception {
        Path target = Files.writeString(folder.resolve("guest.img"), "former");
        ImageFormat format =
                new ImageFormat(
                        ImageFormat.FileSystem.EROFS, ImageFormat.Layout.KATA, Compression.NONE, 4);
        CommandRunner interrupted =
                (directory, command) -> {
                    CommandRunner.Result result = commands.run(directory, command);
                    Thread.currentThread().interrupt(); // while the layout is made
                    return result;
                };
        assertThatThrownBy(
                        () -> {
                            try (OutputDirectory output = OutputDirectory.open(target)) {
                                ImageWriter.write(
                                        interrupted,
                                        tree("one", false),
                                        format,
                                        ID,
                                        TIME,
                                        output.work(),
                                        output.results().resolve("guest.img"));
                            }
                        })
                .isInstanceOf(InterruptedException.class);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(target).hasContent("former");
        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left.filter(file -> file.toString().contains("staging"))).isEmpty();
        }
    }

    @Test
    void publishesTheImageAndWhatDescribesIt() throws Exception {
        Path target = Files.writeString(folder.resolve("guest.img"), "former");
        try (OutputDirectory output = OutputDirectory.open(target)) {
            Files.writeString(output.results().resolve("guest.img"), "image");
            Files.writeString(output.results().resolve("guest.img.json"), "manifest");
            output.publishFiles(List.of("guest.img", "guest.img.json"));
        }
        assertThat(target).hasContent("image");
        assertThat(folder.resolve("guest.img.json")).hasContent("manifest");
    }

    private static void cut(Path from, Path to, long offset, long length) throws IOException {
        try (FileChannel source = FileChannel.open(from);
                FileChannel target =
                        FileChannel.open(
                                to, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (long done = 0; done < length; ) {
                done += source.transferTo(offset + done, length - done, target);
            }
        }
    }
}
