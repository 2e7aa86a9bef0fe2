// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.images;

import io.bunkai.base.Fault;
import io.bunkai.images.UnpackRequest.Compression;
import io.bunkai.oci.Descriptor;
import io.bunkai.oci.Digest;
import io.bunkai.oci.DockerArchiveEntry;
import io.bunkai.oci.ImageConfig;
import io.bunkai.oci.ImageIndex;
import io.bunkai.oci.ImageManifest;
import io.bunkai.oci.MediaType;
import io.bunkai.oci.OciJson;
import io.bunkai.oci.Platform;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One image in an OCI layout or in an archive made by {@code docker save}: its documents are read
 * and verified, its layers are known by name.
 *
 * <p>Closing it closes the files beneath. Not thread-safe.
 */
final class ImageSource implements AutoCloseable {
    private static final String OCI_LAYOUT = "oci-layout";
    private static final String INDEX = "index.json";
    private static final String DOCKER_MANIFEST = "manifest.json";
    private static final int MAX_INDEX_DEPTH = 4;
    private static final Pattern CONFIG_NAME =
            Pattern.compile("(?:blobs/sha256/)?([0-9a-f]{64})(?:\\.json)?");

    private final ImageFiles files;
    private final UnpackLimits limits;
    private final Platform platform;
    private final Digest id;
    private final ImageConfig config;
    private final List<Layer> layers;

    /**
     * A layer as it is kept.
     *
     * @param file where it is
     * @param digest what its bytes must have, null if the format does not tell; then the digest of
     *     the uncompressed layer has to do
     */
    record Layer(
            String file,
            long size,
            @Nullable Digest digest,
            Compression compression,
            Digest diffId) {}

    private ImageSource(
            ImageFiles files, Optional<String> tag, UnpackLimits limits, Platform platform)
            throws IOException {
        this.files = files;
        this.limits = limits;
        this.platform = platform;
        if (files.size(OCI_LAYOUT).isPresent() || files.size(INDEX).isPresent()) {
            ImageManifest manifest = manifest(tag);
            this.id = manifest.config().digest();
            this.config = config(manifest);
            this.layers = layers(manifest);
        } else if (files.size(DOCKER_MANIFEST).isPresent()) {
            DockerArchiveEntry entry = dockerEntry(tag);
            byte[] json = files.read(entry.config(), limits.document().bytes());
            this.id = verifiedDockerId(entry, json);
            this.config = OciJson.read(json, ImageConfig.class, "the config " + entry.config());
            this.layers = dockerLayers(entry);
        } else {
            throw Fault.invalidArgument(
                            "%s holds neither %s nor %s", files.place(), INDEX, DOCKER_MANIFEST)
                    .withHint("an image is an OCI layout or an archive made by docker save");
        }
        checkPlatform();
    }

    /**
     * Opens an image.
     *
     * @param platform which one to take where there are several
     * @throws Fault NOT_FOUND if there is no such image, INVALID_ARGUMENT if its documents make no
     *     sense or do not have the digests they are known by, UNIMPLEMENTED if it is of a type that
     *     is not supported, FAILED_PRECONDITION if it is for another platform or several match
     */
    static ImageSource open(
            Path path, Optional<String> tag, UnpackLimits limits, Platform platform) {
        try {
            ImageFiles files =
                    Files.isDirectory(path) ? new DirectoryFiles(path) : openArchive(path);
            try {
                return new ImageSource(files, tag, limits, platform);
            } catch (IOException | RuntimeException e) {
                files.close();
                throw e;
            }
        } catch (IOException e) {
            throw Fault.unavailable("the image %s cannot be read", path).causedBy(e);
        }
    }

    private static ImageFiles openArchive(Path path) throws IOException {
        if (!Files.exists(path)) {
            throw Fault.notFound("there is no image at %s", path);
        }
        if (!Files.isRegularFile(path)) {
            throw Fault.invalidArgument("%s is neither a directory nor an archive", path);
        }
        return ArchiveFiles.open(path);
    }

    /** {@return the digest of the config} */
    Digest id() {
        return id;
    }

    ImageConfig config() {
        return config;
    }

    /** {@return the layers, lowest first} */
    List<Layer> layers() {
        return layers;
    }

    /** {@return the bytes of a layer as they are kept; closed by the caller} */
    InputStream open(Layer layer) throws IOException {
        return files.open(layer.file());
    }

    @Override
    public void close() throws IOException {
        files.close();
    }

    // OCI layouts.

    private ImageManifest manifest(Optional<String> tag) throws IOException {
        byte[] json = files.read(INDEX, limits.document().bytes());
        ImageIndex index = OciJson.read(json, ImageIndex.class, INDEX + " of " + files.place());
        List<Descriptor> tagged =
                index.manifests().stream()
                        .filter(descriptor -> tag.map(t -> hasTag(descriptor, t)).orElse(true))
                        .toList();
        if (tagged.isEmpty()) {
            throw noSuchTag(tag, index.manifests().stream().flatMap(ImageSource::tags));
        }
        return manifest(choose(tagged, index), 0);
    }

    private static Stream<String> tags(Descriptor descriptor) {
        return Stream.of(Descriptor.CONTAINERD_NAME, Descriptor.REF_NAME)
                .map(descriptor.annotations()::get)
                .filter(name -> name != null && !name.isEmpty());
    }

    private static boolean hasTag(Descriptor descriptor, String tag) {
        return descriptor.digest().toString().equals(tag)
                || tags(descriptor).anyMatch(name -> isNamed(name, tag));
    }

    private static boolean isNamed(String name, String tag) {
        return name.equals(tag) || name.endsWith(":" + tag) || name.endsWith("/" + tag);
    }

    private Fault noSuchTag(Optional<String> tag, Stream<String> known) {
        List<String> names = known.distinct().sorted().limit(20).toList();
        if (tag.isEmpty()) {
            return Fault.notFound("%s holds no image", files.place());
        }
        Fault fault = Fault.notFound("%s has no image with the tag '%s'", files.place(), tag.get());
        return names.isEmpty() ? fault : fault.withHint("it has: %s", String.join(", ", names));
    }

    /** The one for this platform; what says no platform is taken where nothing matches better. */
    private Descriptor choose(List<Descriptor> candidates, ImageIndex index) {
        List<Descriptor> images =
                candidates.stream().filter(descriptor -> !isAttestation(descriptor)).toList();
        List<Descriptor> matching =
                images.stream().filter(image -> platform.runs(image.platform())).toList();
        if (matching.isEmpty()) {
            matching = images.stream().filter(image -> image.platform() == null).toList();
        }
        if (matching.isEmpty()) {
            throw Fault.failedPrecondition(
                    "%s has no image for %s; it has images for %s",
                    files.place(),
                    platform,
                    String.join(
                            ", ",
                            images.stream()
                                    .map(image -> String.valueOf(image.platform()))
                                    .toList()));
        }
        if (matching.stream().map(Descriptor::digest).distinct().count() > 1) {
            throw Fault.failedPrecondition("%s holds several images", files.place())
                    .withHint(
                            "add a tag to the path; it has: %s",
                            String.join(
                                    ", ",
                                    index.manifests().stream()
                                            .flatMap(ImageSource::tags)
                                            .distinct()
                                            .limit(20)
                                            .toList()));
        }
        return matching.getFirst();
    }

    /** BuildKit keeps what it knows of a build beside the image, for the platform "unknown". */
    private static boolean isAttestation(Descriptor descriptor) {
        Platform of = descriptor.platform();
        return of != null && of.os().equals("unknown");
    }

    private ImageManifest manifest(Descriptor descriptor, int depth) throws IOException {
        MediaType type = typeOf(descriptor);
        byte[] json = blob(descriptor, "manifest");
        String what = "the manifest " + descriptor.digest();
        return switch (type.kind()) {
            case INDEX -> {
                if (depth >= MAX_INDEX_DEPTH) {
                    throw Fault.invalidArgument("%s is an index in an index", what);
                }
                ImageIndex index = OciJson.read(json, ImageIndex.class, what);
                if (index.manifests().isEmpty()) {
                    throw Fault.notFound("%s lists no image", what);
                }
                yield manifest(choose(index.manifests(), index), depth + 1);
            }
            case MANIFEST -> {
                ImageManifest manifest = OciJson.read(json, ImageManifest.class, what);
                if (manifest.schemaVersion() != ImageManifest.SCHEMA_VERSION) {
                    throw Fault.unimplemented(
                            "%s is of version %d of the format; only %d is supported",
                            what, manifest.schemaVersion(), ImageManifest.SCHEMA_VERSION);
                }
                yield manifest;
            }
            case CONFIG, LAYER -> throw unsupported("manifest", descriptor.mediaType());
        };
    }

    private static MediaType typeOf(Descriptor descriptor) {
        return MediaType.of(descriptor.mediaType())
                .orElseThrow(() -> unsupported("manifest", descriptor.mediaType()));
    }

    private static Fault unsupported(String what, String mediaType) {
        return Fault.unimplemented(
                "the image's %s is of the type '%s', which is not supported", what, mediaType);
    }

    private ImageConfig config(ImageManifest manifest) throws IOException {
        Descriptor descriptor = manifest.config();
        boolean known =
                MediaType.of(descriptor.mediaType())
                        .filter(type -> type.kind() == MediaType.Kind.CONFIG)
                        .isPresent();
        if (!known) {
            throw unsupported("config", descriptor.mediaType());
        }
        return OciJson.read(
                blob(descriptor, "config"), ImageConfig.class, "the config " + descriptor.digest());
    }

    private static String blobName(Digest digest) {
        return "blobs/" + Digest.ALGORITHM + "/" + digest.hex();
    }

    /** A small blob with the size and the digest it must have. */
    private byte[] blob(Descriptor descriptor, String what) throws IOException {
        String file = blobName(descriptor.digest());
        checkSize(what, descriptor.digest().toString(), file, descriptor.size());
        byte[] data = files.read(file, limits.document().bytes());
        Digest actual = Digest.of(data);
        if (!actual.equals(descriptor.digest())) {
            throw wrongDigest(what, descriptor.digest(), actual);
        }
        return data;
    }

    private long checkSize(String what, String name, String file, long expected)
            throws IOException {
        long size =
                files.size(file)
                        .orElseThrow(() ->
                                Fault.notFound(
                                        "the %s %s is not in %s", what, name, files.place()));
        if (size != expected) {
            throw Fault.invalidArgument(
                    "the %s %s has %d bytes; it should have %d", what, name, size, expected);
        }
        return size;
    }

    static Fault wrongDigest(String what, Digest expected, Digest actual) {
        return Fault.invalidArgument(
                "the %s %s is damaged: its digest is %s", what, expected, actual);
    }

    private List<Layer> layers(ImageManifest manifest) throws IOException {
        List<Digest> diffIds = checkedDiffIds(manifest.layers().size());
        List<Layer> result = new ArrayList<>();
        for (int i = 0; i < diffIds.size(); i++) {
            Descriptor descriptor = manifest.layers().get(i);
            Compression compression = compressionOf(descriptor.mediaType());
            String file = blobName(descriptor.digest());
            checkSize("layer", descriptor.digest().toString(), file, descriptor.size());
            result.add(
                    new Layer(
                            file,
                            descriptor.size(),
                            descriptor.digest(),
                            compression,
                            diffIds.get(i)));
        }
        return List.copyOf(result);
    }

    private static Compression compressionOf(String mediaType) {
        if (MediaType.isEncrypted(mediaType)) {
            throw Fault.unimplemented(
                    "the image is encrypted: a layer is of the type '%s'", mediaType);
        }
        MediaType type =
                MediaType.of(mediaType)
                        .filter(known -> known.kind() == MediaType.Kind.LAYER)
                        .orElseThrow(() -> unsupported("layer", mediaType));
        return switch (type.compression()) {
            case NONE -> Compression.NONE;
            case GZIP -> Compression.GZIP;
            case ZSTD -> Compression.ZSTD;
        };
    }

    private List<Digest> checkedDiffIds(int count) {
        List<Digest> diffIds = config.rootfs().diffIds();
        if (diffIds.size() != count) {
            throw Fault.invalidArgument(
                    "the image has %d layers; its config knows of %d", count, diffIds.size());
        }
        if (count > limits.layers()) {
            throw Fault.resourceExhausted(
                    "the image has %d layers; the limit is %d", count, limits.layers());
        }
        return diffIds;
    }

    // Archives made by docker save.

    private DockerArchiveEntry dockerEntry(Optional<String> tag) throws IOException {
        byte[] json = files.read(DOCKER_MANIFEST, limits.document().bytes());
        List<DockerArchiveEntry> all =
                List.of(
                        OciJson.read(
                                json,
                                DockerArchiveEntry[].class,
                                DOCKER_MANIFEST + " of " + files.place()));
        List<DockerArchiveEntry> tagged =
                all.stream()
                        .filter(entry ->
                                tag.isEmpty()
                                        || entry.repoTags().stream()
                                                .anyMatch(n -> isNamed(n, tag.get())))
                        .toList();
        if (tagged.isEmpty()) {
            throw noSuchTag(tag, all.stream().flatMap(entry -> entry.repoTags().stream()));
        }
        if (tagged.size() > 1) {
            throw Fault.failedPrecondition("%s holds several images", files.place())
                    .withHint(
                            "add a tag to the path; it has: %s",
                            String.join(
                                    ", ",
                                    all.stream().flatMap(e -> e.repoTags().stream()).toList()));
        }
        return tagged.getFirst();
    }

    /** The config is named by its digest in every version of Docker; it must keep to its name. */
    private static Digest verifiedDockerId(DockerArchiveEntry entry, byte[] json) {
        var matcher = CONFIG_NAME.matcher(entry.config());
        if (!matcher.matches()) {
            throw Fault.invalidArgument(
                    "the config '%s' of the archive is not named by its digest", entry.config());
        }
        Digest expected = new Digest(matcher.group(1));
        Digest actual = Digest.of(json);
        if (!actual.equals(expected)) {
            throw wrongDigest("config", expected, actual);
        }
        return actual;
    }

    private List<Layer> dockerLayers(DockerArchiveEntry entry) throws IOException {
        List<Digest> diffIds = checkedDiffIds(entry.layers().size());
        List<Layer> result = new ArrayList<>();
        for (int i = 0; i < diffIds.size(); i++) {
            String file = entry.layers().get(i);
            long size =
                    files.size(file)
                            .orElseThrow(() ->
                                    Fault.notFound(
                                            "the layer %s is not in %s", file, files.place()));
            result.add(new Layer(file, size, null, Compression.DETECT, diffIds.get(i)));
        }
        return List.copyOf(result);
    }

    private void checkPlatform() {
        if (!config.os().isEmpty() && !platform.runs(config.platform())) {
            throw Fault.failedPrecondition(
                    "the image is for %s; this machine runs %s", config.platform(), platform);
        }
    }
}
