// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.oci;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.bunkai.base.Fault;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Names a blob: what it is, its digest and its size.
 *
 * @param mediaType what the blob is, see {@link MediaType#of}
 * @param size its length in bytes; 0 if the document does not say
 * @param platform what the image is for, in an index
 * @spec https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md OCI image
 *     specification 1.1, content descriptors
 */
public record Descriptor(
        String mediaType,
        Digest digest,
        @JsonProperty("size") long size,
        List<String> urls,
        Map<String, String> annotations,
        @Nullable Platform platform,
        @Nullable String artifactType) {

    /** The annotation by which an OCI layout gives a manifest its tag. */
    public static final String REF_NAME = "org.opencontainers.image.ref.name";

    /** The annotation by which containerd and Docker write the whole name of an image. */
    public static final String CONTAINERD_NAME = "io.containerd.image.name";

    public Descriptor {
        if (digest == null) {
            throw Fault.invalidArgument("a descriptor has no digest");
        }
        mediaType = Copies.text(mediaType);
        urls = Copies.list(urls);
        annotations = Copies.map(annotations);
    }

    /** {@return a descriptor of a blob of this type} */
    public static Descriptor of(MediaType type, Digest digest, long size) {
        return new Descriptor(type.text(), digest, size, List.of(), Map.of(), null, null);
    }

    /** {@return a descriptor of these bytes} */
    public static Descriptor of(MediaType type, byte[] blob) {
        return of(type, Digest.of(blob), blob.length);
    }

    /** {@return this descriptor for an image of that platform} */
    public Descriptor forPlatform(Platform newPlatform) {
        return new Descriptor(
                mediaType, digest, size, urls, annotations, newPlatform, artifactType);
    }

    /** {@return this descriptor with exactly these annotations} */
    public Descriptor withAnnotations(Map<String, String> newAnnotations) {
        return new Descriptor(
                mediaType, digest, size, urls, newAnnotations, platform, artifactType);
    }
}
