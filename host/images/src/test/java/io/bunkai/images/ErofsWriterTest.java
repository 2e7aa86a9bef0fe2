// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ErofsWriterTest {
    @TempDir Path temporary;

    @Test
    void writesTheBytesOfTheFormat() throws IOException {
        Path file =
                Stacks.disk(
                        temporary.resolve("disk"),
                        new TestTar()
                                .mode(0755)
                                .directory("./")
                                .mode(04755)
                                .owner(70_000, 3)
                                .pax("mtime", "1700000000.000000007")
                                .xattr("user.k", new byte[] {(byte) 0xee})
                                .file("f", "hello"));
        Command.run("fsck.erofs", file); // the checksum, too, is what others compute
        byte[] disk = Files.readAllBytes(file);

        assertThat(disk).hasSize(2 * 4096);
        assertThat(Arrays.copyOf(disk, 1024)).containsOnly(0);
        assertThat(part(disk, 1024, 128))
                .isEqualTo(
                        hex(
                                """
                                e2e1f5e0            // magic
                                36ecf0b6            // checksum
                                03000000            // compatible features: checksum, mtime
                                0c 00               // blocks of 2^12 bytes, no extension slots
                                0200                // nid of the root directory
                                0200000000000000    // inodes
                                0000000000000000 00000000 // time of the build, nanoseconds
                                02000000            // blocks
                                01000000            // first block of the metadata area
                                00000000            // first block of shared attributes
                                000102030405060708090a0b0c0d0e0f // uuid
                                62756e6b616900000000000000000000 // volume name "bunkai"
                                00000000            // incompatible features: none
                                0000 0000 0000 00 00 00000000 0000000000000000
                                000000000000000000000000000000000000000000000000
                                """));
        assertThat(part(disk, 4096 + 64, 64 + 40))
                .as("the root directory, slot 2")
                .isEqualTo(
                        hex(
                                """
                                0500                // extended inode, inline data
                                0000                // no attributes
                                ed41 0000           // directory 0755
                                2800000000000000    // size: 3 entries of 12 bytes, names of 4
                                00000000            // no whole block
                                01000000            // inode number
                                00000000 00000000   // uid, gid
                                00f1536500000000 00000000 // mtime, nanoseconds
                                02000000            // links
                                00000000000000000000000000000000
                                0200000000000000 2400 02 00 // "." is the root itself
                                0200000000000000 2500 02 00 // so is ".."
                                0600000000000000 2700 01 00 // "f" is a file in slot 6
                                2e 2e2e 66
                                """));
        assertThat(part(disk, 4096 + 6 * 32, 64 + 20 + 5))
                .as("the file, slot 6")
                .isEqualTo(
                        hex(
                                """
                                0500                // extended inode, inline data
                                0300                // attributes: header and 2 words
                                ed89 0000           // regular file 04755
                                0500000000000000    // size
                                00000000            // no whole block
                                02000000            // inode number
                                70110100 03000000   // uid, gid
                                00f1536500000000 07000000 // mtime, nanoseconds
                                01000000            // links
                                00000000000000000000000000000000
                                00000000 00 00000000000000 // attributes: no filter, none shared
                                01 01 0100 6b ee 0000 // "user." + "k", 1 byte, padding
                                68656c6c6f          // hello
                                """));
    }

    @Test
    void givesTheSameBytesForTheSameLayers() throws IOException {
        TestTar lower = new TestTar().directory("d").file("d/a", "a").xattr("user.b", (byte) 1);
        lower.xattr("user.a", (byte) 2).file("d/b", "b").file("c", new byte[10_000]);
        TestTar upper = new TestTar().file("c", "replaced").file("d/.wh.a", "");

        Path first = Stacks.disk(temporary.resolve("1"), lower, upper);
        Path second = Stacks.disk(temporary.resolve("2"), lower, upper);

        assertThat(first).hasSameBinaryContentAs(second);
    }

    @Test
    void keepsNothingOfAReplacedFile() throws IOException {
        byte[] secret = "a secret of a lower layer".repeat(400).getBytes(UTF_8);
        byte[] other = new byte[9000];
        Arrays.fill(other, (byte) 'o');

        Path disk =
                Stacks.disk(
                        temporary.resolve("disk"),
                        new TestTar().file("secret", secret).file("other", other),
                        new TestTar().file(".wh.secret", ""));

        assertThat(Files.size(disk)).isEqualTo((1 + 2 + 1) * 4096);
        assertThat(
                        new String(
                                Files.readAllBytes(disk),
                                java.nio.charset.StandardCharsets.ISO_8859_1))
                .doesNotContain("a secret");
    }

    @Test
    void writesNoBlocksOfZeros() {
        Path disk =
                Stacks.disk(
                        temporary.resolve("disk"),
                        new TestTar().file("zeros", new byte[64 * 1024 * 1024]));

        assertThat(disk).hasSize((1 + 16 * 1024 + 1) * 4096);
        long allocated = Long.parseLong(Command.run("stat", "-c", "%b", disk).strip()) * 512;
        assertThat(allocated).isLessThan(100_000);
        Command.run("fsck.erofs", disk);
    }

    @Test
    void placesDataThatDoesNotFitBesideItsInode() {
        TestTar tar = new TestTar().mode(0755).directory("./");
        for (int bytes = 3900; bytes < 4200; bytes += 7) {
            tar.xattr("user.x", new byte[bytes]).symlink("link" + bytes, "t".repeat(bytes % 4000));
            tar.xattr("user.x", new byte[bytes]).file("file" + bytes, new byte[bytes % 2048 + 1]);
            tar.xattr("user.x", new byte[bytes]).directory("dir" + bytes);
            tar.file("dir" + bytes + "/" + "n".repeat(200), "x");
        }
        tar.xattr("user.large", new byte[60_000]).file("large", "tail");

        Path disk = Stacks.disk(temporary.resolve("disk"), tar);

        Command.run("fsck.erofs", disk);
        try (MountedDisk mounted = MountedDisk.of(disk, temporary.resolve("mnt"))) {
            List<String> files = List.copyOf(TreeSnapshot.of(mounted.directory()).values());
            assertThat(files).hasSize(1 + 43 * 4 + 1);
        }
    }

    @Test
    void makesAFileSystemOfNothing() {
        Path disk = Stacks.disk(temporary.resolve("disk"), new TestTar());
        Command.run("fsck.erofs", disk);
        assertThat(disk).hasSize(2 * 4096);
    }

    private static byte[] part(byte[] disk, int offset, int length) {
        return Arrays.copyOfRange(disk, offset, offset + length);
    }

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text.replaceAll("//.*|\\s", ""));
    }
}
