// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.oci;

import java.util.Optional;

/**
 * The media types of images: what the OCI image specification names, and Docker's names for the
 * same formats.
 *
 * @spec https://github.com/opencontainers/image-spec/blob/v1.1.1/media-types.md OCI image
 *     specification 1.1, media types
 */
public enum MediaType {
    OCI_INDEX(Kind.INDEX, "application/vnd.oci.image.index.v1+json"),
    DOCKER_MANIFEST_LIST(Kind.INDEX, "application/vnd.docker.distribution.manifest.list.v2+json"),
    OCI_MANIFEST(Kind.MANIFEST, "application/vnd.oci.image.manifest.v1+json"),
    DOCKER_MANIFEST(Kind.MANIFEST, "application/vnd.docker.distribution.manifest.v2+json"),
    OCI_CONFIG(Kind.CONFIG, "application/vnd.oci.image.config.v1+json"),
    DOCKER_CONFIG(Kind.CONFIG, "application/vnd.docker.container.image.v1+json"),
    OCI_LAYER(Compression.NONE, "application/vnd.oci.image.layer.v1.tar"),
    OCI_LAYER_GZIP(Compression.GZIP, "application/vnd.oci.image.layer.v1.tar+gzip"),
    OCI_LAYER_ZSTD(Compression.ZSTD, "application/vnd.oci.image.layer.v1.tar+zstd"),
    OCI_FOREIGN_LAYER(Compression.NONE, "application/vnd.oci.image.layer.nondistributable.v1.tar"),
    OCI_FOREIGN_LAYER_GZIP(
            Compression.GZIP, "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),
    OCI_FOREIGN_LAYER_ZSTD(
            Compression.ZSTD, "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"),
    DOCKER_LAYER(Compression.NONE, "application/vnd.docker.image.rootfs.diff.tar"),
    DOCKER_LAYER_GZIP(Compression.GZIP, "application/vnd.docker.image.rootfs.diff.tar.gzip"),
    DOCKER_LAYER_ZSTD(Compression.ZSTD, "application/vnd.docker.image.rootfs.diff.tar.zstd"),
    DOCKER_FOREIGN_LAYER_GZIP(
            Compression.GZIP, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");

    /** What a blob of this type is. */
    public enum Kind {
        /** A list of manifests. */
        INDEX,
        /** The config and the layers of one image. */
        MANIFEST,
        /** How to run an image, and what its layers unpack to. */
        CONFIG,
        /** A tar archive of changes to a file tree. */
        LAYER
    }

    /** How the tar archive of a layer is compressed. */
    public enum Compression {
        NONE,
        GZIP,
        ZSTD
    }

    private final Kind kind;
    private final Compression compression;
    private final String text;

    MediaType(Kind kind, String text) {
        this(kind, Compression.NONE, text);
    }

    MediaType(Compression compression, String text) {
        this(Kind.LAYER, compression, text);
    }

    MediaType(Kind kind, Compression compression, String text) {
        this.kind = kind;
        this.compression = compression;
        this.text = text;
    }

    /** {@return the type of this name; empty if it is none of an image's} */
    public static Optional<MediaType> of(String text) {
        for (MediaType type : values()) {
            if (type.text.equals(text)) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }

    /** {@return whether a blob of this name is encrypted (the suffix that ocicrypt gave it)} */
    public static boolean isEncrypted(String text) {
        return text.endsWith("+encrypted");
    }

    /** {@return what a blob of this type is} */
    public Kind kind() {
        return kind;
    }

    /** {@return how a layer of this type is compressed; NONE for what is no layer} */
    public Compression compression() {
        return compression;
    }

    /** {@return the name as it is written in a descriptor} */
    public String text() {
        return text;
    }
}
