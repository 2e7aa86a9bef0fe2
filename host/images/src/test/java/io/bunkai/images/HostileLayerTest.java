// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a layer may try, and that it is refused. In one process; the store's test uses two. */
class HostileLayerTest {
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
    private int disks;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../etc/passwd",
                "..",
                "a/../../etc/passwd",
                "/../etc/passwd",
                "./../x",
                "a/b/../../../x",
                "../.wh.x"
            })
    void refusesAPathThatClimbsOut(String path) {
        assertInvalid("climbs out of the image", new TestTar().file(path, "x"));
        assertInvalid("climbs out of the image", new TestTar().directory(path));
        assertInvalid("climbs out of the image", new TestTar().symlink(path, "x"));
        assertInvalid(
                "climbs out of the image",
                new TestTar().file("f", "x").hardLink("link", path.replace(".wh.", "")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"../../../etc", "..", "a/../../..", "/../../root"})
    void refusesToWriteThroughALinkThatClimbsOut(String target) {
        assertInvalid(
                "climbs out of the image",
                new TestTar().symlink("way", target).file("way/passwd", "x"));
        assertInvalid(
                "climbs out of the image",
                new TestTar().symlink("way", target),
                new TestTar().directory("way/dir"));
        assertInvalid(
                "climbs out of the image",
                new TestTar().symlink("way", target).hardLink("f", "way/passwd"));
        assertInvalid(
                "climbs out of the image",
                new TestTar().symlink("way", target),
                new TestTar().file("way/.wh.passwd", ""));
    }

    @Test
    void keepsALinkThatNobodyWritesThrough() {
        disk(UnpackLimits.DEFAULTS, new TestTar().symlink("way", "../../../etc/passwd"));
        disk(
                UnpackLimits.DEFAULTS,
                new TestTar().symlink("way", "../../../etc").file("way", "replaced"));
    }

    @Test
    void refusesLinksThatLeadInCircles() {
        assertInvalid("too many symbolic links", new TestTar().symlink("a", "a").file("a/x", ""));
        assertInvalid(
                "too many symbolic links",
                new TestTar().symlink("a", "b").symlink("b", "a").file("b/x", ""));
        TestTar swelling = new TestTar().symlink("a0", ".");
        for (int i = 1; i < 60; i++) {
            swelling.symlink("a" + i, ("a" + (i - 1) + "/").repeat(10));
        }
        assertInvalid("too many symbolic links", swelling.file("a59/x", ""));
    }

    @Test
    void refusesHardLinksToWhatIsNotThere() {
        assertInvalid("which is not in the image", new TestTar().hardLink("a", "b"));
        assertInvalid("which is not in the image", new TestTar().hardLink("a", "/etc/shadow"));
        assertInvalid("which is not in the image", new TestTar().hardLink("a", "a"));
        assertInvalid(
                "which is not in the image", new TestTar().file("f", "x").hardLink("a", "f/x"));
        assertInvalid(
                "which is not in the image",
                new TestTar().file("f", "x"),
                new TestTar().file(".wh.f", "").hardLink("a", "f"));
        assertInvalid("the directory", new TestTar().directory("d").hardLink("a", "d"));
        assertInvalid("the directory", new TestTar().directory("d").hardLink("d/a", "d"));
        assertInvalid("names the root", new TestTar().hardLink("a", "/"));
    }

    @Test
    void refusesToReplaceTheRoot() {
        assertInvalid("names the root", new TestTar().file("./", "x"));
        assertInvalid("names the root", new TestTar().symlink("/", "/etc"));
        assertInvalid("names the root", new TestTar().file("a/..", "x"));
    }

    @Test
    void refusesFilesBeneathFiles() {
        assertInvalid("which is no directory", new TestTar().file("f", "x").file("f/g", "x"));
        assertInvalid("which is no directory", new TestTar().fifo("f").directory("f/g/h"));
        assertInvalid(
                "which is no directory",
                new TestTar().file("f", "x").symlink("l", "f").file("l/g", "x"));
    }

    @Test
    void refusesWhiteoutsOfNothing() {
        assertInvalid("whiteout of no file", new TestTar().file("d/.wh.", ""), new TestTar());
        assertInvalid(
                "whiteout of no file",
                new TestTar().directory("d").file("d/.wh...", "").directory("d"));
        assertInvalid("reserved", new TestTar().file(".wh.d/file", ""));
    }

    @Test
    void refusesALinkToNowhere() {
        assertInvalid("leads to a name of 0 bytes", new TestTar().symlink("l", ""));
        assertInvalid("leads to a name of 4096", new TestTar().symlink("l", "x".repeat(4096)));
    }

    @Test
    void refusesALayerThatIsNotTheOneOfTheConfig() {
        byte[] layer = new TestTar().bytes();
        assertThatExceptionOfType(Fault.class)
                .isThrownBy(() ->
                        Stacks.unpack(
                                temporary.resolve("disk"),
                                UnpackLimits.DEFAULTS,
                                UnpackRequest.Compression.NONE,
                                List.of(layer),
                                List.of("00".repeat(32))))
                .withMessageContaining("layer 1 unpacks to sha256:")
                .withMessageContaining("the image's config says sha256:0000");
    }

    @Test
    void limitsTheSize() {
        assertExhausted("larger than 1 MiB", new TestTar().file("f", new byte[1_048_577]));
        assertExhausted(
                "larger than 1 MiB",
                new TestTar().file("f", new byte[600_000]),
                new TestTar().file("f", new byte[600_000]));
        assertExhausted(
                "larger than 1 MiB",
                new TestTar()
                        .pax("GNU.sparse.map", "0,1")
                        .pax("GNU.sparse.size", "999999999999999")
                        .file("sparse", "x"));
    }

    @Test
    void limitsTheNumberOfFiles() {
        TestTar files = new TestTar();
        TestTar whiteouts = new TestTar();
        for (int i = 0; i < 101; i++) {
            files.file("f" + i, "");
            whiteouts.file(".wh.f" + i, "");
        }
        assertExhausted("more than 100 files", files);
        assertExhausted("more than 100 files", whiteouts);
        TestTar implied = new TestTar();
        for (int i = 0; i < 11; i++) {
            implied.file(i + "/b/c/d/e/f/g/h/i/j/k", "");
        }
        assertExhausted("more than 100 files", implied);
    }

    @Test
    void limitsTheNumberOfLayers() {
        TestTar layer = new TestTar();
        assertExhausted("more than 3 layers", layer, layer, layer, layer);
    }

    @Test
    void limitsDepthAndLength() {
        assertExhausted("nested more than 20", new TestTar().directory("d/".repeat(30)));
        TestTar nested = new TestTar().directory("d/".repeat(15)).symlink("s", "d/".repeat(15));
        assertExhausted("nested more than 20", nested.directory("s/" + "d/".repeat(10)));
        assertExhausted("longer than a name may be", new TestTar().file("n".repeat(256), ""));
        assertExhausted(
                "longer than a name may be", new TestTar().file("n".repeat(256) + "/x", ""));
        assertExhausted("longer than a name may be", new TestTar().file("n/".repeat(2100), ""));
        assertExhausted(
                "longer than a name may be",
                new TestTar().symlink("s", "n".repeat(256)).file("s/x", ""));
    }

    @Test
    void limitsAttributes() {
        assertExhausted(
                "extended attributes", new TestTar().xattr("user.a", new byte[1001]).file("f", ""));
        assertExhausted(
                "extended attributes",
                new TestTar()
                        .xattr("user.a", new byte[600])
                        .xattr("user.b", new byte[600])
                        .file("f", ""));
        assertExhausted(
                "extended attributes",
                new TestTar().xattr("user." + "a".repeat(255), (byte) 1).file("f", ""));
    }

    @Test
    void limitsWhatAFewBytesMayBecome() throws IOException {
        ByteArrayOutputStream bomb = new ByteArrayOutputStream();
        try (OutputStream gzip = new GZIPOutputStream(bomb)) {
            gzip.write(new TestTar().file("zeros", new byte[1_000_000]).bytes());
        }
        assertThatExceptionOfType(Fault.class)
                .isThrownBy(() ->
                        Stacks.disk(
                                temporary.resolve("bomb"),
                                SMALL,
                                List.of(bomb.toByteArray()),
                                UnpackRequest.Compression.GZIP))
                .withMessageContaining("more than 10 times its size")
                .satisfies(f -> assertThat(f.code()).isEqualTo(FaultCode.RESOURCE_EXHAUSTED));
    }

    @Test
    void dropsAttributesThatWouldSpeakToTheHostOrTheOverlay() {
        Path disk =
                disk(
                        UnpackLimits.DEFAULTS,
                        new TestTar()
                                .mode(0755)
                                .directory("./")
                                .xattr("security.selinux", (byte) 1)
                                .xattr("trusted.overlay.opaque", (byte) 'y')
                                .xattr("user.overlay.redirect", (byte) 'y')
                                .xattr("system.nfs4_acl", (byte) 1)
                                .xattr("no-prefix", (byte) 1)
                                .xattr("user.", (byte) 1)
                                .xattr("user.kept", (byte) 1)
                                .directory("d"));
        try (MountedDisk mounted = MountedDisk.of(disk, temporary.resolve("mnt"))) {
            assertThat(TreeSnapshot.of(mounted.directory()).get("./d/")).endsWith("{user.kept=01}");
        }
    }

    private Path disk(UnpackLimits limits, TestTar... layers) {
        return Stacks.disk(
                temporary.resolve("disk" + disks++),
                limits,
                List.of(layers).stream().map(TestTar::bytes).toList(),
                UnpackRequest.Compression.NONE);
    }

    private void assertInvalid(String reason, TestTar... layers) {
        assertRefused(FaultCode.INVALID_ARGUMENT, reason, UnpackLimits.DEFAULTS, layers);
    }

    private void assertExhausted(String reason, TestTar... layers) {
        assertRefused(FaultCode.RESOURCE_EXHAUSTED, reason, SMALL, layers);
    }

    private void assertRefused(
            FaultCode code, String reason, UnpackLimits limits, TestTar... layers) {
        assertThatExceptionOfType(Fault.class)
                .isThrownBy(() -> disk(limits, layers))
                .withMessageContaining(reason)
                .satisfies(f -> assertThat(f.code()).isEqualTo(code));
    }
}
