// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.bunkai.oci.Descriptor;
import io.bunkai.oci.Digest;
import io.bunkai.oci.ImageConfig;
import io.bunkai.oci.ImageIndex;
import io.bunkai.oci.ImageManifest;
import io.bunkai.oci.MediaType;
import io.bunkai.oci.OciJson;
import io.bunkai.oci.Platform;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;

/** Writes OCI layouts to a directory, the wrong ones too. */
final class TestLayout {
    static final String TAG = "test";

    private final Path directory;
    private final List<Descriptor> layers = new ArrayList<>();
    private final List<Digest> diffIds = new ArrayList<>();
    private Platform platform = Platform.ofThisMachine();

    TestLayout(Path directory) {
        this.directory = directory;
    }

    /** An image of one uncompressed layer. */
    static Path of(Path directory, TestTar layer) {
        return new TestLayout(directory).layer(layer.bytes()).write();
    }

    TestLayout forPlatform(Platform other) {
        platform = other;
        return this;
    }

    TestLayout layer(byte[] tar) {
        return layer(MediaType.OCI_LAYER.text(), tar, Digest.of(tar));
    }

    TestLayout gzipLayer(byte[] tar) {
        return layer(MediaType.OCI_LAYER_GZIP.text(), gzip(tar), Digest.of(tar));
    }

    TestLayout zstdLayer(byte[] tar) {
        return layer(MediaType.OCI_LAYER_ZSTD.text(), zstd(tar), Digest.of(tar));
    }

    TestLayout layer(String mediaType, byte[] blob, Digest diffId) {
        Digest digest = write(blob);
        layers.add(new Descriptor(mediaType, digest, blob.length, List.of(), Map.of(), null, null));
        diffIds.add(diffId);
        return this;
    }

    /** A layer whose descriptor says what the test wants. */
    TestLayout layer(Descriptor descriptor, Digest diffId) {
        layers.add(descriptor);
        diffIds.add(diffId);
        return this;
    }

    TestLayout diffId(Digest diffId) {
        diffIds.add(diffId);
        return this;
    }

    Path write() {
        byte[] config =
                OciJson.write(
                        ImageConfig.of(
                                platform,
                                ImageConfig.Execution.of(List.of("sh"), List.of("A=b")),
                                diffIds));
        write(config);
        byte[] manifest =
                OciJson.write(
                        ImageManifest.of(Descriptor.of(MediaType.OCI_CONFIG, config), layers));
        return index(
                List.of(
                        described(manifest)
                                .forPlatform(platform)
                                .withAnnotations(Map.of(Descriptor.REF_NAME, TAG))));
    }

    Path index(List<Descriptor> manifests) {
        file("index.json", OciJson.write(ImageIndex.of(manifests)));
        return file("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}".getBytes(UTF_8));
    }

    private Descriptor described(byte[] manifest) {
        write(manifest);
        return Descriptor.of(MediaType.OCI_MANIFEST, manifest);
    }

    /** Writes a blob under its digest. */
    Digest write(byte[] blob) {
        Digest digest = Digest.of(blob);
        file("blobs/sha256/" + digest.hex(), blob);
        return digest;
    }

    Path file(String name, byte[] content) {
        try {
            Path path = directory.resolve(name);
            Files.createDirectories(path.getParent());
            Files.write(path, content);
            return directory;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    static byte[] gzip(byte[] data) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(data);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return out.toByteArray();
    }

    static byte[] zstd(byte[] data) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream zstd = new io.airlift.compress.v3.zstd.ZstdJavaOutputStream(out)) {
            zstd.write(data);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return out.toByteArray();
    }
}
