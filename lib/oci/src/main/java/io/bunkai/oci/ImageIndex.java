// SPDX-FileCopyrightText: The Bunkai Authors
// SPDX-License-Identifier: Apache-2.0
package io.bunkai.oci;

import java.util.List;
import java.util.Map;

/**
 * A list of manifests: one image for several platforms, or the contents of an OCI layout.
 *
 * @spec https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md OCI image
 *     specification 1.1, image index
 */
public record ImageIndex(
        int schemaVersion,
        String mediaType,
        List<Descriptor> manifests,
        Map<String, String> annotations) {

    /** The only version of the format. */
    public static final int SCHEMA_VERSION = 2;

    public ImageIndex {
        mediaType = Copies.text(mediaType);
        manifests = Copies.list(manifests);
        annotations = Copies.map(annotations);
    }

    /** {@return an OCI index of these manifests} */
    public static ImageIndex of(List<Descriptor> manifests) {
        return new ImageIndex(SCHEMA_VERSION, MediaType.OCI_INDEX.text(), manifests, Map.of());
    }
}
