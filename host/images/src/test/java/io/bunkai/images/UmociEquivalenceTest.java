// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import static org.assertj.core.api.Assertions.assertThat;

import io.bunkai.base.Deadline;
import io.bunkai.oci.MediaType;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a container sees is what {@code umoci unpack} would have made, file by file. */
class UmociEquivalenceTest {
    private static final byte[] FILE_CAPABILITY = { // VFS_CAP_REVISION_2, effective, CAP_NET_RAW
        1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    };

    @TempDir Path temporary;

    @Test
    void unpacksEveryTypeAndAttribute() {
        assertSame(
                new TestTar()
                        .mode(0755)
                        .mtime(1_600_000_000)
                        .directory("./")
                        .directory("etc")
                        .file("etc/passwd", "root:x:0:0::/:/bin/sh\n")
                        .file("etc/empty", "")
                        .mode(04755)
                        .owner(0, 0)
                        .file("etc/setuid", "s")
                        .mode(02755)
                        .owner(12, 34)
                        .file("etc/setgid", "s")
                        .mode(01777)
                        .directory("tmp")
                        .mode(0)
                        .file("etc/none", "x")
                        .mode(07777)
                        .file("etc/all", "x")
                        .owner(70_000, 4_000_000_000L)
                        .file("etc/large-ids", "x")
                        .pax("mtime", "1234567890.123456789")
                        .file("etc/nanoseconds", "x")
                        .pax("mtime", "-5.25")
                        .file("etc/before-the-epoch", "x")
                        .pax("mtime", "5000000000.5")
                        .file("etc/after-2106", "x")
                        .xattr("security.capability", FILE_CAPABILITY)
                        .xattr("user.binary", new byte[] {0, -1, '\n', '=', 0})
                        .xattr("user.empty")
                        .xattr("trusted.t", new byte[] {1})
                        .mode(0755)
                        .file("etc/ping", "ELF")
                        .xattr("user.of-a-directory", new byte[300])
                        .directory("etc/dir")
                        .symlink("etc/link", "../etc/passwd")
                        .symlink("dangling", "/no/where")
                        .hardLink("etc/hard", "etc/passwd")
                        .hardLink("a-hard", "./etc/hard")
                        .hardLink("hard-to-link", "dangling")
                        .mode(0660)
                        .owner(0, 6)
                        .blockDevice("sda", 8, 0)
                        .mode(0666)
                        .characterDevice("null", 1, 3)
                        .mode(0600)
                        .characterDevice("large-minor", 300, 70_000)
                        .mode(0622)
                        .fifo("pipe")
                        .directory("empty"));
    }

    @Test
    void unpacksNamesOfAnyKind() {
        TestTar tar = new TestTar().mode(0755).directory("./");
        tar.file(TestTar.utf8("grüße-分解-🥋"), "unicode");
        tar.file("not-\u00ff\u00fe-utf8", "binary");
        tar.file("new\nline\ttab\\backslash 'quote'", "x");
        tar.file("-", "x").file("!", "x").file("...", "x").file(".hidden", "x").file("~", "x");
        tar.file("n".repeat(255), "long name");
        tar.directory("d".repeat(120));
        tar.file("d".repeat(120) + "/" + "f".repeat(200), "both long");
        tar.symlink("long-link", "t/".repeat(600) + "end");
        tar.symlink("longest-link", "/" + "x".repeat(4094));
        String deep = "deep";
        for (int i = 0; i < 100; i++) {
            tar.directory(deep);
            deep = deep + "/" + i;
        }
        tar.file(deep, "at the bottom");
        assertSame(tar);
    }

    @Test
    void unpacksFilesOfEveryLength() {
        Random random = new Random(1);
        TestTar tar = new TestTar().mode(0755).directory("./");
        int[] sizes = {
            1, 2, 511, 512, 513, 2047, 2048, 2049, 4031, 4032, 4033, 4095, 4096, 4097, 6144, 6145,
            8191, 8192, 1_048_575, 1_048_576, 1_048_577, 3_000_000
        };
        for (int size : sizes) {
            byte[] content = new byte[size];
            random.nextBytes(content);
            tar.file("random-" + size, content);
            tar.file("zero-" + size, new byte[size]);
            byte[] holes = new byte[size];
            holes[size - 1] = 1;
            tar.xattr("user.beside-the-tail", new byte[size % 3000]).file("end-" + size, holes);
        }
        assertSame(tar);
    }

    @Test
    void unpacksADirectoryOfThousandsOfEntries() {
        TestTar tar = new TestTar().mode(0755).directory("./").directory("many");
        Random random = new Random(2);
        for (int i = 0; i < 6000; i++) {
            String name = "f".repeat(random.nextInt(40)) + i;
            tar.file("many/" + name, i % 3 == 0 ? "" : name);
        }
        for (int i = 0; i < 500; i++) {
            tar.directory("many/sub" + i);
        }
        assertSame(tar);
    }

    @Test
    void laysLayersOverEachOther() {
        assertSame(
                new TestTar()
                        .mode(0755)
                        .directory("./")
                        .directory("keep")
                        .file("keep/a", "lower a")
                        .file("keep/b", "lower b")
                        .directory("gone")
                        .file("gone/x", "x")
                        .directory("opaque")
                        .file("opaque/old", "old")
                        .directory("opaque/sub")
                        .file("opaque/sub/old", "old")
                        .file("becomes-directory", "file")
                        .directory("becomes-file")
                        .file("becomes-file/inside", "x")
                        .file("linked", "content")
                        .hardLink("linked-too", "linked")
                        .symlink("was-link", "keep")
                        .mode(0700)
                        .owner(1, 1)
                        .xattr("user.lower", new byte[] {1})
                        .directory("metadata")
                        .file("metadata/file", "stays"),
                new TestTar()
                        .file("keep/.wh.a", "")
                        .file("keep/c", "upper c")
                        .file(".wh.gone", "")
                        .directory("opaque")
                        .file("opaque/new", "new")
                        .file("opaque/.wh..wh..opq", "")
                        .directory("becomes-directory")
                        .file("becomes-directory/now", "x")
                        .file("becomes-file", "file")
                        .file("linked", "replaced")
                        .hardLink("third-name", "linked-too")
                        .file("was-link", "a file now")
                        .mode(0755)
                        .owner(2, 2)
                        .xattr("user.upper", new byte[] {2})
                        .directory("metadata")
                        .file(".wh.never-was", "")
                        .file("no-such-dir/.wh.x", ""),
                new TestTar()
                        .file("keep/a", "back again")
                        .directory("gone")
                        .file("gone/y", "y")
                        .file("opaque/.wh.new", "")
                        .file("keep/.wh..wh.plnk", "")
                        .hardLink("fourth-name", "third-name"));
    }

    @Test
    void doesNotHideWhatTheSameLayerBrings() {
        assertSame(
                new TestTar()
                        .mode(0755)
                        .directory("./")
                        .directory("d")
                        .file("d/lower", "l")
                        .directory("d/both")
                        .file("d/both/lower", "l")
                        .file("f", "lower")
                        .directory("e")
                        .file("e/lower", "l"),
                new TestTar()
                        .file("d/upper", "u")
                        .file("d/both/upper", "u")
                        .file("d/.wh..wh..opq", "")
                        .file("f", "upper")
                        .file(".wh.f", "")
                        .file("e/upper", "u")
                        .file(".wh.e", "")
                        // Removing from them leaves the present as their time in umoci's result.
                        .directory("d/both")
                        .directory("e"));
    }

    @Test
    void followsLinksToParentDirectoriesWithinTheImage() {
        assertSame(
                new TestTar()
                        .mode(0755)
                        .directory("./")
                        .directory("usr")
                        .directory("usr/lib")
                        .directory("run")
                        .directory("var")
                        .symlink("lib", "usr/lib")
                        .symlink("var/run", "/run")
                        .symlink("up", "var/../usr")
                        .symlink("chain", "lib")
                        .symlink("nowhere", "made/by/this"),
                new TestTar()
                        .file("lib/libc.so", "c")
                        .file("var/run/pid", "1")
                        .file("up/file", "f")
                        .file("chain/more.so", "m")
                        .directory("made")
                        .directory("made/by")
                        .directory("made/by/this")
                        .file("nowhere/file", "n")
                        .hardLink("hard", "lib/libc.so")
                        .hardLink("var/run/hard", "chain/more.so"),
                new TestTar().file("lib/.wh.libc.so", "").file("var/run/.wh..wh..opq", ""));
    }

    @Test
    void takesNamesAsUmociDoes() {
        assertSame(
                new TestTar()
                        .mode(0755)
                        .directory("./")
                        .directory("/abs")
                        .file("/abs/file", "x")
                        .file("./abs/./dot", "x")
                        .file("abs//slashes", "x")
                        .file("abs/../lexical", "x")
                        .hardLink("abs-link", "/abs/file")
                        .member('\0', "old-style-directory/", "", 0, new byte[0])
                        .member('0', "no-directory/", "", 1, new byte[] {'x'})
                        .member('\0', "old-style-file", "", 1, new byte[] {'x'}));
    }

    @Test
    void closesTheGapsOfReplacedFiles() {
        TestTar lower = new TestTar().mode(0755).directory("./");
        TestTar upper = new TestTar();
        Random random = new Random(3);
        for (int i = 0; i < 40; i++) {
            byte[] content = new byte[random.nextInt(200_000)];
            random.nextBytes(content);
            lower.file("f" + i, content);
            if (i % 3 == 0) {
                random.nextBytes(content);
                upper.file("f" + i, content);
            } else if (i % 3 == 1) {
                upper.file(".wh.f" + i, "");
            }
        }
        assertSame(lower, upper);
    }

    /** A line per file, so that a failure shows what differs and no more. */
    private static List<String> text(SortedMap<String, String> files) {
        return files.entrySet().stream().map(e -> e.getKey() + " " + e.getValue()).toList();
    }

    /** Unpacks with umoci, and through store and child; compares and checks the disk. */
    private void assertSame(TestTar... layers) {
        TestLayout layout = new TestLayout(temporary.resolve("layout"));
        for (TestTar layer : layers) {
            // umoci knows no Zstandard.
            layout.layer(
                    MediaType.OCI_LAYER_GZIP.text(),
                    TestLayout.gzip(layer.bytes()),
                    io.bunkai.oci.Digest.of(layer.bytes()));
        }
        Path directory = layout.write();
        Path bundle = temporary.resolve("bundle");
        Command.run("umoci", "unpack", "--image", directory + ":" + TestLayout.TAG, bundle);
        SortedMap<String, String> expected = TreeSnapshot.of(bundle.resolve("rootfs"));

        ContainerImage image =
                new ImageStore(temporary.resolve("store"))
                        .resolve(
                                ImageReference.parse(directory.toString(), temporary),
                                Deadline.after(Duration.ofMinutes(2)));
        Command.run("fsck.erofs", image.erofsDisk());
        try (MountedDisk mounted = MountedDisk.of(image.erofsDisk(), temporary.resolve("mnt"))) {
            assertThat(text(TreeSnapshot.of(mounted.directory()))).isEqualTo(text(expected));
        }
    }
}
