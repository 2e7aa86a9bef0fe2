// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.bunkai.base.ByteSize;
import io.bunkai.base.Fault;
import io.bunkai.base.FaultCode;
import io.bunkai.oci.Descriptor;
import io.bunkai.oci.Digest;
import io.bunkai.oci.ImageConfig;
import io.bunkai.oci.ImageIndex;
import io.bunkai.oci.ImageManifest;
import io.bunkai.oci.MediaType;
import io.bunkai.oci.OciJson;
import io.bunkai.oci.Platform;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageSourceTest {
    private static final Platform HERE = Platform.linux("amd64");
    private static final byte[] LAYER = new TestTar().file("f", "x").bytes();

    @TempDir Path temporary;
    private Path directory;
    private TestLayout layout;

    @BeforeEach
    void newLayout() {
        directory = temporary.resolve("layout");
        layout = new TestLayout(directory).forPlatform(HERE);
    }

    @Test
    void readsAnOciLayout() throws IOException {
        layout.layer(LAYER).gzipLayer(LAYER).zstdLayer(LAYER).write();
        try (ImageSource source = open()) {
            assertThat(source.config().config().env()).containsExactly("A=b");
            assertThat(source.layers())
                    .extracting(ImageSource.Layer::compression)
                    .containsExactly(
                            UnpackRequest.Compression.NONE,
                            UnpackRequest.Compression.GZIP,
                            UnpackRequest.Compression.ZSTD);
            assertThat(source.layers().getFirst().digest()).isEqualTo(Digest.of(LAYER));
        }
    }

    @Test
    void readsWhatSkopeoWrites() throws IOException {
        layout.gzipLayer(LAYER).write();
        String from = "oci:" + directory + ":test";
        Path oci = temporary.resolve("oci.tar");
        Path docker = temporary.resolve("docker.tar");
        Path ociDirectory = temporary.resolve("copy");
        skopeo(from, "oci-archive:" + oci + ":v1");
        skopeo(from, "docker-archive:" + docker + ":example.org/app:v2");
        skopeo(from, "oci:" + ociDirectory + ":v3");

        try (ImageSource original = open();
                ImageSource ociArchive = open(oci, "v1");
                ImageSource dockerArchive = open(docker, "example.org/app:v2");
                ImageSource byTag = open(docker, "v2");
                ImageSource copy = open(ociDirectory, "v3")) {
            assertThat(ociArchive.id()).isEqualTo(original.id()).isEqualTo(copy.id());
            assertThat(dockerArchive.id()).isEqualTo(byTag.id());
            assertThat(dockerArchive.config().config()).isEqualTo(original.config().config());
            ImageSource.Layer layer = dockerArchive.layers().getFirst();
            assertThat(layer.diffId()).isEqualTo(Digest.of(LAYER));
            try (var in = dockerArchive.open(layer)) {
                assertThat(in.readAllBytes()).isEqualTo(LAYER);
            }
        }
        assertRefused(
                FaultCode.NOT_FOUND, "has no image with the tag 'v9'", () -> open(docker, "v9"));
    }

    @Test
    void readsAnArchiveOfAnOldDocker() throws IOException {
        byte[] config =
                OciJson.write(
                        ImageConfig.of(
                                HERE, ImageConfig.Execution.NONE, List.of(Digest.of(LAYER))));
        String name = Digest.of(config).hex() + ".json";
        Path archive =
                archive(
                        new TestTar()
                                .file("first/layer.tar", LAYER)
                                .symlink("second/layer.tar", "../first/layer.tar")
                                .file(name, config)
                                .file(
                                        "manifest.json",
                                        """
                                        [{"Config":"%s","RepoTags":null,"Layers":["second/layer.tar"]}]
                                        """
                                                .formatted(name)));
        try (ImageSource source = open(archive, null)) {
            assertThat(source.id()).isEqualTo(Digest.of(config));
            assertThat(source.layers().getFirst().size()).isEqualTo(LAYER.length);
        }
    }

    @Test
    void choosesTheManifestOfThisPlatform() throws IOException {
        Descriptor arm = image(Platform.linux("arm64"));
        Descriptor amd = image(HERE);
        Descriptor attestation =
                Descriptor.of(MediaType.OCI_MANIFEST, new byte[] {1})
                        .forPlatform(new Platform("unknown", "unknown", "", List.of(), ""));
        byte[] nested = OciJson.write(ImageIndex.of(List.of(arm, amd, attestation)));
        layout.write(nested);
        layout.index(List.of(Descriptor.of(MediaType.OCI_INDEX, nested)));
        try (ImageSource source = open()) {
            assertThat(source.config().platform()).isEqualTo(HERE);
        }
        layout.index(List.of(arm));
        assertRefused(
                FaultCode.FAILED_PRECONDITION,
                "no image for linux/amd64; it has images for linux/arm64",
                this::open);
    }

    @Test
    void refusesAnImageOfAnotherPlatformThatNobodyDeclared() throws IOException {
        byte[] config =
                OciJson.write(
                        ImageConfig.of(
                                Platform.linux("riscv64"), ImageConfig.Execution.NONE, List.of()));
        indexOf(config, List.of());
        assertRefused(
                FaultCode.FAILED_PRECONDITION,
                "the image is for linux/riscv64; this machine runs linux/amd64",
                this::open);
    }

    @Test
    void asksForATagWhereThereAreSeveralImages() {
        Descriptor first = image(HERE).withAnnotations(Map.of(Descriptor.REF_NAME, "one"));
        Descriptor second =
                image(HERE, LAYER, LAYER)
                        .withAnnotations(
                                Map.of(Descriptor.CONTAINERD_NAME, "docker.io/library/x:two"));
        layout.index(List.of(first, second));
        assertThatExceptionOfType(Fault.class)
                .isThrownBy(this::open)
                .withMessageContaining("several images")
                .satisfies(
                        f -> assertThat(f.hint().orElseThrow()).contains("one").contains("x:two"));
    }

    @Test
    void refusesTypesItDoesNotKnowByName() {
        layout.layer("application/vnd.wasm.content.layer.v1+wasm", LAYER, Digest.of(LAYER)).write();
        assertRefused(
                FaultCode.UNIMPLEMENTED,
                "layer is of the type 'application/vnd.wasm.content.layer.v1+wasm'",
                this::open);
    }

    @Test
    void refusesEncryptedLayers() {
        layout.layer(MediaType.OCI_LAYER_GZIP.text() + "+encrypted", LAYER, Digest.of(LAYER))
                .write();
        assertRefused(FaultCode.UNIMPLEMENTED, "the image is encrypted", this::open);
    }

    @Test
    void refusesArtifactsAndOldManifests() {
        byte[] artifact =
                OciJson.write(
                        ImageManifest.of(
                                new Descriptor(
                                        "application/vnd.oci.empty.v1+json",
                                        Digest.of(new byte[0]),
                                        0,
                                        List.of(),
                                        Map.of(),
                                        null,
                                        null),
                                List.of()));
        layout.write(artifact);
        layout.index(List.of(Descriptor.of(MediaType.OCI_MANIFEST, artifact)));
        assertRefused(
                FaultCode.UNIMPLEMENTED,
                "config is of the type 'application/vnd.oci.empty",
                this::open);

        byte[] old =
                "{\"schemaVersion\":1,\"config\":{\"digest\":\"%s\"}}"
                        .formatted(Digest.of(LAYER))
                        .getBytes(UTF_8);
        layout.write(old);
        layout.index(List.of(Descriptor.of(MediaType.DOCKER_MANIFEST, old)));
        assertRefused(FaultCode.UNIMPLEMENTED, "is of version 1", this::open);

        String signed = "application/vnd.docker.distribution.manifest.v1+prettyjws";
        layout.index(
                List.of(
                        new Descriptor(
                                signed,
                                Digest.of(old),
                                old.length,
                                List.of(),
                                Map.of(),
                                null,
                                null)));
        assertRefused(FaultCode.UNIMPLEMENTED, "manifest is of the type '" + signed, this::open);
    }

    @Test
    void refusesDocumentsThatAreNotWhatTheirDigestSays() throws IOException {
        layout.layer(LAYER).write();
        Path blobs = directory.resolve("blobs/sha256");
        try (var files = Files.list(blobs)) {
            for (Path blob : files.toList()) {
                byte[] good = Files.readAllBytes(blob);
                byte[] bad = good.clone();
                bad[bad.length / 2] ^= 1;
                if (good[0] == '{') {
                    Files.write(blob, bad);
                    assertRefused(
                            FaultCode.INVALID_ARGUMENT, "is damaged: its digest is", this::open);
                }
                Files.write(blob, java.util.Arrays.copyOf(good, good.length - 1));
                assertRefused(FaultCode.INVALID_ARGUMENT, "bytes; it should have", this::open);
                Files.delete(blob);
                assertRefused(FaultCode.NOT_FOUND, "is not in", this::open);
                Files.write(blob, good);
            }
        }
        open().close();
    }

    @Test
    void refusesAConfigThatKnowsOfOtherLayers() {
        layout.layer(LAYER).diffId(Digest.of(LAYER)).write();
        assertRefused(
                FaultCode.INVALID_ARGUMENT, "has 1 layers; its config knows of 2", this::open);
    }

    @Test
    void refusesAnIndexInItself() {
        Descriptor innermost = image(HERE);
        for (int i = 0; i < 6; i++) {
            byte[] index = OciJson.write(ImageIndex.of(List.of(innermost)));
            layout.write(index);
            innermost = Descriptor.of(MediaType.OCI_INDEX, index);
        }
        layout.index(List.of(innermost));
        assertRefused(FaultCode.INVALID_ARGUMENT, "index in an index", this::open);
    }

    @Test
    void readsNoFileOutsideOfTheDirectory() throws IOException {
        byte[] config =
                OciJson.write(
                        ImageConfig.of(
                                HERE, ImageConfig.Execution.NONE, List.of(Digest.of(LAYER))));
        String name = Digest.of(config).hex() + ".json";
        for (String outside : List.of("../outside", "/etc/passwd", "a/../../outside")) {
            layout.file(name, config);
            layout.file(
                    "manifest.json",
                    "[{\"Config\":\"%s\",\"Layers\":[\"%s\"]}]"
                            .formatted(name, outside)
                            .getBytes(UTF_8));
            assertRefused(FaultCode.INVALID_ARGUMENT, "a file outside of it", this::open);
        }
        Files.delete(directory.resolve("manifest.json"));
        Files.createSymbolicLink(directory.resolve("index.json"), Path.of("/etc/passwd"));
        assertRefused(FaultCode.INVALID_ARGUMENT, "not a regular file", this::open);
        Files.delete(directory.resolve("index.json"));
        Command.run("mkfifo", directory.resolve("index.json"));
        assertRefused(FaultCode.INVALID_ARGUMENT, "not a regular file", this::open);
    }

    @Test
    void refusesADockerConfigThatIsNotNamedByItsDigest() throws IOException {
        for (String name : List.of("config.json", "0".repeat(64) + ".json", "../x.json")) {
            Path archive =
                    archive(
                            new TestTar()
                                    .file(name.replace("../", ""), "{}")
                                    .file(
                                            "manifest.json",
                                            "[{\"Config\":\"%s\",\"Layers\":[]}]".formatted(name)));
            assertThatExceptionOfType(Fault.class).isThrownBy(() -> open(archive, null));
        }
    }

    @Test
    void saysWhatIsNoImage() throws IOException {
        Files.createDirectories(directory);
        assertRefused(FaultCode.INVALID_ARGUMENT, "holds neither index.json nor", this::open);
        Path text = Files.writeString(temporary.resolve("text"), "no image");
        assertRefused(FaultCode.INVALID_ARGUMENT, "is not a tar archive", () -> open(text, null));
        Path gzip = Files.write(temporary.resolve("gz"), TestLayout.gzip(LAYER));
        assertRefused(FaultCode.UNIMPLEMENTED, "is compressed as a whole", () -> open(gzip, null));
        assertRefused(
                FaultCode.NOT_FOUND,
                "there is no image",
                () -> open(temporary.resolve("no"), null));
        assertRefused(
                FaultCode.INVALID_ARGUMENT,
                "neither a directory nor an archive",
                () -> open(Path.of("/dev/null"), null));
    }

    @Test
    void limitsDocuments() {
        layout.layer(LAYER).write();
        layout.file("index.json", new byte[2_000_000]);
        assertRefused(
                FaultCode.RESOURCE_EXHAUSTED,
                "index.json in",
                () ->
                        ImageSource.open(
                                directory,
                                Optional.empty(),
                                Limits.withDocument(ByteSize.ofMib(1)),
                                HERE));
    }

    @Test
    void readsReferences() throws IOException {
        Path withColon = Files.writeString(temporary.resolve("a:b"), "");
        Files.writeString(temporary.resolve("img"), "");
        assertThat(ImageReference.parse("busybox", temporary)).isEqualTo(ImageReference.embedded());
        assertThat(ImageReference.parse("./img", temporary))
                .isEqualTo(new ImageReference.OnDisk(temporary.resolve("img"), Optional.empty()));
        assertThat(ImageReference.parse("./img:docker.io/x/y:v1", temporary))
                .isEqualTo(
                        new ImageReference.OnDisk(
                                temporary.resolve("img"), Optional.of("docker.io/x/y:v1")));
        assertThat(ImageReference.parse(withColon.toString(), temporary))
                .isEqualTo(new ImageReference.OnDisk(withColon, Optional.empty()));
        assertThat(ImageReference.parse(withColon + ":v1", temporary))
                .hasToString(withColon + ":v1");
        assertRefused(
                FaultCode.NOT_FOUND,
                "there is no image at ./none:v1",
                () -> ImageReference.parse("./none:v1", temporary));
        for (String remote : List.of("alpine", "docker.io/library/alpine:3", "alpine:3", "")) {
            assertRefused(
                    FaultCode.UNIMPLEMENTED,
                    "cannot be pulled",
                    () -> ImageReference.parse(remote, temporary));
        }
    }

    private Descriptor image(Platform platform) {
        return image(platform, LAYER);
    }

    private Descriptor image(Platform platform, byte[]... layers) {
        TestLayout other = new TestLayout(directory).forPlatform(platform);
        for (byte[] layer : layers) {
            other.layer(layer);
        }
        other.write();
        byte[] json;
        try {
            json = Files.readAllBytes(directory.resolve("index.json"));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return OciJson.read(json, ImageIndex.class, "index").manifests().getFirst();
    }

    private void indexOf(byte[] config, List<Descriptor> layers) {
        layout.write(config);
        byte[] manifest =
                OciJson.write(
                        ImageManifest.of(Descriptor.of(MediaType.OCI_CONFIG, config), layers));
        layout.write(manifest);
        layout.index(List.of(Descriptor.of(MediaType.OCI_MANIFEST, manifest)));
    }

    private Path archive(TestTar tar) throws IOException {
        return Files.write(temporary.resolve("archive.tar"), tar.bytes());
    }

    private static void skopeo(String from, String to) {
        Command.run("skopeo", "--insecure-policy", "copy", "--quiet", from, to);
    }

    private ImageSource open() {
        return open(directory, null);
    }

    private static ImageSource open(Path path, @org.jspecify.annotations.Nullable String tag) {
        return ImageSource.open(path, Optional.ofNullable(tag), UnpackLimits.DEFAULTS, HERE);
    }

    private static void assertRefused(
            FaultCode code,
            String reason,
            org.assertj.core.api.ThrowableAssert.ThrowingCallable action) {
        assertThatExceptionOfType(Fault.class)
                .isThrownBy(action)
                .withMessageContaining(reason)
                .satisfies(f -> assertThat(f.code()).isEqualTo(code));
    }
}
